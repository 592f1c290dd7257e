import { performance } from "node:perf_hooks";
import { type RetryEvent, channels } from "../../diagnostics/channels.ts";
import type { StreamError } from "../../errors.ts";
import { redactUrls } from "./report-failure.ts";

/** What passes within this time is not worth a line. */
const TELL_AFTER_MS = 2_000;
const TELL_EVERY_MS = 10_000;
/** Failures that are further apart have nothing to do with each other. */
const APART_MS = 35_000;
/** How long a command that does not run for ever goes on without the provider. */
const PATIENCE_MS = 30_000;

interface Trouble {
  readonly sinceMs: number;
  lastMs: number;
  toldMs: number | null;
}

/** Says on standard error that the provider is away, since a command that waits in silence looks as if it hung. */
export class RetryWatch {
  readonly #lost = new AbortController();
  #trouble: Trouble | null = null;
  readonly #hear = (event: unknown): void => this.#failed((event as RetryEvent).error);

  readonly #patienceMs: number;

  constructor(patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs;
    channels.retry.subscribe(this.#hear);
  }

  /** Aborts when the provider has been away for 30 seconds on end, with what is wrong with it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Something has come, or was stored. */
  progressed(): void {
    this.#trouble = null;
  }

  end(): void {
    channels.retry.unsubscribe(this.#hear);
  }

  #failed(error: StreamError): void {
    const nowMs = performance.now();
    if (this.#trouble === null || nowMs - this.#trouble.lastMs > APART_MS) {
      this.#trouble = { sinceMs: nowMs, lastMs: nowMs, toldMs: null };
      return;
    }
    const trouble = this.#trouble;
    trouble.lastMs = nowMs;
    if (nowMs - trouble.sinceMs > this.#patienceMs) this.#lost.abort(error);
    else if (nowMs - (trouble.toldMs ?? trouble.sinceMs) > (trouble.toldMs === null ? TELL_AFTER_MS : TELL_EVERY_MS)) {
      trouble.toldMs = nowMs;
      console.error(redactUrls(`trying again: ${error.code}: ${error.message}`));
    }
  }
}
