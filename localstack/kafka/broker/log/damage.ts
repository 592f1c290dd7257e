import { DamagedReads } from "../../../faults/damaged-reads.ts";
import { BATCH_HEADER_BYTES } from "./record-batch.ts";
import type { StoredBatch } from "./segment.ts";

const ALL_BITS = 0xff;

/**
 * Batches that readers get with a broken first record, so that the checksum does not match. The stored batch stays sound, and the
 * broker itself works with that.
 */
export class Damage {
  /** By base offset. */
  readonly #reads = new DamagedReads<bigint>();

  get isEmpty(): boolean {
    return this.#reads.isEmpty;
  }

  add(baseOffset: bigint, times: number): void {
    this.#reads.add(baseOffset, times);
  }

  /** The damaged bytes of the batch if this read gets it damaged, else `null`. */
  take({ baseOffset, chunk, at, byteLength }: StoredBatch): Buffer | null {
    if (!this.#reads.shows(baseOffset)) return null;
    const damaged = Buffer.from(chunk.subarray(at, at + byteLength));
    damaged[BATCH_HEADER_BYTES]! ^= ALL_BITS;
    return damaged;
  }

  /** Removes the batches from the offset on. */
  forgetFrom(offset: bigint): void {
    this.#reads.forget((baseOffset) => baseOffset >= offset);
  }
}
