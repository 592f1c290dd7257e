import { performance } from "node:perf_hooks";
import { pause } from "../../../src/adapter-kit/index.ts";

/** All polling readers of a shard together may read it five times a second. */
const READ_SPACING_MS = 200;
/** About how many bytes one request should bring: a shard gives two megabytes a second. */
const PAGE_BYTES = 1_048_576;
const FIRST_LIMIT = 32;
const MOST_GROWTH = 8;
/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html */
const MOST_RECORDS = 10_000;
const MOST_SLOWER = 5;

/** When a shard is read, and how many records at once. */
export class PagePace {
  readonly #pollMs: number;
  #limit = FIRST_LIMIT;
  #notBeforeMs = -Infinity;
  /** Rises where other readers of the shard leave less room. */
  #slower = 1;

  constructor(pollMs: number) {
    this.#pollMs = pollMs;
  }

  /** How many records to ask for. */
  get limit(): number {
    return this.#limit;
  }

  /** Waits until the shard may be read again. Rejects with the signal's reason. */
  async wait(signal: AbortSignal): Promise<void> {
    const waitMs = this.#notBeforeMs - performance.now();
    if (waitMs > 0) await pause(waitMs, signal);
    signal.throwIfAborted();
  }

  /** A page has come. A full one is followed at once: then not the number of requests is the limit, but the bytes. */
  came(records: number, bytes: number, isCaughtUp: boolean): void {
    const isFull = records >= this.#limit;
    const pauseMs = isCaughtUp ? this.#pollMs * this.#slower : isFull ? 0 : Math.min(READ_SPACING_MS, this.#pollMs) * this.#slower;
    this.#notBeforeMs = performance.now() + pauseMs;
    this.#slower = Math.max(1, this.#slower * 0.9);
    if (records === 0) return;
    const fitting = Math.floor((PAGE_BYTES * records) / Math.max(bytes, 1));
    this.#limit = Math.max(1, Math.min(fitting, this.#limit * MOST_GROWTH, MOST_RECORDS));
  }

  /** The service has asked for fewer requests. */
  throttled(): void {
    this.#slower = Math.min(MOST_SLOWER, this.#slower * 1.5);
  }
}
