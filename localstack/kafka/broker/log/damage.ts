import { BATCH_HEADER_BYTES } from "./record-batch.ts";
import type { StoredBatch } from "./segment.ts";

const ALL_BITS = 0xff;

/**
 * Batches that are handed out with a broken first record, and so with a checksum that does not match. What is stored stays sound:
 * the broker itself goes on with it.
 */
export class Damage {
  /** By base offset: how often it is handed out so. */
  readonly #times = new Map<bigint, number>();

  get isEmpty(): boolean {
    return this.#times.size === 0;
  }

  add(baseOffset: bigint, times: number): void {
    this.#times.set(baseOffset, times);
  }

  /** The bytes of the batch if it is damaged this time, else `null`. */
  take({ baseOffset, chunk, at, byteLength }: StoredBatch): Buffer | null {
    const left = this.#times.get(baseOffset);
    if (left === undefined) return null;
    if (left > 1) this.#times.set(baseOffset, left - 1);
    else this.#times.delete(baseOffset);
    const damaged = Buffer.from(chunk.subarray(at, at + byteLength));
    damaged[BATCH_HEADER_BYTES]! ^= ALL_BITS;
    return damaged;
  }

  /** Batches from the offset on are gone. */
  forgetFrom(offset: bigint): void {
    for (const baseOffset of this.#times.keys()) if (baseOffset >= offset) this.#times.delete(baseOffset);
  }
}
