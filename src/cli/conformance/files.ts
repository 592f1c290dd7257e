import { readFile } from "node:fs/promises";
import { isStreamError } from "../../errors.ts";
import { UsageError } from "../process/exit-errors.ts";

/** The parsed content of a file that the user names. @throws `UsageError` if it cannot be read or parsed */
export async function readInputFile<Content>(path: string, parse: (text: string) => Content): Promise<Content> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new UsageError(`cannot read ${JSON.stringify(path)}: ${reasonOf(cause)}`, { cause });
  });
  try {
    // A byte order mark, which some editors write, belongs to the file and not to its text.
    return parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    if (isStreamError(cause)) throw new UsageError(`${JSON.stringify(path)}: ${cause.message}`, { cause });
    throw cause;
  }
}

/** The code of a system error, such as `ENOENT`. */
export function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
