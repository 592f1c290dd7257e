import type { Assignment, HandledAhead, PartitionPlace, Settlement } from "../driver/index.ts";
import { type Clock, elapsedMs } from "./clock.ts";
import { aheadOf, fitAhead } from "./fit-ahead.ts";
import type { GroupRow, LeaseRow } from "./lease-row.ts";
import type { LeaseTimes } from "./lease-times.ts";
import type { RowWriter, RowWriterParts, WriteOutcome } from "./row-writer.ts";

export interface LeaseParts extends RowWriterParts {
  readonly clock: Clock;
  readonly times: LeaseTimes;
  readonly aheadBytes: number;
  readonly compare: (a: string, b: string) => number;
}

/** The life of a lease. It only goes forwards; `handing-over` may be left out. */
type Phase = "held" | "handing-over" | "over";

/** One ownership of one partition by this member, from its acquisition to its end. */
export class Lease {
  readonly assignment: Assignment & { resumes: Assignment | null };
  /** Aborts when nothing more may be delivered: the lease is handed over, or it is over. */
  readonly delivering: AbortSignal;
  readonly #parts: LeaseParts;
  readonly #writer: RowWriter;
  readonly #delivery = new AbortController();
  #phase: Phase = "held";
  /** The last position that was delivered; `null`: nothing. */
  #delivered: string | null = null;
  /** Nothing was stored behind the position until then. */
  #empty: { readonly behind: string | null; readonly untilMs: number } | null = null;

  /** @param writer that has just acquired the row */
  constructor(
    parts: LeaseParts,
    writer: RowWriter,
    { identity, origin }: Pick<GroupRow, "identity" | "origin">,
    resumes: Assignment | null,
  ) {
    const { partition, epoch, place, ahead } = writer.row;
    this.#parts = parts;
    this.#writer = writer;
    this.delivering = this.#delivery.signal;
    this.assignment = {
      partition,
      identity,
      start: place.kind === "ended" ? null : place,
      epoch: String(epoch),
      ahead: aheadOf(place, ahead),
      origin,
      resumes,
      isCurrent: () => this.isCurrent,
    };
  }

  get row(): LeaseRow {
    return this.#writer.row;
  }

  get isOver(): boolean {
    return this.#phase === "over";
  }

  get isHandingOver(): boolean {
    return this.#phase === "handing-over";
  }

  /** May this member still count on it? */
  get isCurrent(): boolean {
    return !this.isOver && this.isInTime;
  }

  /** Can no other member have taken the row? By this member's own clocks, since its last confirmed write was sent. */
  get isInTime(): boolean {
    const { clock, times } = this.#parts;
    const { confirmedAt } = this.#writer;
    return confirmedAt !== null && elapsedMs(confirmedAt, clock) < times.holdMs - times.marginMs;
  }

  /** Is it time for a sign of life? */
  get isDue(): boolean {
    const { clock, times } = this.#parts;
    const { confirmedAt, isBusy } = this.#writer;
    return !isBusy && (confirmedAt === null || elapsedMs(confirmedAt, clock) >= times.renewMs);
  }

  /**
   * Is this row as this lease has read or written it last? Then nobody else has owned it since. An operator may have taken out the owner:
   * the epoch shows that nobody has come after it.
   */
  isAsLeft(found: LeaseRow): boolean {
    return this.#writer.isOurs({ ...found, owner: found.owner ?? this.row.owner });
  }

  delivered(position: string): void {
    this.#delivered = position;
  }

  caughtUp(emptyUntilMs: number | null): void {
    if (emptyUntilMs !== null) this.#empty = { behind: this.#delivered, untilMs: emptyUntilMs };
  }

  /** A sign of life. */
  renew(): Promise<WriteOutcome> {
    return this.#writer.write((row) => (this.isOver ? null : { ...row, emptyUntilMs: this.#emptyUntil(row.place) ?? row.emptyUntilMs }));
  }

  /** Stores progress; it is a sign of life as well. A shard that is handled to its end is released by the same write. */
  async settle({ through, ended, ahead }: Settlement): Promise<WriteOutcome> {
    const outcome = await this.#writer.write((row) => this.#settled(row, through, ended, ahead));
    if (outcome === "written" && ended) this.end();
    return outcome;
  }

  #settled(row: LeaseRow, through: string | null, ended: boolean, ahead: HandledAhead | null): LeaseRow {
    if (ended || row.place.kind === "ended") {
      return { ...row, owner: ended ? null : row.owner, place: { kind: "ended" }, ahead: null, emptyUntilMs: null };
    }
    const isBehind = through === null || this.#isBehind(through, row.place);
    const place: PartitionPlace = isBehind ? row.place : { kind: "after", position: through };
    const { aheadBytes, compare } = this.#parts;
    return {
      ...row,
      place,
      // What was handled ahead of a lower place means nothing beside this one.
      ahead: isBehind && through !== null ? null : fitAhead(place, ahead, aheadBytes, { stored: row.ahead, compare }),
      emptyUntilMs: this.#emptyUntil(place) ?? (isBehind ? row.emptyUntilMs : null),
    };
  }

  /** Does the row say more than this already? A place never goes back. */
  #isBehind(through: string, place: PartitionPlace): boolean {
    return (place.kind === "after" || place.kind === "at") && this.#parts.compare(through, place.position) < 0;
  }

  #emptyUntil(place: PartitionPlace): number | null {
    if (this.#empty === null) return null;
    const { behind, untilMs } = this.#empty;
    if (behind !== null) return place.kind === "after" && place.position === behind ? untilMs : null;
    return JSON.stringify(place) === JSON.stringify(this.assignment.start) ? untilMs : null;
  }

  /** Another member wants it: nothing more is delivered, and it stays ours until `release`. */
  beginHandOver(): void {
    if (this.#phase === "held") this.#phase = "handing-over";
    this.#delivery.abort();
  }

  /** Frees the row. It keeps its place, what is handled ahead, its epoch, and the wish of the member that waits for it. */
  async release(): Promise<WriteOutcome> {
    const outcome = this.#writer.write((row) => ({ ...row, owner: null }));
    this.end();
    return outcome;
  }

  /** Nothing may rely on it any more. */
  end(): void {
    this.#phase = "over";
    // A member that often loses and resumes would keep all its ownerships otherwise.
    this.assignment.resumes = null;
    this.#delivery.abort();
  }
}
