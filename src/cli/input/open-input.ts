import { createReadStream } from "node:fs";
import { addAbortSignal } from "node:stream";
import { StreamError } from "../../errors.ts";

/**
 * The chunks of a file, or of standard input without one.
 * @throws the signal's reason, also while it waits for more · `not-found`, `permission-denied`, `unavailable`: cannot be read
 */
export async function* openInput(file: string | undefined, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const stream = file === undefined || file === "-" ? process.stdin : createReadStream(file);
  try {
    for await (const chunk of addAbortSignal(signal, stream)) yield chunk as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    throw inputError(file, error as NodeJS.ErrnoException);
  }
}

function inputError(file: string | undefined, cause: NodeJS.ErrnoException): StreamError {
  const code = cause.code === "ENOENT" ? "not-found" : cause.code === "EACCES" ? "permission-denied" : "unavailable";
  const name = file === undefined || file === "-" ? "standard input" : JSON.stringify(file);
  return new StreamError(code, `cannot read ${name}: ${cause.code ?? cause.message}`, { cause, retryable: false });
}
