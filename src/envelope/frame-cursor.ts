import { StreamError } from "../errors.ts";
import { MAX_NUMBER_BYTES, TIMESTAMP_BYTES } from "./frame-format.ts";
import { type StoredTime, toStoredTime } from "../stored-time.ts";

/** A number with a higher half below this is exact. */
const LARGEST_EXACT_HALF = 2 ** 20;

/** Reads the parts of a frame one after the other, and never behind its end. Every method throws `corrupt` for what is not there. */
export class FrameCursor {
  readonly #frame: Buffer;
  #at: number;

  constructor(frame: Buffer, at: number) {
    this.#frame = frame;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  get bytesLeft(): number {
    return this.#frame.length - this.#at;
  }

  byte(): number {
    return this.#frame[this.skip(1)]!;
  }

  /** Passes bytes. @returns where they begin */
  skip(length: number): number {
    const at = this.#at;
    if (length > this.#frame.length - at) throw new StreamError("corrupt", "a part of a frame ends behind the frame");
    this.#at = at + length;
    return at;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; shift < 7 * MAX_NUMBER_BYTES; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new StreamError("corrupt", `a number in a frame has more than ${MAX_NUMBER_BYTES} bytes`);
  }

  time(): StoredTime {
    const at = this.skip(TIMESTAMP_BYTES);
    const high = this.#frame.readInt32BE(at);
    if (Math.abs(high) < LARGEST_EXACT_HALF) return high * 2 ** 32 + this.#frame.readUInt32BE(at + 4);
    return toStoredTime(this.#frame.readBigInt64BE(at));
  }
}
