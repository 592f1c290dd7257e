/** The leader epoch of the record before an offset is not known. */
export const UNKNOWN_EPOCH = -1;

/** A place in a log, with the epoch of the leader that stored the record before it. The server compares the epoch to detect a truncated log. */
export interface LogPlace {
  /** The offset of the next record. */
  readonly offset: bigint;
  readonly leaderEpoch: number;
  /** Another client committed the offset, so the log may never have reached it. Absent: no. */
  readonly isForeign?: boolean;
}

/** A place without a known leader epoch. */
export function placeFrom(offset: bigint): LogPlace {
  return { offset, leaderEpoch: UNKNOWN_EPOCH };
}

export function placesFrom(offsets: ReadonlyMap<number, bigint>): ReadonlyMap<number, LogPlace> {
  return new Map([...offsets].map(([partition, offset]) => [partition, placeFrom(offset)]));
}

/** The end of the records that one leader stored. */
export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: bigint;
}

/** Batches of one leader that follow each other. Between two spans there may be offsets without records. */
export interface EpochSpan extends EpochEnd {
  readonly firstOffset: bigint;
}

/** Merges the end with the last entry if both have the same leader epoch. */
export function addEpoch(ends: EpochEnd[], end: EpochEnd): void {
  if (ends.at(-1)?.leaderEpoch === end.leaderEpoch) ends.pop();
  ends.push(end);
}

/**
 * How far a log is still the one that these epochs are from. An election can replace its end by other records. Records with the same
 * offset and the same leader epoch are the same, and so is the log before them.
 * @param found the end of the last one of these epochs in the present log, or of the newest epoch before it
 * @returns the first offset from which on the log may differ; `null` if nothing is known
 */
export function sameUntil(ends: readonly EpochEnd[], found: EpochEnd): bigint | null {
  const known = ends.find(({ leaderEpoch }) => leaderEpoch === found.leaderEpoch);
  if (known === undefined) return null;
  return known.endOffset < found.endOffset ? known.endOffset : found.endOffset;
}

/** The leader epochs of the records that were read: one entry for each epoch, as long as its places can still be committed. */
export class ReadEpochs {
  readonly #ends: EpochEnd[];

  constructor({ offset, leaderEpoch }: LogPlace) {
    this.#ends = [{ leaderEpoch, endOffset: offset }];
  }

  read(ends: readonly EpochEnd[]): void {
    for (const { leaderEpoch, endOffset } of ends) addEpoch(this.#ends, { leaderEpoch, endOffset });
  }

  /** The ends after the offset, in log order. */
  endsAfter(offset: bigint): readonly EpochEnd[] {
    return this.#ends.filter(({ endOffset }) => endOffset > offset);
  }

  placeAt(offset: bigint): LogPlace {
    const leaderEpoch = this.#ends.find(({ endOffset }) => endOffset >= offset)?.leaderEpoch ?? UNKNOWN_EPOCH;
    return { offset, leaderEpoch };
  }

  /** Places before the offset are no longer needed. */
  forgetBefore(offset: bigint): void {
    while (this.#ends.length > 1 && this.#ends[0]!.endOffset < offset) this.#ends.shift();
  }
}
