interface EpochStart {
  readonly epoch: number;
  readonly startOffset: bigint;
}

/** What a log says of an epoch. */
export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: bigint;
}

/** Where the records of each leader begin: by this a reader finds out that what it has read is not in the log any more. */
export class LeaderEpochs {
  #starts: EpochStart[] = [];

  /** Of the oldest record that there is; `null` while nobody has led. */
  get first(): number | null {
    return this.#starts[0]?.epoch ?? null;
  }

  /** A leader begins to write at this offset; one that wrote nothing leaves no trace. */
  begin(epoch: number, startOffset: bigint): void {
    if (this.#starts.at(-1)?.epoch === epoch) return;
    this.#starts = [...this.#starts.filter((start) => start.startOffset < startOffset), { epoch, startOffset }];
  }

  /**
   * Where the newest epoch that is not newer than the asked one ends.
   * @returns `null` for an epoch that is newer than all
   */
  endOf(epoch: number, logEndOffset: bigint): EpochEnd | null {
    if (epoch === this.#starts.at(-1)?.epoch) return { leaderEpoch: epoch, endOffset: logEndOffset };
    const higher = this.#starts.findIndex((start) => start.epoch > epoch);
    if (epoch < 0 || higher < 0) return null;
    // Of an epoch that is older than all, everything has been deleted: as if it ended where the oldest begins.
    return { leaderEpoch: this.#starts[higher - 1]?.epoch ?? epoch, endOffset: this.#starts[higher]!.startOffset };
  }

  /** Records before the offset are gone. */
  deleteBefore(offset: bigint): void {
    const first = this.#starts.findLastIndex(({ startOffset }) => startOffset <= offset);
    if (first >= 0) this.#starts = [{ epoch: this.#starts[first]!.epoch, startOffset: offset }, ...this.#starts.slice(first + 1)];
  }

  /** Records from the offset on are gone. */
  truncate(offset: bigint): void {
    this.#starts = this.#starts.filter(({ startOffset }) => startOffset < offset);
  }
}
