import { appendFile } from "node:fs/promises";
import { type Checkpoint, parseCheckpoint } from "../copy/checkpoint.ts";
import { readIfThere } from "../state-file.ts";

/**
 * Former checkpoints of a partition, a line for each, in a file: what maps positions of the source to the target. One is left out where the messages since the
 * last kept one are fewer than the bytes of its line, so that the map has at most a byte for each message.
 */
export class CheckpointHistory {
  readonly #file: string;
  /** The ordinal of the last line; `null`: not read yet. */
  #last: bigint | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  /** Keeps it, if it is far enough behind the last one. */
  async add(checkpoint: Checkpoint): Promise<void> {
    const line = `${JSON.stringify(checkpoint)}\n`;
    this.#last ??= BigInt((await this.read()).at(-1)?.ordinal ?? 0);
    const ordinal = BigInt(checkpoint.ordinal);
    if (ordinal - this.#last < BigInt(Buffer.byteLength(line))) return;
    await appendFile(this.#file, line);
    this.#last = ordinal;
  }

  /** A line that was cut short by a crash is left out: the map is only less dense there. */
  async read(): Promise<readonly Checkpoint[]> {
    const text = (await readIfThere(this.#file)) ?? "";
    return text.split("\n").flatMap((line) => {
      try {
        return line === "" ? [] : [parseCheckpoint(line, this.#file)];
      } catch {
        return [];
      }
    });
  }
}
