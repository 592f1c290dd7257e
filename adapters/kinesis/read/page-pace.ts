import { performance } from "node:perf_hooks";
import { wakeAt } from "./poll-marks.ts";

/** All polling readers of a shard together may read it five times a second. */
const READ_SPACING_MS = 200;
/** About how many bytes one request should bring: a shard gives two megabytes a second. */
const PAGE_BYTES = 1_048_576;
const FIRST_LIMIT = 32;
const MOST_GROWTH = 8;
/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html */
const MOST_RECORDS = 10_000;
const MOST_SLOWER = 5;
/** A pause ends on one of so many marks within its length. */
const MARKS = 32;

/** When a shard is read, and how many records at once. The pauses of all shards end on common marks of time. */
export class PagePace {
  readonly #pollMs: number;
  #limit = FIRST_LIMIT;
  #notBeforeMs = -Infinity;
  /** Rises where other readers of the shard leave less room. */
  #slower = 1;
  /** The signal that ends its waits. It is listened to once, and not in each wait. */
  #heard: AbortSignal | null = null;
  #endWait: (() => void) | null = null;

  constructor(pollMs: number) {
    this.#pollMs = pollMs;
  }

  /** How many records to ask for. */
  get limit(): number {
    return this.#limit;
  }

  /** Waits until the shard may be read again. Rejects with the signal's reason. */
  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#notBeforeMs <= performance.now()) return;
    this.#hear(signal);
    await new Promise<void>((resolve) => {
      const cancel = wakeAt(this.#notBeforeMs, resolve);
      this.#endWait = () => {
        cancel();
        resolve();
      };
    });
    this.#endWait = null;
    signal.throwIfAborted();
  }

  #hear(signal: AbortSignal): void {
    if (this.#heard === signal) return;
    this.#heard = signal;
    signal.addEventListener("abort", () => this.#endWait?.(), { once: true });
  }

  /** A page has come. A full one is followed at once: then not the number of requests is the limit, but the bytes. */
  came(records: number, bytes: number, isCaughtUp: boolean): void {
    const isFull = records >= this.#limit;
    const pauseMs = isCaughtUp ? this.#pollMs : isFull ? 0 : Math.min(READ_SPACING_MS, this.#pollMs);
    this.#notBeforeMs = nextMark(performance.now() + pauseMs * this.#slower, pauseMs / MARKS);
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

function nextMark(ms: number, markMs: number): number {
  return markMs === 0 ? ms : Math.ceil(ms / markMs) * markMs;
}
