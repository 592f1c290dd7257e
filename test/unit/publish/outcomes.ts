import { type StreamError, isStreamError } from "../../../src/errors.ts";

/** The error of a call that fails as it should. */
export async function failure(promise: Promise<unknown>): Promise<StreamError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!isStreamError(error)) throw new Error(`not a StreamError: ${String(error)}`);
  return error;
}

/** How each send ended: `stored`, the code of its error, or `reason` for that of its signal. */
export async function codes(promises: readonly Promise<unknown>[]): Promise<string[]> {
  return (await Promise.allSettled(promises)).map((result) =>
    result.status === "fulfilled" ? "stored" : isStreamError(result.reason) ? result.reason.code : "reason",
  );
}
