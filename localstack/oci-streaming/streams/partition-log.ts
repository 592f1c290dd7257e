import { DamagedReads } from "../../faults/damaged-reads.ts";

/** A stored message. */
export interface StoredMessage {
  readonly offset: bigint;
  readonly timestampMs: number;
  /** In base64; `null`: it was published without a key. */
  readonly key: string | null;
  /** In base64. */
  readonly value: string;
  /** Decoded, key and value. */
  readonly bytes: number;
}

/** Which offsets a partition gives to its messages. */
export interface OffsetRule {
  readonly first: bigint;
  /** How many offsets are left out behind the one that was given last. */
  gapAfter(offset: bigint): bigint;
}

/** The log of one partition. */
export class PartitionLog {
  readonly name: string;
  readonly #rule: OffsetRule;
  #messages: StoredMessage[] = [];
  /** Where the messages begin that retention has left. */
  #begin = 0;
  #nextOffset: bigint;
  #lastOffset: bigint | null = null;
  #lastExpiredOffset: bigint | null = null;
  /** By offset. */
  readonly #damage = new DamagedReads<bigint>();

  constructor(name: string, rule: OffsetRule) {
    this.name = name;
    this.#rule = rule;
    this.#nextOffset = rule.first;
  }

  /** Of the next message, unless there is a gap. A cursor here has nothing to read. */
  get nextOffset(): bigint {
    return this.#nextOffset;
  }

  /** Of the oldest message that is left. */
  get oldestOffset(): bigint | null {
    return this.#messages[this.#begin]?.offset ?? null;
  }

  /** Of the message that was published last, also where retention has passed it. */
  get lastOffset(): bigint | null {
    return this.#lastOffset;
  }

  /** Of the last message that retention has passed. */
  get lastExpiredOffset(): bigint | null {
    return this.#lastExpiredOffset;
  }

  /** A clock that goes back does not: no message is older than the one before it. */
  append(message: Omit<StoredMessage, "offset">): StoredMessage {
    const { key, value, bytes } = message;
    const timestampMs = Math.max(message.timestampMs, this.#messages.at(-1)?.timestampMs ?? 0);
    const stored = { offset: this.#nextOffset, timestampMs, key, value, bytes };
    this.#messages.push(stored);
    this.#lastOffset = stored.offset;
    this.#nextOffset = stored.offset + 1n + this.#rule.gapAfter(stored.offset);
    return stored;
  }

  /** From the first message at or behind the offset on. The first one is read even if it is larger. */
  read(offset: bigint, most: number, mostBytes: number): readonly StoredMessage[] {
    const from = this.#indexOf((message) => message.offset >= offset);
    let [end, bytes] = [from, 0];
    while (end < this.#messages.length && end - from < most) {
      bytes += this.#messages[end]!.bytes;
      if (bytes > mostBytes && end > from) break;
      end += 1;
    }
    return this.#messages.slice(from, end);
  }

  /**
   * Makes the message that was stored last unreadable for so many reads.
   * @returns whether there is one
   */
  damageLast(reads: number): boolean {
    const last = this.#messages.at(-1);
    if (last === undefined || this.oldestOffset === null) return false;
    this.#damage.add(last.offset, reads);
    return true;
  }

  /** Counts a read of a message. @returns whether this read gets it damaged */
  isDamagedNow({ offset }: StoredMessage): boolean {
    return this.#damage.shows(offset);
  }

  /** Of the first message that was stored at this time or later; that of the next one if there is none. */
  offsetAt(timestampMs: number): bigint {
    return this.#messages[this.#indexOf((message) => message.timestampMs >= timestampMs)]?.offset ?? this.#nextOffset;
  }

  /** Drops what was stored before this time. */
  expireBefore(timestampMs: number): void {
    const oldest = this.#messages[this.#begin];
    if (oldest === undefined || oldest.timestampMs >= timestampMs) return;
    this.#drop(this.#indexOf((message) => message.timestampMs >= timestampMs));
  }

  expireAll(): void {
    this.#drop(this.#messages.length);
  }

  #drop(end: number): void {
    if (end <= this.#begin) return;
    this.#lastExpiredOffset = this.#messages[end - 1]!.offset;
    this.#begin = end;
    // Moving the rest costs as much as what is freed.
    if (end * 2 < this.#messages.length) return;
    this.#messages = this.#messages.slice(end);
    this.#begin = 0;
  }

  /** The first of the remaining messages that is reached. Offsets and times only rise. */
  #indexOf(isReached: (message: StoredMessage) => boolean): number {
    let [low, high] = [this.#begin, this.#messages.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isReached(this.#messages[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
