import { constants, createReadStream } from "node:fs";
import { access, stat } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import { StreamError } from "../../errors.ts";

/**
 * Checks the input before the command connects. It does not open the file: a named pipe has only one reader.
 * @throws `not-found`, `permission-denied`, `unavailable`: cannot be read
 */
export async function requireReadable(file: string | undefined): Promise<void> {
  if (isStandardInput(file)) return;
  try {
    await access(file, constants.R_OK);
    if ((await stat(file)).isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
  } catch (error) {
    throw inputError(file, error as NodeJS.ErrnoException);
  }
}

/**
 * The chunks of a file, or of standard input without one.
 * @throws the signal's reason, also while it waits for more · `not-found`, `permission-denied`, `unavailable`: cannot be read
 */
export async function* openInput(file: string | undefined, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const stream = isStandardInput(file) ? process.stdin : createReadStream(file);
  try {
    for await (const chunk of addAbortSignal(signal, stream)) yield chunk as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    throw inputError(file, error as NodeJS.ErrnoException);
  }
}

function isStandardInput(file: string | undefined): file is undefined | "-" {
  return file === undefined || file === "-";
}

function inputError(file: string | undefined, cause: NodeJS.ErrnoException): StreamError {
  const code = cause.code === "ENOENT" ? "not-found" : cause.code === "EACCES" ? "permission-denied" : "unavailable";
  const name = isStandardInput(file) ? "standard input" : JSON.stringify(file);
  return new StreamError(code, `cannot read ${name}: ${cause.code ?? cause.message}`, { cause, retryable: false });
}
