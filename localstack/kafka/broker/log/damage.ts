import { BATCH_HEADER_BYTES } from "./record-batch.ts";
import type { StoredBatch } from "./segment.ts";

const ALL_BITS = 0xff;

/**
 * Batches that readers get with a broken first record, so that the checksum does not match. The stored batch stays sound, and the
 * broker itself works with that.
 */
export class Damage {
  /** By base offset: how many more reads get the batch damaged. */
  readonly #times = new Map<bigint, number>();

  get isEmpty(): boolean {
    return this.#times.size === 0;
  }

  add(baseOffset: bigint, times: number): void {
    this.#times.set(baseOffset, times);
  }

  /** The damaged bytes of the batch if this read gets it damaged, else `null`. */
  take({ baseOffset, chunk, at, byteLength }: StoredBatch): Buffer | null {
    const left = this.#times.get(baseOffset);
    if (left === undefined) return null;
    if (left > 1) this.#times.set(baseOffset, left - 1);
    else this.#times.delete(baseOffset);
    const damaged = Buffer.from(chunk.subarray(at, at + byteLength));
    damaged[BATCH_HEADER_BYTES]! ^= ALL_BITS;
    return damaged;
  }

  /** Removes the batches from the offset on. */
  forgetFrom(offset: bigint): void {
    for (const baseOffset of this.#times.keys()) if (baseOffset >= offset) this.#times.delete(baseOffset);
  }
}
