import { CommanderError } from "commander";
import { type StreamError, isStreamError } from "../../errors.ts";
import { redactUrls } from "../../redact-urls.ts";
import { BrokenPipeError, InterruptedError, UsageError } from "./exit-errors.ts";

const FAILED = 1;
const WRONG_USAGE = 2;
/** As in a shell for a program that SIGPIPE ended: 128 + 13. */
export const BROKEN_PIPE = 141;

/** Prints the error that ended the command on standard error, unless the parser has printed it. @returns the exit code */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
  if (error instanceof BrokenPipeError) return BROKEN_PIPE;
  if (error instanceof InterruptedError) return error.exitCode;
  if (error instanceof UsageError) {
    console.error(redactUrls(`error: ${error.message}`));
    return WRONG_USAGE;
  }
  console.error(redactUrls(isStreamError(error) ? `${error.code}: ${error.message}${placeOf(error)}` : `internal: ${String(error)}`));
  return FAILED;
}

/** The partition and the position of the error, so that the user can continue from there. */
function placeOf({ partition, position }: StreamError): string {
  const known = [partition === undefined ? "" : `partition ${partition}`, position ?? ""].filter((part) => part !== "");
  return known.length === 0 ? "" : ` (${known.join(", ")})`;
}
