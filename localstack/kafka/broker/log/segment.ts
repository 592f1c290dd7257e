import type { RecordBatch } from "./record-batch.ts";

const FIRST_CHUNK_BYTES = 4_096;
const LARGEST_CHUNK_BYTES = 1_048_576;

/** The place of a batch, and its fields that are needed most. */
export interface StoredBatch {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly maxTimestampMs: number;
  /** The chunk, which also holds other batches. */
  readonly chunk: Buffer;
  readonly at: number;
  readonly byteLength: number;
}

/**
 * A part of a log, which retention removes as a whole. Batches lie one after the other in chunks of memory, so that the batches of
 * a fetch are mostly one piece.
 */
export class Segment {
  readonly baseOffset: bigint;
  readonly batches: StoredBatch[] = [];
  readonly createdMs: number;
  #bytes = 0;
  #largestTimestampMs = -1;
  #firstTimestampMs = -1;
  #chunk = Buffer.alloc(0);
  #filled = 0;

  constructor(baseOffset: bigint, nowMs: number) {
    this.baseOffset = baseOffset;
    this.createdMs = nowMs;
  }

  get byteLength(): number {
    return this.#bytes;
  }

  /** The largest time of its records; without records, the time when the segment began. */
  get largestTimestampMs(): number {
    return this.#largestTimestampMs < 0 ? this.createdMs : this.#largestTimestampMs;
  }

  /** Time from that of its first batch to `nowMs`. */
  ageMs(nowMs: number): number {
    return nowMs - (this.#firstTimestampMs < 0 ? nowMs : this.#firstTimestampMs);
  }

  /** Appends a copy of the batch. */
  append(batch: RecordBatch): StoredBatch {
    const { byteLength, maxTimestampMs } = batch;
    if (this.#filled + byteLength > this.#chunk.length) {
      const doubled = Math.min(LARGEST_CHUNK_BYTES, Math.max(FIRST_CHUNK_BYTES, this.#chunk.length * 2));
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(doubled, byteLength));
      this.#filled = 0;
    }
    const at = this.#filled;
    this.#filled += batch.buffer.copy(this.#chunk, at, batch.at, batch.at + byteLength);
    const stored = { baseOffset: batch.baseOffset, lastOffset: batch.lastOffset, maxTimestampMs, chunk: this.#chunk, at, byteLength };
    this.batches.push(stored);
    this.#bytes += byteLength;
    if (this.#firstTimestampMs < 0) this.#firstTimestampMs = maxTimestampMs;
    this.#largestTimestampMs = Math.max(this.#largestTimestampMs, maxTimestampMs);
    return stored;
  }

  /** Removes the batches from the offset on. The next batches go to new memory, because connections may still send the removed ones. */
  truncate(offset: bigint): void {
    while (this.batches.length > 0 && this.batches.at(-1)!.baseOffset >= offset) this.batches.pop();
    this.#bytes = this.batches.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#firstTimestampMs = this.batches[0]?.maxTimestampMs ?? -1;
    this.#largestTimestampMs = this.batches.reduce((largest, { maxTimestampMs }) => Math.max(largest, maxTimestampMs), -1);
    this.#chunk = Buffer.alloc(0);
    this.#filled = 0;
  }

  /** Index of the first batch that ends at or after the offset; the number of batches if none does. */
  indexOf(offset: bigint): number {
    let low = 0;
    let high = this.batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.batches[middle]!.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
