import { setTimeout } from "node:timers";
import { backOffMs } from "../back-off.ts";
import { StreamError } from "../errors.ts";
import { describeValue } from "../option-rules.ts";
import { isPromiseLike } from "../promise-like.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";
import type { AttemptFailure, AttemptOutcome, FailureActions } from "./failure-actions.ts";
import { type Lane, laneKeyOf, sequenceOf } from "./key-lanes.ts";
import { type Entry, Work, attemptOf } from "./work.ts";
import type { WorkScheduler } from "./work-scheduler.ts";

/**
 * What becomes of messages whose attempt failed: another attempt after a pause, or the failure action. Meanwhile their
 * lanes stay held, so that nothing of the same key passes them, and everything else goes on.
 */
export class FailureRetries<T> {
  readonly #options: ResolvedConsumerOptions;
  readonly #scheduler: WorkScheduler<T>;
  readonly #actions: FailureActions;
  readonly #fail: (error: StreamError) => void;

  constructor(options: ResolvedConsumerOptions, scheduler: WorkScheduler<T>, actions: FailureActions, fail: (error: StreamError) => void) {
    this.#options = options;
    this.#scheduler = scheduler;
    this.#actions = actions;
    this.#fail = fail;
  }

  take(work: Work<T>, { failure, failures }: AttemptOutcome): void {
    if (failure === null) {
      for (const group of this.#split(work, failures)) this.#retry(group, [group.entries[0]!], failures.get(group.entries[0]!)!);
    } else this.#retry(work, work.entries, failure);
  }

  /** The messages that succeeded are done; each of the others, with those that share its fate behind it, goes its own way. */
  #split(work: Work<T>, failures: ReadonlyMap<Entry, AttemptFailure>): Work<T>[] {
    const groups: Entry[][] = [];
    const groupOf = new Map<string, Entry[]>();
    for (const entry of work.entries) {
      const sequence = sequenceOf(this.#options.order, entry.key);
      const behind = sequence === null ? undefined : groupOf.get(sequence);
      if (behind !== undefined) behind.push(entry);
      else if (failures.has(entry)) {
        const group = [entry];
        groups.push(group);
        if (sequence !== null) groupOf.set(sequence, group);
      } else this.#scheduler.complete(work.state, entry);
    }
    const works = groups.map((entries) => {
      const part = new Work(work.state, entries);
      work.state.works.add(part);
      part.lanes = this.#handOver(work, part);
      return part;
    });
    this.#scheduler.release(work);
    return works;
  }

  #handOver(work: Work<T>, part: Work<T>): Lane<T>[] {
    const laneKey = laneKeyOf(this.#options.order, part.entries[0]!.key);
    const lane = laneKey === null ? undefined : work.lanes?.find(({ key }) => key === laneKey);
    if (lane === undefined) return [];
    lane.owner = part;
    return [lane];
  }

  /** `failed`: the messages whose attempt counts. */
  #retry(work: Work<T>, failed: readonly Entry[], failure: AttemptFailure): void {
    // Whoever takes the partition next tries again.
    if (this.#scheduler.stopped || !work.state.open) return;
    for (const entry of failed) entry.failures += 1;
    const worthIt = this.#worthAnotherAttempt(failure);
    if (worthIt === null) return;
    const exhausted = failed.filter((entry) => !worthIt || attemptOf(entry) > this.#options.retry.maxAttempts);
    if (exhausted.length > 0) void this.#giveUp(work, exhausted, failure);
    else this.#backOff(work, Math.max(...failed.map(({ failures }) => failures)));
  }

  /** `null`: the application's predicate failed, and with it the consumer. */
  #worthAnotherAttempt({ code, thrown }: AttemptFailure): boolean | null {
    const { retryable } = this.#options.retry;
    if (code === "corrupt") return false;
    if (retryable === undefined) return true;
    try {
      return requireBoolean(retryable(thrown));
    } catch (cause) {
      this.#fail(new StreamError("handler-failed", "retry.retryable gave no answer for a failed message", { cause, operation: "consume" }));
      return null;
    }
  }

  #backOff(work: Work<T>, failures: number): void {
    work.timer = setTimeout(
      () => {
        work.timer = null;
        this.#scheduler.restart(work);
      },
      backOffMs(this.#options.retry, failures),
    );
  }

  /** Takes the failure action for each of these in order; what is left of the work is handled anew. Never rejects. */
  async #giveUp(work: Work<T>, exhausted: readonly Entry[], failure: AttemptFailure): Promise<void> {
    const { state } = work;
    state.active += 1;
    let remaining = work.entries;
    for (const entry of exhausted) {
      if (!(await this.#actions.settle(state.source, entry, failure)) || !state.current) break;
      this.#scheduler.complete(state, entry);
      remaining = remaining.filter((other) => other !== entry);
      if (this.#scheduler.stopped) break;
    }
    state.active -= 1;
    if (remaining.length === 0) this.#scheduler.release(work);
    else if (state.open && !this.#scheduler.stopped) {
      work.entries = remaining;
      state.retries.push(work);
    }
    this.#scheduler.pump();
  }
}

/** @throws `invalid-argument`: an answer is needed at once, and a promise would pass for yes whatever comes of it */
function requireBoolean(answer: unknown): boolean {
  if (typeof answer === "boolean") return answer;
  const isLater = isPromiseLike(answer);
  // What becomes of it is nobody's answer any more: its rejection must not pass for one that was forgotten.
  if (isLater) void Promise.resolve(answer).catch(() => undefined);
  const received = isLater ? "a promise" : describeValue(answer);
  throw new StreamError("invalid-argument", `retry.retryable returned ${received}; allowed are true and false, at once`);
}
