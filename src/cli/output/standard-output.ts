import { StreamError } from "../../errors.ts";
import { BrokenPipeError } from "./broken-pipe-error.ts";

/** A pipe without a reader; and what every later write says once a stream has failed. */
const NOBODY_READS: ReadonlySet<string | undefined> = new Set(["EPIPE", "ERR_STREAM_DESTROYED"]);

/**
 * What a program reads: standard output, where every write is known to have been taken. A failed write also is an "error" of the
 * stream, which whoever owns the stream has to listen to, lest it ends the process.
 */
export class StandardOutput {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY;
  }

  /**
   * Resolves once the file, pipe or terminal has taken all of it, so that whoever awaits it is held back by a slow reader.
   * @throws `BrokenPipeError` where nobody reads any more · `unavailable` for anything else, such as a full disk
   */
  write(text: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(text, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(failureOf(error));
      });
    });
  }
}

function failureOf(cause: NodeJS.ErrnoException): Error {
  if (NOBODY_READS.has(cause.code)) return new BrokenPipeError("nobody reads the output", { cause });
  return new StreamError("unavailable", `standard output takes no more: ${cause.code ?? cause.message}`, { cause, retryable: false });
}
