export interface CommittedOffset {
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface OffsetOfPartition extends CommittedOffset {
  readonly topic: string;
  readonly partition: number;
}

type ByPartition = Map<number, CommittedOffset>;

/** The committed offsets of a group, and those of open transactions. */
export class CommittedOffsets {
  readonly #byTopic = new Map<string, ByPartition>();
  readonly #pending = new Map<bigint, OffsetOfPartition[]>();

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#byTopic.get(topic)?.get(partition);
  }

  set({ topic, partition, offset, leaderEpoch, metadata }: OffsetOfPartition): void {
    let ofTopic = this.#byTopic.get(topic);
    if (ofTopic === undefined) this.#byTopic.set(topic, (ofTopic = new Map()));
    ofTopic.set(partition, { offset, leaderEpoch, metadata });
  }

  delete(topic: string, partition: number): void {
    const ofTopic = this.#byTopic.get(topic);
    ofTopic?.delete(partition);
    if (ofTopic?.size === 0) this.#byTopic.delete(topic);
  }

  deleteTopic(topic: string): void {
    this.#byTopic.delete(topic);
  }

  get topics(): readonly { readonly topic: string; readonly partitions: readonly number[] }[] {
    return [...this.#byTopic].map(([topic, partitions]) => ({ topic, partitions: [...partitions.keys()] }));
  }

  /** The offsets take effect when the transaction of this producer commits. */
  setPending(producerId: bigint, offset: OffsetOfPartition): void {
    const ofProducer = this.#pending.get(producerId);
    if (ofProducer === undefined) this.#pending.set(producerId, [offset]);
    else ofProducer.push(offset);
  }

  hasPending(topic: string, partition: number): boolean {
    return [...this.#pending.values()].some((offsets) => offsets.some((one) => one.topic === topic && one.partition === partition));
  }

  transactionEnded(producerId: bigint, isCommitted: boolean): void {
    if (isCommitted) for (const offset of this.#pending.get(producerId) ?? []) this.set(offset);
    this.#pending.delete(producerId);
  }
}
