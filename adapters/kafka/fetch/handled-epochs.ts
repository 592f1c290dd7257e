import { type EpochEnd, type EpochSpan, UNKNOWN_EPOCH } from "./read-epochs.ts";

/**
 * The leader epochs that a part of the log had when its records were handled. An election can replace the end of a log by other records
 * with the same offsets. Two records with the same offset and the same leader epoch are the same record. So every batch that is
 * read again is compared before its records are delivered.
 */
export class HandledEpochs {
  #ends: readonly EpochEnd[];
  readonly #forget: (offset: bigint) => void;

  /**
   * @param ends the end of each epoch, in log order. `UNKNOWN_EPOCH` is equal to no epoch
   * @param forget called if the log differs. From this offset on, it holds other records than those that were handled
   */
  constructor(ends: readonly EpochEnd[], forget: (offset: bigint) => void) {
    this.#ends = ends;
    this.#forget = forget;
  }

  endsAfter(offset: bigint): readonly EpochEnd[] {
    return this.#ends.filter(({ endOffset }) => endOffset > offset);
  }

  /** Compares what was read. */
  compare(spans: readonly EpochSpan[]): void {
    for (const span of spans) {
      if (this.#ends.length === 0) return;
      const differing = this.#firstDifference(span);
      if (differing !== null) this.forgetFrom(differing);
    }
  }

  /** From this offset on, nothing is known. */
  forgetFrom(offset: bigint): void {
    const end = this.#ends.at(-1)?.endOffset;
    if (end === undefined || end <= offset) return;
    const kept = this.#ends.filter((_, index) => this.#begin(index) < offset);
    this.#ends = kept.map(({ leaderEpoch, endOffset }) => ({ leaderEpoch, endOffset: endOffset < offset ? endOffset : offset }));
    this.#forget(offset);
  }

  #firstDifference(span: EpochSpan): bigint | null {
    for (const [index, { leaderEpoch, endOffset }] of this.#ends.entries()) {
      const begin = this.#begin(index);
      const first = begin > span.firstOffset ? begin : span.firstOffset;
      const isOverlapping = first < endOffset && first < span.endOffset;
      const isSame = leaderEpoch === span.leaderEpoch && leaderEpoch !== UNKNOWN_EPOCH;
      if (isOverlapping && !isSame) return first;
    }
    return null;
  }

  #begin(index: number): bigint {
    return this.#ends[index - 1]?.endOffset ?? -1n;
  }
}
