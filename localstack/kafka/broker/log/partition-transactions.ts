/** An aborted transaction. Readers of committed records skip the records of its producer between these offsets. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
  /** Offset of the marker. */
  readonly lastOffset: bigint;
}

/** The open and the aborted transactions of one partition. */
export class PartitionTransactions {
  /** First offset of each open transaction, by its producer; in the order in which they began. */
  readonly #open = new Map<bigint, bigint>();
  #aborted: AbortedTransaction[] = [];

  isOpen(producerId: bigint): boolean {
    return this.#open.has(producerId);
  }

  /** Offset of the first record of an open transaction. */
  get firstUndecided(): bigint | null {
    let first: bigint | null = null;
    for (const offset of this.#open.values()) if (first === null || offset < first) first = offset;
    return first;
  }

  wrote(producerId: bigint, firstOffset: bigint): void {
    if (!this.#open.has(producerId)) this.#open.set(producerId, firstOffset);
  }

  ended(producerId: bigint, isCommitted: boolean, markerOffset: bigint): void {
    const firstOffset = this.#open.get(producerId);
    this.#open.delete(producerId);
    if (firstOffset !== undefined && !isCommitted) this.#aborted.push({ producerId, firstOffset, lastOffset: markerOffset });
  }

  /** The aborted transactions with records from `from` on and before `to`. */
  abortedBetween(from: bigint, to: bigint): AbortedTransaction[] {
    return this.#aborted.filter(({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < to);
  }

  forgetBefore(offset: bigint): void {
    this.#aborted = this.#aborted.filter(({ lastOffset }) => lastOffset >= offset);
  }
}
