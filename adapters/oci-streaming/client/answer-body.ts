/** More than any answer has. Where one tells a longer body, only what comes takes memory. */
const MOST_AT_ONCE = 16 * 1_048_576;

/**
 * Collects the body of an answer. Where its length is told, each part is copied when it comes: a part is garbage then before the next one comes, which
 * costs the collector far less than to find the parts of many pages that wait for their ends.
 */
export class AnswerBody {
  readonly #told: number | null;
  #bytes: Buffer | null = null;
  #length = 0;
  readonly #parts: Buffer[] = [];

  /** @param contentLength the header */
  constructor(contentLength: string | undefined) {
    const told = Number(contentLength);
    this.#told = told >= 0 && told <= MOST_AT_ONCE ? told : null;
  }

  add(part: Buffer): void {
    if (this.#told === null) {
      this.#parts.push(part);
      return;
    }
    this.#bytes ??= Buffer.allocUnsafeSlow(this.#told);
    this.#length += part.copy(this.#bytes, this.#length);
  }

  /** All that has come. */
  get bytes(): Buffer {
    return this.#bytes?.subarray(0, this.#length) ?? Buffer.concat(this.#parts);
  }
}
