import type { Clock, Moment } from "./clock.ts";
import { momentOf } from "./clock.ts";
import { type Held, type LeaseRow, type Version, placeText } from "./lease-row.ts";
import type { LeaseStore } from "./lease-store.ts";

/** Whether a change has been written. `lost`: the row is not ours: somebody else has written what we interpret. */
export type WriteOutcome = "written" | "lost";

/** A write whose outcome is not known. */
interface SentWrite {
  readonly row: LeaseRow;
  readonly sentAt: Moment;
}

export interface RowWriterParts {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether a row that was deleted by an operator may be written again: its group must be the same still, and not be moved. */
  readonly mayRecreate: () => Promise<boolean>;
}

const MOST_ATTEMPTS = 3;
const FIRST_PAUSE_MS = 50;

/** Every column that an owner writes. */
const OWN_COLUMNS: readonly ((row: LeaseRow) => unknown)[] = [
  (row) => row.groupId,
  (row) => row.owner,
  (row) => row.epoch,
  (row) => row.beat,
  (row) => row.holdMs,
  (row) => placeText(row.place),
  (row) => JSON.stringify(row.ahead),
  (row) => row.emptyUntilMs,
  (row) => row.moved,
];

function isSame(a: LeaseRow, b: LeaseRow): boolean {
  return OWN_COLUMNS.every((column) => column(a) === column(b));
}

/**
 * Writes one row for one member, one write at a time. Every write is a swap on the version that was seen last. A write of unknown
 * outcome is never repeated blindly: the row is read first. What is read is ours if each column is one that we have read or written;
 * only the wish of another member may have changed.
 */
export class RowWriter {
  readonly #parts: RowWriterParts;
  #held: Held<LeaseRow>;
  #beat: bigint;
  /** The writes since the last confirmed one. Any of them may still land while the row has the version on which they were sent. */
  #unresolved: SentWrite[] = [];
  /** Somebody else has written since the row was read. */
  #isStale = false;
  #isLost = false;
  #confirmedAt: Moment | null = null;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(parts: RowWriterParts, held: Held<LeaseRow>) {
    this.#parts = parts;
    this.#held = held;
    this.#beat = held.row.beat;
  }

  /** As it was read or written last. */
  get row(): LeaseRow {
    return this.#held.row;
  }

  /** When the last confirmed write was sent; `null`: none is confirmed. */
  get confirmedAt(): Moment | null {
    return this.#confirmedAt;
  }

  /** Is a write under way, or waiting? */
  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  /**
   * Writes what `change` makes of the row, after the writes that were asked for before. `change` may be called several times, and
   * answers `null` where nothing is left to write. Rejects where the outcome is still unknown after several attempts: a later write finds it out.
   */
  write(change: (row: LeaseRow) => LeaseRow | null): Promise<WriteOutcome> {
    this.#waiting += 1;
    const result = this.#tail.then(() => this.#attempt(change)).finally(() => (this.#waiting -= 1));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #attempt(change: (row: LeaseRow) => LeaseRow | null): Promise<WriteOutcome> {
    const sent: SentWrite[] = [];
    for (let attempt = 1; ; attempt += 1) {
      try {
        const outcome = await this.#try(change, sent);
        if (outcome !== "again") return outcome;
      } catch (error) {
        this.#parts.signal.throwIfAborted();
        if (attempt >= MOST_ATTEMPTS) throw error;
        await this.#parts.clock.sleep(FIRST_PAUSE_MS * 2 ** attempt, this.#parts.signal);
      }
    }
  }

  /** @param sent what was sent for this change before; what is sent now is added */
  async #try(change: (row: LeaseRow) => LeaseRow | null, sent: SentWrite[]): Promise<WriteOutcome | "again"> {
    const { store, signal } = this.#parts;
    if (this.#isLost) return "lost";
    if (this.#isStale || this.#unresolved.length > 0) {
      const found = await store.read(this.#held.row.partition, signal);
      if (found === null) return this.#recreate(change, sent);
      const landed = this.#adopt(found);
      if (landed === "lost" || (landed !== null && sent.includes(landed))) return landed === "lost" ? "lost" : "written";
    }
    const changed = change(this.#held.row);
    if (changed === null) return "written";
    return this.#send(changed, sent, (next) => store.swap(this.#held, next, signal));
  }

  async #send(changed: LeaseRow, sent: SentWrite[], request: (next: LeaseRow) => Promise<Version | null>): Promise<"written" | "again"> {
    this.#beat += 1n;
    const write: SentWrite = { row: { ...changed, beat: this.#beat }, sentAt: momentOf(this.#parts.clock) };
    this.#unresolved.push(write);
    sent.push(write);
    const version = await request(write.row);
    if (version === null) this.#refused(write);
    else this.#confirm({ row: write.row, version }, write.sentAt);
    return version === null ? "again" : "written";
  }

  /** The write has certainly changed nothing. Earlier ones of unknown outcome may have. */
  #refused(sent: SentWrite): void {
    this.#unresolved = this.#unresolved.filter((other) => other !== sent);
    this.#isStale = true;
  }

  #confirm(held: Held<LeaseRow>, sentAt: Moment): void {
    this.#held = held;
    this.#confirmedAt = sentAt;
    this.#unresolved = [];
    this.#isStale = false;
  }

  /** Takes over what was read, if it is ours. @returns the write of ours that has landed, if one has */
  #adopt(found: Held<LeaseRow>): SentWrite | "lost" | null {
    if (!this.isOurs(found.row)) {
      this.#isLost = true;
      return "lost";
    }
    this.#isStale = false;
    if (found.version === this.#held.version) return null;
    const landed = this.#unresolved.find(({ row }) => row.beat === found.row.beat) ?? null;
    if (landed === null) this.#held = found;
    else this.#confirm(found, landed.sentAt);
    // Of a write that has landed in part the rest is written by the next one.
    return landed !== null && isSame(landed.row, found.row) ? landed : null;
  }

  /** Is each column one that we have read or written? A store of several objects may have written a part of them. */
  isOurs(found: LeaseRow): boolean {
    const known = [this.#held.row, ...this.#unresolved.map(({ row }) => row)];
    return OWN_COLUMNS.every((column) => known.some((row) => column(row) === column(found)));
  }

  /** An operator has deleted the row. */
  async #recreate(change: (row: LeaseRow) => LeaseRow | null, sent: SentWrite[]): Promise<WriteOutcome | "again"> {
    const { store, signal, mayRecreate } = this.#parts;
    if (await mayRecreate()) {
      const changed = change(this.#held.row);
      return changed === null ? "written" : this.#send(changed, sent, (next) => store.create(next, signal));
    }
    this.#isLost = true;
    return "lost";
  }
}
