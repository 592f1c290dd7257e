import { rm, stat, writeFile } from "node:fs/promises";
import { StreamError } from "../../errors.ts";
import { replaceFile } from "../output/replace-file.ts";
import { UsageError } from "../process/exit-errors.ts";
import { reasonOf } from "./files.ts";

/**
 * A file for the report of a run. It is there once the run has ended by itself, and whole; until then there is none, also none of
 * a run before, which a build server would take for this one's.
 */
export class ReportFile {
  readonly #path: string;
  readonly #isPlain: boolean;

  private constructor(path: string, isPlain: boolean) {
    this.#path = path;
    this.#isPlain = isPlain;
  }

  /** Before minutes of work are spent on what cannot be kept. @throws `UsageError` where nothing could be written */
  static async prepare(path: string): Promise<ReportFile> {
    try {
      const isPlain = await isPlainFile(path);
      if (isPlain) {
        // Never an empty one under its own name.
        await replaceFile(`${path}.new`, "");
        await rm(`${path}.new`);
        await rm(path, { force: true });
      } else await writeFile(path, "");
      return new ReportFile(path, isPlain);
    } catch (cause) {
      throw new UsageError(`cannot write ${JSON.stringify(path)}: ${reasonOf(cause)}`, { cause });
    }
  }

  /** @throws `unavailable`, such as for a full disk */
  async write(text: string): Promise<void> {
    try {
      await (this.#isPlain ? replaceFile(this.#path, text) : writeFile(this.#path, text));
    } catch (cause) {
      throw new StreamError("unavailable", `cannot write ${JSON.stringify(this.#path)}: ${reasonOf(cause)}`, { cause, retryable: false });
    }
  }
}

/** Or nothing yet. A device or a pipe is never replaced. */
async function isPlainFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (reasonOf(error) === "ENOENT") return true;
    throw error;
  }
}
