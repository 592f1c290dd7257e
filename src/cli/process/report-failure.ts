import { CommanderError } from "commander";
import { type StreamError, isStreamError } from "../../errors.ts";
import { BrokenPipeError, InterruptedError, UsageError } from "./exit-errors.ts";

/** All up to the last @: a password that was not percent-encoded may hold anything. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)\S*@/gi;

const SETTING = /([?&][^\s=&"']+=)[^\s&"']*/g;

const FAILED = 1;
const WRONG_USAGE = 2;
/** As a shell tells that a program was ended by SIGPIPE: 128 + 13. */
export const BROKEN_PIPE = 141;

/** Tells on standard error what ended the command, as far as it has not been told. @returns the exit code */
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

/** Which message or partition it is about: the place from which one goes on by hand. */
function placeOf({ partition, position }: StreamError): string {
  const known = [partition === undefined ? "" : `partition ${partition}`, position ?? ""].filter((part) => part !== "");
  return known.length === 0 ? "" : ` (${known.join(", ")})`;
}

/**
 * A text that may quote what was typed, without the secrets of URLs in it. The library's own messages hold none; those about wrong
 * usage repeat arguments, and a URL may have been given where none belongs.
 */
export function redactUrls(text: string): string {
  return text.replace(USER_INFO, "$1***@").replace(SETTING, "$1***");
}
