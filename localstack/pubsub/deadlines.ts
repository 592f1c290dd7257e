import { clearTimeout, setTimeout } from "node:timers";
import type { EmulatorClock } from "./clock.ts";

/** Something that happens at a time unless it is taken back. */
export interface Due {
  /** On the clock's `elapsedMs`. Changed by `Deadlines` only. */
  dueAtMs: number;
  passed(): void;
}

/** The `dueAtMs` of what has no deadline. */
export const NEVER = -1;

/** Deadlines of one bucket pass together, so that a million leases need one timer. */
const BUCKET_MS = 10;

/** The deadlines of an emulator, to the nearest hundredth of a second above. One timer serves all. */
export class Deadlines {
  readonly #clock: EmulatorClock;
  readonly #buckets = new Map<number, Set<Due>>();
  #timer: NodeJS.Timeout | null = null;
  #timerAtMs = Infinity;

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
    clock.onAdvanced(() => this.#fire());
  }

  /** Sets the deadline, or moves it. */
  set(due: Due, afterMs: number): void {
    this.delete(due);
    const dueAtMs = Math.ceil((this.#clock.elapsedMs + afterMs) / BUCKET_MS) * BUCKET_MS;
    due.dueAtMs = dueAtMs;
    const bucket = this.#buckets.get(dueAtMs);
    if (bucket === undefined) this.#buckets.set(dueAtMs, new Set([due]));
    else bucket.add(due);
    if (dueAtMs < this.#timerAtMs) this.#arm(dueAtMs);
  }

  delete(due: Due): void {
    const bucket = this.#buckets.get(due.dueAtMs);
    if (bucket?.delete(due) === true && bucket.size === 0) this.#buckets.delete(due.dueAtMs);
    due.dueAtMs = NEVER;
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#buckets.clear();
  }

  #arm(atMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, atMs - this.#clock.elapsedMs));
    // The port keeps the process alive while it is open.
    this.#timer.unref();
  }

  #fire(): void {
    const nowMs = this.#clock.elapsedMs;
    const passed = [...this.#buckets.keys()].filter((atMs) => atMs <= nowMs).toSorted((a, b) => a - b);
    for (const atMs of passed) {
      const bucket = this.#buckets.get(atMs) ?? [];
      this.#buckets.delete(atMs);
      // One may take back another of its bucket.
      for (const due of bucket) if (due.dueAtMs === atMs) due.passed();
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAtMs = Infinity;
    let nextMs = Infinity;
    for (const atMs of this.#buckets.keys()) nextMs = Math.min(nextMs, atMs);
    if (nextMs < Infinity) this.#arm(nextMs);
  }
}
