import { constants } from "node:os";

/** A command that has an end of its own was stopped before it, by Ctrl-C or SIGTERM. */
export class InterruptedError extends Error {
  /** As a shell tells it: 128 and the number of the signal. */
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** The arguments cannot be meant so: the message names what was received and what is allowed; exit code 2. Told to people, not to programs. */
export class UsageError extends Error {}

/** Whoever read our output has gone, as `head` does: there is nobody left to write to, and nothing to tell. */
export class BrokenPipeError extends Error {}
