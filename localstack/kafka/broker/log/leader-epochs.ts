interface EpochStart {
  readonly epoch: number;
  readonly startOffset: bigint;
}

/** The end of an epoch in a log. */
export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: bigint;
}

/** The first offset of each leader epoch. With it a reader detects that records it has read are not in the log any more. */
export class LeaderEpochs {
  #starts: EpochStart[] = [];

  /** The oldest epoch that the log holds; `null` before the first leader. */
  get first(): number | null {
    return this.#starts[0]?.epoch ?? null;
  }

  /** Begins an epoch at this offset. Removes former epochs that wrote no record. */
  begin(epoch: number, startOffset: bigint): void {
    if (this.#starts.at(-1)?.epoch === epoch) return;
    this.#starts = [...this.#starts.filter((start) => start.startOffset < startOffset), { epoch, startOffset }];
  }

  /**
   * The end of the newest epoch that is not newer than the requested one.
   * @returns `null` for an epoch that is newer than all
   */
  endOf(epoch: number, logEndOffset: bigint): EpochEnd | null {
    if (epoch === this.#starts.at(-1)?.epoch) return { leaderEpoch: epoch, endOffset: logEndOffset };
    const higher = this.#starts.findIndex((start) => start.epoch > epoch);
    if (epoch < 0 || higher < 0) return null;
    // All records of an epoch that is older than all have been deleted. It ends where the oldest begins.
    return { leaderEpoch: this.#starts[higher - 1]?.epoch ?? epoch, endOffset: this.#starts[higher]!.startOffset };
  }

  /** Removes what concerns records before the offset. */
  deleteBefore(offset: bigint): void {
    const first = this.#starts.findLastIndex(({ startOffset }) => startOffset <= offset);
    if (first >= 0) this.#starts = [{ epoch: this.#starts[first]!.epoch, startOffset: offset }, ...this.#starts.slice(first + 1)];
  }

  /** Removes what concerns records from the offset on. */
  truncate(offset: bigint): void {
    this.#starts = this.#starts.filter(({ startOffset }) => startOffset < offset);
  }
}
