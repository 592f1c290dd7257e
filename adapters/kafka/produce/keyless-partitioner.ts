import type { TopicSnapshot } from "../topic-directory.ts";

/** Chooses partitions for messages without a key: all messages of a call go to one partition, those of the next call to the next partition with a leader. */
export class KeylessPartitioner {
  #turn = 0;

  /** The next partition, without a change. */
  next(topic: TopicSnapshot): number {
    return this.#from(topic, () => true);
  }

  /** Takes the next free partition, or the next one if none is free. */
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
