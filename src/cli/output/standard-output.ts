import { fstatSync, write } from "node:fs";
import { promisify } from "node:util";
import { StreamError } from "../../errors.ts";
import { BrokenPipeError } from "../process/exit-errors.ts";

/** The codes of a pipe without a reader, and of later writes to a failed stream. */
const NO_READER: ReadonlySet<string | undefined> = new Set(["EPIPE", "ERR_STREAM_DESTROYED"]);

/**
 * Standard output with writes that can be awaited. A failed write is also an "error" event of the stream: the owner of the
 * stream must listen to it, or it ends the process.
 */
export class StandardOutput {
  readonly #stream: NodeJS.WriteStream;
  /** The file descriptor, if standard output is a file. */
  readonly #file: number | null;

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
    this.#file = stream === process.stdout && fstatSync(process.stdout.fd).isFile() ? process.stdout.fd : null;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY;
  }

  /**
   * Resolves once the file, pipe or terminal has taken all of it, so that a slow reader slows down the writer.
   * @throws `BrokenPipeError` if the reader has gone · `unavailable` for any other error, such as a full disk
   */
  async write(text: string | Uint8Array): Promise<void> {
    // A stream writes to a file synchronously; this does not block.
    if (typeof text !== "string" && this.#file !== null) await writeToFile(this.#file, text);
    else await this.#writeToStream(text);
  }

  #writeToStream(text: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(text, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(failureOf(error));
      });
    });
  }
}

const writeSome = promisify(write);

async function writeToFile(file: number, bytes: Uint8Array): Promise<void> {
  try {
    for (let written = 0; written < bytes.length;) {
      written += (await writeSome(file, bytes, written, bytes.length - written, null)).bytesWritten;
    }
  } catch (error) {
    throw failureOf(error as NodeJS.ErrnoException);
  }
}

function failureOf(cause: NodeJS.ErrnoException): Error {
  if (NO_READER.has(cause.code)) return new BrokenPipeError("the reader of the output has gone", { cause });
  return new StreamError("unavailable", `standard output takes no more: ${cause.code ?? cause.message}`, { cause, retryable: false });
}
