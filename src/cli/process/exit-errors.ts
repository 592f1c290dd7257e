import { constants } from "node:os";

/** A command was stopped before its end, by Ctrl-C or SIGTERM. */
export class InterruptedError extends Error {
  /** As in a shell: 128 plus the number of the signal. */
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** The arguments are wrong: exit code 2. The message names what was received and what is allowed. It is for people, not for programs. */
export class UsageError extends Error {}

/** The reader of the output has gone, as `head` does. The command ends without a message. */
export class BrokenPipeError extends Error {}
