import { isStreamError } from "../driver/index.ts";
import { GroupMover } from "./group-move.ts";
import type { GroupRow, Held } from "./lease-row.ts";
import type { MemberParts } from "./member-parts.ts";
import type { OwnedLeases } from "./owned-leases.ts";

/** How a member behaves beside a reset: it acquires nothing, drops what is moved, and completes a reset whose mover has died. */
export class MoveWatch {
  readonly #parts: MemberParts;
  readonly #owned: OwnedLeases;
  /** The signs of life of the mover, and since when they have not changed. */
  #seen: { readonly signs: string; readonly sinceMs: number } | null = null;

  constructor(parts: MemberParts, owned: OwnedLeases) {
    this.#parts = parts;
    this.#owned = owned;
  }

  /** There is no move. A lease from before the last one counts no longer: its row was overlooked. */
  over({ moves }: GroupRow): void {
    this.#seen = null;
    for (const lease of this.#owned.all) if (lease.row.moved !== moves) this.#owned.lose(lease);
  }

  /** There is a move. */
  async look(group: Held<GroupRow>): Promise<void> {
    const { clock, times } = this.#parts;
    const { number, by, beat, isPlacing } = group.row.move!;
    if (isPlacing) for (const lease of this.#owned.all) if (lease.row.moved < number) this.#owned.lose(lease);
    const signs = JSON.stringify([group.row.id, String(number), by, beat, isPlacing]);
    if (this.#seen?.signs !== signs) this.#seen = { signs, sinceMs: clock.nowMs() };
    else if (clock.nowMs() - this.#seen.sinceMs >= times.holdMs + times.marginMs) await this.#complete(group);
  }

  async #complete(group: Held<GroupRow>): Promise<void> {
    const { store, clock, times, watchMs, newId, life } = this.#parts;
    this.#seen = null;
    const mover = new GroupMover({ store, clock, times, watchMs, by: newId() }, life);
    try {
      const taken = await mover.takeOver(group);
      if (taken === null) return;
      // This member lives: a reset that has placed nothing is given up, as its mover would have done.
      if (this.#owned.size > 0 && !taken.row.move!.isPlacing) await mover.abandon(taken);
      else await mover.complete(taken);
    } catch (error) {
      if (!isStreamError(error, "conflict")) throw error;
    }
  }
}
