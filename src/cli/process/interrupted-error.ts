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
