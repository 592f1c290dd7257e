import type { Clock } from "./clock.ts";
import type { Held, LeaseRow } from "./lease-row.ts";
import type { LeaseTimes } from "./lease-times.ts";

/** Signs of life that an observer compares. */
interface Sighting {
  readonly signs: string;
  readonly holder: string | null;
  readonly holdMs: number;
  /** End of the first list that showed these signs. */
  readonly sinceMs: number;
}

/**
 * Decides when a lease has expired, by what one observer has seen on its own monotonic clock: the same owner, epoch and beat from the end of one of
 * its lists to the start of a later one, for the owner's session and a margin. Times in rows, and clocks of others, decide nothing.
 * A free row that is kept for the member that has asked for it expires in the same way.
 */
export class Expiry {
  readonly #clock: Clock;
  readonly #times: LeaseTimes;
  readonly #sightings = new Map<string, Sighting>();
  readonly #expired = new Set<string>();
  readonly #alive = new Set<string>();
  #nextMs = Infinity;

  constructor(clock: Clock, times: LeaseTimes) {
    this.#clock = clock;
    this.#times = times;
  }

  /** Takes in one list. To be called as soon as its answer is there. */
  observe(rows: readonly Held<LeaseRow>[], listStartedMs: number): void {
    const endedMs = this.#clock.nowMs();
    const present = new Set<string>();
    for (const { row } of rows) {
      present.add(row.partition);
      this.#compare(row, listStartedMs, endedMs);
    }
    for (const partition of this.#sightings.keys()) if (!present.has(partition)) this.#forget(partition);
    this.#nextMs = this.#findNextMs();
  }

  #compare(row: LeaseRow, listStartedMs: number, listEndedMs: number): void {
    const holder = holderOf(row);
    const signs = JSON.stringify([row.groupId, holder, String(row.epoch), String(row.beat)]);
    const former = this.#sightings.get(row.partition);
    if (former === undefined || former.signs !== signs) {
      // A new sign of life can only come from the holder itself, if it held the row before.
      if (former !== undefined && row.owner !== null && former.signs !== signs) this.#alive.add(row.owner);
      this.#expired.delete(row.partition);
      this.#sightings.set(row.partition, { signs, holder, holdMs: row.holdMs ?? this.#times.holdMs, sinceMs: listEndedMs });
    } else if (holder !== null && listStartedMs - former.sinceMs >= former.holdMs + this.#times.marginMs) {
      this.#expired.add(row.partition);
    }
  }

  #forget(partition: string): void {
    this.#sightings.delete(partition);
    this.#expired.delete(partition);
  }

  /** Has the holder of this row shown no sign of life for its whole session? */
  isExpired({ partition }: LeaseRow): boolean {
    return this.#expired.has(partition);
  }

  /** When the next holder can have expired, if it shows no sign of life until then. By the observer's clock; `Infinity`: there is none. */
  get nextMs(): number {
    return this.#nextMs;
  }

  #findNextMs(): number {
    let nextMs = Infinity;
    for (const [partition, { holder, holdMs, sinceMs }] of this.#sightings) {
      if (holder === null || this.#expired.has(partition)) continue;
      nextMs = Math.min(nextMs, sinceMs + holdMs + this.#times.marginMs);
    }
    return nextMs;
  }

  /** Has this member shown a sign of life between two lists? */
  hasShownLife(owner: string): boolean {
    return this.#alive.has(owner);
  }
}

/** The member that a row is kept for: its owner, or the one that has asked for it. */
function holderOf({ owner, wantedBy }: LeaseRow): string | null {
  return owner ?? wantedBy;
}
