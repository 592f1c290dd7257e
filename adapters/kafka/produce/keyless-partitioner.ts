import type { TopicSnapshot } from "../topic-directory.ts";

/** Where messages without a key go: all of a call to one partition, of the next call to the next partition that has a leader. */
export class KeylessPartitioner {
  #turn = 0;

  /** Where they would go now. */
  next(topic: TopicSnapshot): number {
    return this.#from(topic, () => true);
  }

  /** Their partition now: a free one, if there is any. The turn goes on. */
  take(topic: TopicSnapshot, isFree: (partition: number) => boolean): number {
    const partition = this.#from(topic, isFree);
    this.#turn += 1;
    return partition;
  }

  #from({ partitions, leaderOf }: TopicSnapshot, isFree: (partition: number) => boolean): number {
    const count = partitions.length;
    const inTurn = partitions.map((_, index) => partitions[(this.#turn + index) % count]!);
    return inTurn.find((partition) => leaderOf(partition) >= 0 && isFree(partition)) ?? inTurn[0]!;
  }
}
