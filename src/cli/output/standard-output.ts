import { BrokenPipeError } from "./broken-pipe-error.ts";

/** What a program reads: standard output, where every write is known to have been taken. */
export class StandardOutput {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
    // Every failed write also is an "error" of the stream, which without a listener ends the process; `write` tells it.
    stream.on("error", () => undefined);
  }

  /**
   * Resolves once the file, pipe or terminal has taken all of it, so that whoever awaits it is held back by a slow reader.
   * @throws `BrokenPipeError` where nobody reads any more
   */
  write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(text, (error) => {
        if (error === null || error === undefined) resolve();
        else
          reject(
            (error as NodeJS.ErrnoException).code === "EPIPE" ? new BrokenPipeError("nobody reads the output", { cause: error }) : error,
          );
      });
    });
  }
}
