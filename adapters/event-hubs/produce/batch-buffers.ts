const STEP_BYTES = 65_536;
/** So many bytes are kept for the next batches: enough for a batch of a usual size to each of some partitions. */
const MOST_SPARE_BYTES = 4_194_304;

/**
 * Memory for the messages of batches, which is used again: memory that is new to the process was measured to cost more than what is written into it, and
 * much of it lets the garbage collector look at everything.
 */
export class BatchBuffers {
  readonly #spare: Buffer[] = [];
  #spareBytes = 0;

  /** At least so many bytes, with anything in them. */
  take(length: number): Buffer {
    const fitting = this.#spare.findIndex((buffer) => buffer.length >= length);
    if (fitting === -1) return Buffer.allocUnsafeSlow(Math.ceil(length / STEP_BYTES) * STEP_BYTES);
    const [buffer] = this.#spare.splice(fitting, 1);
    this.#spareBytes -= buffer!.length;
    return buffer!;
  }

  /** Nobody will look at its bytes any more. */
  giveBack(buffer: Buffer): void {
    if (this.#spareBytes + buffer.length > MOST_SPARE_BYTES) return;
    this.#spare.push(buffer);
    this.#spareBytes += buffer.length;
  }
}
