import type { PartitionFeed } from "./partition-feed.ts";

/** Partitions with queued records, one after the other, so that none is kept out by another. */
export class PartitionTurns {
  readonly #ready: PartitionFeed[] = [];
  #turn = 0;

  get isEmpty(): boolean {
    return this.#ready.length === 0;
  }

  /** The partition whose turn it is. */
  current(): PartitionFeed | undefined {
    if (this.#turn >= this.#ready.length) this.#turn = 0;
    return this.#ready[this.#turn];
  }

  add(feed: PartitionFeed): void {
    this.#ready.push(feed);
  }

  /** The partition whose turn it was has given a record. */
  goOn(feed: PartitionFeed): void {
    if (feed.hasQueued) this.#turn += 1;
    else this.#ready.splice(this.#turn, 1);
  }

  clear(): void {
    this.#ready.length = 0;
  }
}
