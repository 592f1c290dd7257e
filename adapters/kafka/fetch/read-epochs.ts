/** Nobody has said under which leader the record before an offset was stored. */
export const UNKNOWN_EPOCH = -1;

/** A place in a log, with the epoch of the leader that stored the record before it: by that a server sees whether its log is still the one that was read. */
export interface LogPlace {
  /** Of the next record. */
  readonly offset: bigint;
  readonly leaderEpoch: number;
  /** Committed by another client: nothing of ours says that the log ever reached it. Absent: no. */
  readonly isForeign?: boolean;
}

/** Of which only the offset is known. */
export function placeFrom(offset: bigint): LogPlace {
  return { offset, leaderEpoch: UNKNOWN_EPOCH };
}

export function placesFrom(offsets: ReadonlyMap<number, bigint>): ReadonlyMap<number, LogPlace> {
  return new Map([...offsets].map(([partition, offset]) => [partition, placeFrom(offset)]));
}

/** Up to here what was read was stored under one leader. */
export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: bigint;
}

/** Neighbours of one leader are one entry. */
export function addEpoch(ends: EpochEnd[], end: EpochEnd): void {
  if (ends.at(-1)?.leaderEpoch === end.leaderEpoch) ends.pop();
  ends.push(end);
}

/** Which leaders stored what has been read of a partition: one entry for each, as long as its places can still be committed. */
export class ReadEpochs {
  readonly #ends: EpochEnd[];

  constructor({ offset, leaderEpoch }: LogPlace) {
    this.#ends = [{ leaderEpoch, endOffset: offset }];
  }

  read(ends: readonly EpochEnd[]): void {
    for (const end of ends) addEpoch(this.#ends, end);
  }

  placeAt(offset: bigint): LogPlace {
    const leaderEpoch = this.#ends.find(({ endOffset }) => endOffset >= offset)?.leaderEpoch ?? UNKNOWN_EPOCH;
    return { offset, leaderEpoch };
  }

  /** Nothing before the offset is asked for again. */
  forgetBefore(offset: bigint): void {
    while (this.#ends.length > 1 && this.#ends[0]!.endOffset < offset) this.#ends.shift();
  }
}
