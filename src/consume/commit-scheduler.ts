import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { abortable } from "../abortable.ts";
import { channels } from "../diagnostics/channels.ts";
import type { ConsumerDriver, Settlement } from "../driver/consumer-driver.ts";
import type { StreamError } from "../errors.ts";
import { encodePosition } from "../position/position.ts";
import type { TopicContext } from "../topic-context.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";

/** The shortest pause before a failed settlement is retried. */
const SHORTEST_RETRY_MS = 100;
/** The longest one where the partition is given away: a pause that went on to double would pass the end of the time. */
const LONGEST_RETRY_MS = 1_000;
/** Of one partition: where groups are kept by leases, the progress of each is a write of its own. */
const DEFAULT_MESSAGES = 10_000;

interface CommitHooks<T> {
  /** Aborts when the provider is not waited for any longer. */
  readonly life: AbortSignal;
  /** One settlement has this result. */
  settled(state: AssignmentState<T>, settlement: Settlement, error: StreamError | null): void;
}

/** Stores progress by time and by count, as often as the application and the driver need: only what has moved, and never in two calls at once. */
export class CommitScheduler<T> {
  lastCommit: Date | null = null;
  readonly #driver: ConsumerDriver;
  readonly #context: TopicContext;
  readonly #group: string;
  readonly #everyMs: number;
  /** Of all partitions together. */
  readonly #mostMessages: number;
  readonly #mostOfPartition: number;
  readonly #hooks: CommitHooks<T>;
  /** Assignments that may have something to settle. */
  readonly #dirty = new Set<AssignmentState<T>>();
  /** The assignment of the last message: the next messages of the same partition need no look into the set. */
  #latest: AssignmentState<T> | null = null;
  #messages = 0;
  #timer: NodeJS.Timeout | null = null;
  #tail: Promise<void> = Promise.resolve();
  #queued = false;
  #stopped = false;

  constructor(
    driver: ConsumerDriver,
    context: TopicContext,
    { commit, group }: Pick<ResolvedConsumerOptions, "commit" | "group">,
    hooks: CommitHooks<T>,
  ) {
    this.#driver = driver;
    this.#context = context;
    this.#group = group;
    this.#everyMs = Math.min(commit.everyMs, driver.settleWithin?.ms ?? Infinity);
    this.#mostMessages = Math.min(commit.everyMessages ?? Infinity, driver.settleWithin?.messages ?? Infinity);
    this.#mostOfPartition = commit.everyMessages === null ? DEFAULT_MESSAGES : Infinity;
    this.#hooks = hooks;
  }

  /** One message more is handled. */
  handled(state: AssignmentState<T>): void {
    if (state !== this.#latest) this.touch(state);
    this.#messages += 1;
    if (this.#messages >= this.#mostMessages || state.unsettledMessages >= this.#mostOfPartition) this.now();
  }

  /** There may be something to settle. */
  touch(state: AssignmentState<T>, withinMs: number = this.#everyMs): void {
    this.#latest = state;
    this.#dirty.add(state);
    if (this.#timer === null && !this.#stopped) this.#timer = setTimeout(() => this.now(), withinMs);
  }

  /** Settles what is dirty. A call that is under way ends first. */
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
      for (let delayMs = SHORTEST_RETRY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS)) {
        this.now();
        await abortable(this.#tail, signal);
        if (!states.some((state) => this.#dirty.has(state))) return;
        await sleep(delayMs, undefined, { signal });
      }
    } catch {
      // The time is over: the next owner of the partition handles again what is not settled.
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
    const results = await this.#settle(pairs.map(([, settlement]) => settlement));
    for (const [index, [state, settlement]] of pairs.entries()) {
      const error = results[index] ?? null;
      state.settled(settlement, error);
      if (error === null) this.lastCommit = new Date();
      else if (error.retryable && state.owned) this.touch(state, Math.max(SHORTEST_RETRY_MS, this.#everyMs));
      this.#hooks.settled(state, settlement, error);
    }
  }

  /** Calls the driver's `settle` once. Returns one result for each settlement. Never rejects. */
  async #settle(settlements: readonly Settlement[]): Promise<readonly (StreamError | null)[]> {
    const results = await this.#resultsOf(settlements);
    if (channels.commit.hasSubscribers) {
      const { provider, topic } = this.#context;
      const group = this.#group;
      for (const [index, { assignment, through }] of settlements.entries()) {
        const { partition, identity } = assignment;
        const position = through === null ? null : encodePosition({ provider, ...identity, partition, position: through });
        channels.commit.publish({ provider, topic, group, partition, position, error: results[index] ?? null });
      }
    }
    return results;
  }

  async #resultsOf(settlements: readonly Settlement[]): Promise<readonly (StreamError | null)[]> {
    try {
      const results = await this.#driver.settle(settlements, this.#hooks.life);
      return results.map((error) => (error === null ? null : this.#context.toError(error, "consume")));
    } catch (thrown) {
      const error = this.#context.toError(thrown, "consume");
      return settlements.map(() => error);
    }
  }
}
