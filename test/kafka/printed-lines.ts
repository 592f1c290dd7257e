import { setTimeout as sleep } from "node:timers/promises";
import { type Ended, type RunOptions, startCommand } from "../cli/command-line.ts";

/** At 64 KiB for each read, the 20,000 flights take two seconds. */
const TAKE_EVERY_MS = 20;

/** A line of `read` or `consume`. */
export interface PrintedLine {
  readonly topic: string;
  readonly partition: string;
  readonly position: string;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The complete lines of an output. An incomplete last line of a killed process does not count. */
export function linesOf(output: string): PrintedLine[] {
  return output
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as PrintedLine);
}

/** A signal, sent at this time after the start of the process, or after its first output. */
export interface Stop {
  readonly signal: "SIGINT" | "SIGTERM" | "SIGKILL";
  readonly since: "start" | "output";
  readonly afterMs: number;
}

/**
 * Runs the program while its output is read slowly, as by a slow program after a pipe, so that a signal comes in the middle
 * of its work. The output is read to its end.
 */
export async function runSlowly(args: readonly string[], stop: Stop | null, options: RunOptions = {}): Promise<Ended> {
  const { child, ended } = startCommand(args, options);
  child.stdin.end();
  let timer: NodeJS.Timeout | undefined;
  const arm = (since: Stop["since"]): void => {
    if (stop?.since === since) timer ??= setTimeout(() => child.kill(stop.signal), stop.afterMs);
  };
  arm("start");
  child.stdout.on("data", () => {
    arm("output");
    child.stdout.pause();
    void sleep(TAKE_EVERY_MS).then(() => child.stdout.resume());
  });
  const result = await ended;
  clearTimeout(timer);
  return result;
}
