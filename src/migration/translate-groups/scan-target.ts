import type { PartitionPlace } from "../../position/place.ts";
import { provenanceFrom } from "../../provenance.ts";
import type { Bookmark } from "../../tokens.ts";
import { readerBehind } from "../records-from.ts";
import type { OpenSide } from "../side.ts";
import { CopiedSoFar, type CopyInView } from "./copied-so-far.ts";
import { type GroupState, hasHandled } from "./group-state.ts";
import { GroupTranslation } from "./group-translation.ts";
import type { ReturnedMessages } from "./returned-messages.ts";

/** A group while the target is read. */
export interface ScannedGroup {
  readonly state: GroupState;
  /** The group of the target as it stands; `null`: there is none. */
  readonly here: GroupState | null;
  /** On the way back. */
  readonly returned: ReturnedMessages | null;
  /** Everything that is not handled lies behind it in the target; `null`: nothing is known. */
  readonly begin: Bookmark | null;
  /** By partition of the source, the ordinal up to which everything lies before `begin`, or is handled. */
  readonly ordinals: ReadonlyMap<string, string>;
  readonly translation: GroupTranslation;
  /** What the target has to hold, and was not found yet. */
  readonly missing: ReadonlyMap<string, Set<string>>;
}

export function scannedGroup(
  state: GroupState,
  begin: Bookmark | null,
  rest: Pick<ScannedGroup, "here" | "returned" | "ordinals">,
  isByTime: boolean,
): ScannedGroup {
  const missing = new Map([...state.unhandled].map(([partition, positions]) => [partition, new Set(positions)]));
  return { state, begin, ...rest, translation: new GroupTranslation(isByTime), missing };
}

/** Reads the target from the bookmark to its end, for all groups at once. What its retention has removed behind the bookmark stays in `missing`. */
export async function scanTarget(
  source: OpenSide,
  target: OpenSide,
  begin: Bookmark | null,
  groups: readonly ScannedGroup[],
  options: CopyInView,
): Promise<{ readonly copied: CopiedSoFar; readonly ends: ReadonlyMap<string, PartitionPlace> }> {
  const seen = new Map<string, string>();
  const reader = readerBehind(target, begin, () => undefined);
  for await (const { source: at, records } of reader.batches(options.signal)) {
    for (const record of records) {
      const origin = provenanceFrom(source.id, record.headers);
      if (origin !== null) {
        const before = seen.get(origin.partition);
        if (before === undefined || source.compare(origin.position, before) > 0) seen.set(origin.partition, origin.position);
      }
      for (const group of groups) {
        if (origin !== null) group.missing.get(origin.partition)?.delete(origin.position);
        const isDone =
          origin === null
            ? isOwnHandled(group, at.partition, record, target)
            : hasHandled(group.state, origin.partition, origin.position, origin.timestampMs, source);
        group.translation.note(at.partition, record, isDone, origin);
      }
    }
  }
  return { copied: await CopiedSoFar.of(source, target, seen, options), ends: reader.places };
}

/** A message that the copy has not written: it counts as handled only on the way back. */
function isOwnHandled(
  { here, returned }: ScannedGroup,
  partition: string,
  { position, timestampMs }: { readonly position: string; readonly timestampMs: number | bigint },
  target: OpenSide,
): boolean {
  if (returned === null) return false;
  return returned.isHandled(partition, position) || (here !== null && hasHandled(here, partition, position, timestampMs, target));
}
