import type { Clock } from "../../../../src/leases/index.ts";

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Everything that is due in this turn, with all that follows from it without a wait. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** An engine does not keep its promise. */
export class BrokenPromise extends Error {}

/** Time that passes only where a test says so. Work at one time is done in the order in which it was asked for. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  /** Work that takes several turns: no time passes meanwhile. */
  working = 0;
  readonly #sleepers = new Set<Sleeper>();

  nowMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      };
      const wake = (): void => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      const sleeper = { atMs: this.#now + Math.max(0, ms), order: (this.#order += 1), wake };
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort);
      this.#sleepers.add(sleeper);
    });
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await this.#settled();
      let next: Sleeper | null = null;
      for (const sleeper of this.#sleepers) {
        if (next === null || sleeper.atMs < next.atMs || (sleeper.atMs === next.atMs && sleeper.order < next.order)) next = sleeper;
      }
      if (next === null || next.atMs > end) break;
      this.#now = next.atMs;
      this.#sleepers.delete(next);
      next.wake();
    }
    this.#now = end;
    await this.#settled();
  }

  async #settled(): Promise<void> {
    do await settled();
    while (this.working > 0);
  }

  /** Advances until the condition holds. @throws when it does not within the time */
  async until(condition: () => boolean, what: string, mostMs = 120_000): Promise<void> {
    const end = this.#now + mostMs;
    while (!condition()) {
      if (this.#now >= end) throw new BrokenPromise(`it did not come to this within ${mostMs} ms: ${what}`);
      await this.advance(50);
    }
  }
}

const NEVER = new AbortController().signal;

/** The process of one member: it can be stopped, as by a signal, or its machine suspended, which also stops the monotonic clock. */
export class Process implements Clock {
  readonly #world: VirtualClock;
  #isFrozen = false;
  readonly #held: (() => void)[] = [];
  #stoodStillMs = 0;
  #suspendedAtMs: number | null = null;
  /** How many waits have ended so far. */
  waits = 0;
  /** Freezes the process when so many waits have ended. */
  freezeAt = Infinity;
  onFreeze: () => void = () => {};

  constructor(world: VirtualClock) {
    this.#world = world;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  freeze(isSuspended = false): void {
    if (this.#isFrozen) return;
    this.#isFrozen = true;
    this.#suspendedAtMs = isSuspended ? this.#world.nowMs() : null;
  }

  thaw(): void {
    if (this.#suspendedAtMs !== null) this.#stoodStillMs += this.#world.nowMs() - this.#suspendedAtMs;
    this.#suspendedAtMs = null;
    this.#isFrozen = false;
    void this.#release();
  }

  /** What was waited for goes on in its order, each with all that follows from it at once: no other part can have warned it. */
  async #release(): Promise<void> {
    this.#world.working += 1;
    while (!this.#isFrozen && this.#held.length > 0) {
      this.#held.shift()!();
      await settled();
    }
    this.#world.working -= 1;
  }

  /** Every answer that the process waits for comes through here. */
  async through<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } finally {
      this.waits += 1;
      if (this.waits === this.freezeAt) {
        this.freeze();
        this.onFreeze();
      }
      while (this.#isFrozen) await new Promise<void>((resolve) => this.#held.push(resolve));
    }
  }

  nowMs(): number {
    return (this.#suspendedAtMs ?? this.#world.nowMs()) - this.#stoodStillMs;
  }

  wallMs(): number {
    return this.#world.wallMs();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.through(this.#world.sleep(ms, signal));
  }

  /** Waits in the world's time: for latencies of what lies outside the process. */
  outside(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : this.#world.sleep(ms, NEVER);
  }
}
