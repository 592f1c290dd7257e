import { performance } from "node:perf_hooks";
import { type RetryEvent, channels } from "../../diagnostics/channels.ts";
import type { StreamError } from "../../errors.ts";
import { redactUrls } from "../../redact-urls.ts";

/** A failure that ends within this time is not reported. */
const REPORT_AFTER_MS = 2_000;
const REPORT_EVERY_MS = 10_000;
/** Failures that are further apart belong to different outages. */
const APART_MS = 35_000;
/** How long a command that does not run for ever continues without the provider. */
const OUTAGE_LIMIT_MS = 30_000;

interface Outage {
  readonly sinceMs: number;
  lastMs: number;
  reportedMs: number | null;
}

/** Reports on standard error that the provider is unavailable, because a command that waits without a message looks as if it hung. */
export class RetryWatch {
  readonly #lost = new AbortController();
  #outage: Outage | null = null;
  readonly #listen = (event: unknown): void => this.#failed((event as RetryEvent).error);

  readonly #outageLimitMs: number;

  constructor(outageLimitMs = OUTAGE_LIMIT_MS) {
    this.#outageLimitMs = outageLimitMs;
    channels.retry.subscribe(this.#listen);
  }

  /** Aborts with the last error when the provider was unavailable for 30 seconds. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Call it after every successful read or write: the outage is over. */
  progressed(): void {
    this.#outage = null;
  }

  end(): void {
    channels.retry.unsubscribe(this.#listen);
  }

  #failed(error: StreamError): void {
    const nowMs = performance.now();
    if (this.#outage === null || nowMs - this.#outage.lastMs > APART_MS) {
      this.#outage = { sinceMs: nowMs, lastMs: nowMs, reportedMs: null };
      return;
    }
    const outage = this.#outage;
    outage.lastMs = nowMs;
    if (nowMs - outage.sinceMs > this.#outageLimitMs) this.#lost.abort(error);
    else if (nowMs - (outage.reportedMs ?? outage.sinceMs) > (outage.reportedMs === null ? REPORT_AFTER_MS : REPORT_EVERY_MS)) {
      outage.reportedMs = nowMs;
      console.error(redactUrls(`trying again: ${error.code}: ${error.message}`));
    }
  }
}
