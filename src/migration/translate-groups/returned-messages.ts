import { provenanceFrom } from "../../provenance.ts";
import type { Bookmark } from "../../tokens.ts";
import { readerBehind } from "../records-from.ts";
import type { OpenSide } from "../side.ts";
import { type GroupState, hasHandled } from "./group-state.ts";

/** More would need too much memory; what is not kept comes again. */
const MOST_POSITIONS = 1_000_000;

/**
 * On the way back, messages of the target that were copied to the source before: whether they are handled, their copies in the source tell.
 * A group that went from A to B, and goes back to A, has handled of A what it had handled there, and what it has handled of the copies since.
 */
export class ReturnedMessages {
  readonly #handled = new Map<string, Set<string>>();

  /** @param from everything before it in the source was handled when the group went there; `null`: the beginning */
  static async read(
    source: OpenSide,
    target: OpenSide,
    state: GroupState,
    from: Bookmark | null,
    signal: AbortSignal,
  ): Promise<ReturnedMessages> {
    const returned = new ReturnedMessages();
    let kept = 0;
    for await (const { source: at, records } of readerBehind(source, from).batches(signal)) {
      for (const { position, timestampMs, headers } of records) {
        const origin = provenanceFrom(target.id, headers);
        if (origin === null || kept >= MOST_POSITIONS || !hasHandled(state, at.partition, position, timestampMs, source)) continue;
        kept += 1;
        const positions = returned.#handled.get(origin.partition);
        if (positions === undefined) returned.#handled.set(origin.partition, new Set([origin.position]));
        else positions.add(origin.position);
      }
    }
    return returned;
  }

  /** Whether the copy of this message of the target is handled. */
  isHandled(partition: string, position: string): boolean {
    return this.#handled.get(partition)?.has(position) === true;
  }
}
