import { fstatSync, write } from "node:fs";
import { promisify } from "node:util";
import { StreamError } from "../../errors.ts";
import { BrokenPipeError } from "../process/exit-errors.ts";

/** A pipe without a reader; and what every later write says once a stream has failed. */
const NOBODY_READS: ReadonlySet<string | undefined> = new Set(["EPIPE", "ERR_STREAM_DESTROYED"]);

/**
 * What a program reads: standard output, where every write is known to have been taken. A failed write also is an "error" of the
 * stream, which whoever owns the stream has to listen to, lest it ends the process.
 */
export class StandardOutput {
  readonly #stream: NodeJS.WriteStream;
  /** The descriptor, where it is a file. */
  readonly #file: number | null;

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
    this.#file = stream === process.stdout && fstatSync(process.stdout.fd).isFile() ? process.stdout.fd : null;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY;
  }

  /**
   * Resolves once the file, pipe or terminal has taken all of it, so that whoever awaits it is held back by a slow reader.
   * @throws `BrokenPipeError` where nobody reads any more · `unavailable` for anything else, such as a full disk
   */
  async write(text: string | Uint8Array): Promise<void> {
    // A stream writes to a file before it returns; this goes on meanwhile.
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
  if (NOBODY_READS.has(cause.code)) return new BrokenPipeError("nobody reads the output", { cause });
  return new StreamError("unavailable", `standard output takes no more: ${cause.code ?? cause.message}`, { cause, retryable: false });
}
