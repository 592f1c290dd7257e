import { rm, stat, writeFile } from "node:fs/promises";
import { StreamError } from "../../errors.ts";
import { replaceFile } from "../../replace-file.ts";
import { UsageError } from "../process/exit-errors.ts";
import { reasonOf } from "./files.ts";

/**
 * A file for the report of a run. It is written as a whole once the run has ended. Until then there is no file: a build server would
 * take the report of an earlier run for this one.
 */
export class ReportFile {
  readonly #path: string;
  readonly #isPlain: boolean;

  private constructor(path: string, isPlain: boolean) {
    this.#path = path;
    this.#isPlain = isPlain;
  }

  /** Checks before the run that the file can be written, and removes an old report. @throws `UsageError` if it cannot be written */
  static async prepare(path: string): Promise<ReportFile> {
    try {
      const isPlain = await isPlainFile(path);
      if (isPlain) {
        // An empty file is never visible under the name of the report.
        await replaceFile(`${path}.new`, "");
        await rm(`${path}.new`);
        await rm(path, { force: true });
      } else await writeFile(path, "");
      return new ReportFile(path, isPlain);
    } catch (cause) {
      throw new UsageError(`cannot write ${JSON.stringify(path)}: ${reasonOf(cause)}`, { cause });
    }
  }

  /** @throws `unavailable`, for example if the disk is full */
  async write(text: string): Promise<void> {
    try {
      await (this.#isPlain ? replaceFile(this.#path, text) : writeFile(this.#path, text));
    } catch (cause) {
      throw new StreamError("unavailable", `cannot write ${JSON.stringify(this.#path)}: ${reasonOf(cause)}`, { cause, retryable: false });
    }
  }
}

/** Whether the path is a regular file or does not exist. A device or a pipe is never replaced. */
async function isPlainFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (reasonOf(error) === "ENOENT") return true;
    throw error;
  }
}
