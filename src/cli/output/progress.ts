const EVERY_MS = 250;

/** One line on standard error that is written anew while work goes on; nothing where that is no terminal. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #text: () => string;
  readonly #timer: NodeJS.Timeout | undefined;
  #shown = false;

  /** @param hidden where the terminal is taken by something else */
  constructor(text: () => string, { hidden = false, stream = process.stderr }: { hidden?: boolean; stream?: NodeJS.WriteStream } = {}) {
    this.#stream = stream;
    this.#text = text;
    if (!hidden && stream.isTTY) this.#timer = setInterval(() => this.#show(), EVERY_MS).unref();
  }

  #show(): void {
    this.#stream.write(`\r\u001B[K${this.#text()}`);
    this.#shown = true;
  }

  /** Prints a line that stays, also where the stream is no terminal. */
  print(line: string): void {
    this.#clear();
    this.#stream.write(`${line}\n`);
  }

  #clear(): void {
    if (this.#shown) this.#stream.write("\r\u001B[K");
    this.#shown = false;
  }

  /** Takes the line away. */
  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }
}
