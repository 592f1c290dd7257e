import { performance } from "node:perf_hooks";

/** Long enough for a tool, or the cloud, that writes a new token some seconds after the former one has run out. */
const GRACE_MS = 60_000;

/**
 * Credentials that have worked and do not work any more may be about to be replaced: for a while such a failure may pass. Those that have never worked
 * are wrong.
 */
export class CredentialGrace {
  readonly #limitMs: number;
  readonly #nowMs: () => number;
  #hasWorked = false;
  #failingSinceMs: number | null = null;

  /** @param limitMs how long failures may pass, from the first one after a success */
  constructor(limitMs = GRACE_MS, nowMs: () => number = () => performance.now()) {
    this.#limitMs = limitMs;
    this.#nowMs = nowMs;
  }

  get hasWorked(): boolean {
    return this.#hasWorked;
  }

  worked(): void {
    this.#hasWorked = true;
    this.#failingSinceMs = null;
  }

  /** They do not work now. @returns whether that may pass */
  failed(): boolean {
    if (!this.#hasWorked) return false;
    const nowMs = this.#nowMs();
    this.#failingSinceMs ??= nowMs;
    return nowMs - this.#failingSinceMs < this.#limitMs;
  }
}
