import { isStreamError } from "../errors.ts";
import { redactUrls } from "../redact-urls.ts";

const MOST_CAUSES = 10;
/** The text of a cause is that of a server or a library, of any length. */
const LONGEST_TEXT = 200;

/**
 * The origin of an error that an adapter could not classify, which is its innermost cause: class, code, text, and the line of the
 * adapter, such as `ReplyError "NOGROUP No such key" at consumer.js:40:12`. Lines of installed packages and of Node are left out.
 * Messages of the cases are the suite's own, so the text shows no payload of others. `null` without a cause.
 */
export function errorOrigin(error: Error): string | null {
  const innermost = causesOf(error).at(-1);
  return innermost === undefined ? null : describeCause(innermost);
}

/** All causes, the outermost first. */
export function describeCauses(error: unknown): readonly string[] {
  return causesOf(error).map(describeCause);
}

function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let cause = causeOf(error); cause instanceof Error && causes.length < MOST_CAUSES; cause = cause.cause) causes.push(cause);
  return causes;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function describeCause(cause: Error): string {
  if (isStreamError(cause)) return `${cause.code} (${cause.message})`;
  const code = "code" in cause && typeof cause.code === "string" ? ` ${cause.code}` : "";
  const line = ownLine(cause.stack ?? "");
  const text = redactUrls(cause.message.replaceAll(/\s+/g, " ").trim());
  const shown = text === "" ? "" : ` ${JSON.stringify(text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text)}`;
  return `${cause.name}${code}${shown}${line === null ? "" : ` at ${line}`}`;
}

/** The innermost line that is neither in an installed package nor in Node. */
function ownLine(stack: string): string | null {
  for (const frame of stack.split("\n")) {
    if (!/^\s+at /.test(frame) || /[/\\]node_modules[/\\]|node:/.test(frame)) continue;
    const line = /([^/\\\s(]+:\d+:\d+)\)?$/.exec(frame)?.[1];
    if (line !== undefined) return line;
  }
  return null;
}
