const EVERY_MS = 250;

/** One line on standard error that is rewritten during the work. Without a terminal nothing is printed. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #text: () => string;
  readonly #timer: NodeJS.Timeout | undefined;
  #shown = false;

  /** @param hidden if the terminal shows the output of the command */
  constructor(text: () => string, { hidden = false, stream = process.stderr }: { hidden?: boolean; stream?: NodeJS.WriteStream } = {}) {
    this.#stream = stream;
    this.#text = text;
    if (!hidden && stream.isTTY) this.#timer = setInterval(() => this.#show(), EVERY_MS).unref();
  }

  #show(): void {
    this.#stream.write(`\r\u001B[K${this.#text()}`);
    this.#shown = true;
  }

  /** Prints a line that stays, also without a terminal. */
  print(line: string): void {
    this.#clear();
    this.#stream.write(`${line}\n`);
  }

  #clear(): void {
    if (this.#shown) this.#stream.write("\r\u001B[K");
    this.#shown = false;
  }

  /** Removes the line. */
  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }
}
