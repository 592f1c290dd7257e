import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { abortable } from "../abortable.ts";
import { channels } from "../diagnostics/channels.ts";
import type { ConsumerDriver, Settlement } from "../driver/consumer-driver.ts";
import type { StreamError } from "../errors.ts";
import { encodePosition } from "../position/position.ts";
import type { TopicContext } from "../topic-context.ts";
import type { AssignmentState } from "./assignment-state.ts";

/** After a settlement that failed and may succeed later. */
const LEAST_RETRY_MS = 100;

interface CommitHooks<T> {
  /** One result a settlement. Never rejects. */
  settle(settlements: readonly Settlement[]): Promise<readonly (StreamError | null)[]>;
  /** Told of each result. */
  settled(state: AssignmentState<T>, settlement: Settlement, error: StreamError | null): void;
}

/** When progress is stored: by time and by count, only what has moved, never two calls at once. */
export class CommitScheduler<T> {
  lastCommit: Date | null = null;
  readonly #limits: { readonly everyMs: number; readonly everyMessages: number };
  readonly #hooks: CommitHooks<T>;
  readonly #dirty = new Set<AssignmentState<T>>();
  /** Saves a look into the set for every message of a run of the same partition. */
  #latest: AssignmentState<T> | null = null;
  #messages = 0;
  #timer: NodeJS.Timeout | null = null;
  #tail: Promise<void> = Promise.resolve();
  #queued = false;
  #stopped = false;

  constructor(limits: { readonly everyMs: number; readonly everyMessages: number }, hooks: CommitHooks<T>) {
    this.#limits = limits;
    this.#hooks = hooks;
  }

  /** One message more is handled. */
  handled(state: AssignmentState<T>): void {
    if (state !== this.#latest) this.touch(state);
    if (++this.#messages >= this.#limits.everyMessages) this.now();
  }

  /** There may be something to settle. */
  touch(state: AssignmentState<T>, withinMs: number = this.#limits.everyMs): void {
    this.#latest = state;
    this.#dirty.add(state);
    if (this.#timer === null && !this.#stopped) this.#timer = setTimeout(() => this.now(), withinMs);
  }

  /** Settles what is dirty, after the call that may be under way. */
  now(): void {
    this.#messages = 0;
    if (this.#queued || this.#stopped) return;
    this.#queued = true;
    this.#tail = this.#tail.then(() => this.#round());
  }

  /** Resolves when nothing of these is left to settle, or the signal aborts. Never rejects. */
  async flush(states: readonly AssignmentState<T>[], signal: AbortSignal): Promise<void> {
    for (const state of states) this.touch(state);
    try {
      for (let delayMs = LEAST_RETRY_MS; ; delayMs *= 2) {
        this.now();
        await abortable(this.#tail, signal);
        if (!states.some((state) => this.#dirty.has(state))) return;
        await sleep(delayMs, undefined, { signal });
      }
    } catch {
      // Out of time: what is not settled will be handled again, by whoever has the partition next.
    }
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #round(): Promise<void> {
    this.#queued = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#latest = null;
    const pairs: [AssignmentState<T>, Settlement][] = [];
    for (const state of this.#dirty) {
      const settlement = state.owned ? state.takeSettlement() : null;
      if (settlement !== null) pairs.push([state, settlement]);
    }
    this.#dirty.clear();
    if (pairs.length === 0 || this.#stopped) return;
    const results = await this.#hooks.settle(pairs.map(([, settlement]) => settlement));
    for (const [index, [state, settlement]] of pairs.entries()) {
      const error = results[index] ?? null;
      state.settled(settlement, error);
      if (error === null) this.lastCommit = new Date();
      else if (error.retryable && state.owned) this.touch(state, Math.max(LEAST_RETRY_MS, this.#limits.everyMs));
      this.#hooks.settled(state, settlement, error);
    }
  }
}

/** One call of the driver's `settle`, told on `streamport:commit`. Answers one result a settlement; never rejects. */
export async function settleWithDriver(
  driver: ConsumerDriver,
  services: TopicContext,
  group: string,
  settlements: readonly Settlement[],
  signal: AbortSignal,
): Promise<readonly (StreamError | null)[]> {
  const results = await settle(driver, services, settlements, signal);
  if (channels.commit.hasSubscribers) {
    const { provider, topic } = services;
    for (const [index, { assignment, through }] of settlements.entries()) {
      const { partition, identity } = assignment;
      const position = through === null ? null : encodePosition({ provider, ...identity, partition, position: through });
      channels.commit.publish({ provider, topic, group, partition, position, error: results[index] ?? null });
    }
  }
  return results;
}

async function settle(
  driver: ConsumerDriver,
  services: TopicContext,
  settlements: readonly Settlement[],
  signal: AbortSignal,
): Promise<readonly (StreamError | null)[]> {
  try {
    const results = await driver.settle(settlements, signal);
    return results.map((error) => (error === null ? null : services.toError(error, "consume")));
  } catch (thrown) {
    const error = services.toError(thrown, "consume");
    return settlements.map(() => error);
  }
}
