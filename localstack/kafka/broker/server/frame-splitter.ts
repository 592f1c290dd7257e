const LENGTH_BYTES = 4;

/** Splits the bytes of a socket into requests. It passes each one to `onFrame` without its length. */
export class FrameSplitter {
  readonly #onFrame: (frame: Buffer) => void;
  readonly #largestBytes: number;
  /** The request that is being received; `#filled` bytes of it have arrived. */
  #frame: Buffer | null = null;
  #filled = 0;
  /** The first bytes of an incomplete length. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(largestBytes: number, onFrame: (frame: Buffer) => void) {
    this.#largestBytes = largestBytes;
    this.#onFrame = onFrame;
  }

  /** @returns `false` if a length is out of bounds, which no Kafka client sends */
  push(chunk: Buffer): boolean {
    let at = 0;
    if (this.#frame !== null) {
      at = this.#fill(this.#frame, chunk);
      if (this.#frame !== null) return true;
    }
    let rest = chunk.subarray(at);
    if (this.#rest.length > 0) rest = Buffer.concat([this.#rest, rest]);
    this.#rest = rest.subarray(0, 0);
    while (rest.length >= LENGTH_BYTES) {
      const size = rest.readInt32BE(0);
      if (size < 0 || size > this.#largestBytes) return false;
      rest = rest.subarray(LENGTH_BYTES);
      if (rest.length < size) {
        this.#frame = Buffer.allocUnsafe(size);
        this.#filled = 0;
        this.#fill(this.#frame, rest);
        return true;
      }
      this.#onFrame(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    this.#rest = rest;
    return true;
  }

  /** @returns how much of the chunk belongs to the request */
  #fill(frame: Buffer, chunk: Buffer): number {
    const copied = chunk.copy(frame, this.#filled);
    this.#filled += copied;
    if (this.#filled === frame.length) {
      this.#frame = null;
      this.#onFrame(frame);
    }
    return copied;
  }
}
