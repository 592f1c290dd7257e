import type { PartitionBuffer } from "./partition-buffer.ts";

/** Partitions with queued records, one after the other, so that none is kept out by another. */
export class PartitionTurns {
  readonly #ready: PartitionBuffer[] = [];
  #turn = 0;

  get isEmpty(): boolean {
    return this.#ready.length === 0;
  }

  /** The partition whose turn it is. */
  current(): PartitionBuffer | undefined {
    if (this.#turn >= this.#ready.length) this.#turn = 0;
    return this.#ready[this.#turn];
  }

  add(buffer: PartitionBuffer): void {
    this.#ready.push(buffer);
  }

  /** The partition whose turn it was has given a record. */
  advance(buffer: PartitionBuffer): void {
    if (buffer.hasQueued) this.#turn += 1;
    else this.#ready.splice(this.#turn, 1);
  }

  clear(): void {
    this.#ready.length = 0;
  }
}
