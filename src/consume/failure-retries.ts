import { backOffMs } from "../back-off.ts";
import { StreamError } from "../errors.ts";
import { describeValue } from "../option-rules.ts";
import { isPromiseLike } from "../promise-like.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";
import type { AttemptFailure, AttemptOutcome, FailureActions } from "./failure-actions.ts";
import { type Lane, laneKeyOf, sequenceOf } from "./key-lanes.ts";
import { type Entry, Work, attemptFailed, attemptOf } from "./work.ts";

/** The part of the scheduler that retries need. */
interface RetryScheduling<T> {
  /** Does nothing start any more? */
  readonly stopped: boolean;
  /** The message counts as handled, unless its assignment is no longer current. */
  complete(state: AssignmentState<T>, entry: Entry): void;
  /** Starts what may start. */
  pump(): void;
}

/**
 * Decides about messages whose attempt failed: another attempt after a pause, or the failure action. Their lanes stay held
 * until then, so that nothing of the same key passes them. Everything else goes on.
 */
export class FailureRetries<T> {
  readonly #options: ResolvedConsumerOptions;
  readonly #scheduler: RetryScheduling<T>;
  readonly #actions: FailureActions;
  readonly #fail: (error: StreamError) => void;

  constructor(
    options: ResolvedConsumerOptions,
    scheduler: RetryScheduling<T>,
    actions: FailureActions,
    fail: (error: StreamError) => void,
  ) {
    this.#options = options;
    this.#scheduler = scheduler;
    this.#actions = actions;
    this.#fail = fail;
  }

  /** An attempt at this work has not handled all of its messages. The work holds its lanes. */
  take(work: Work<T>, { failure, failures }: AttemptOutcome): void {
    if (failure === null) {
      for (const part of this.#split(work, failures)) this.#retry(part, [part.entries[0]!], failures.get(part.entries[0]!)!);
    } else this.#retry(work, work.entries, failure);
  }

  /** The messages that succeeded are done. Each failed message becomes work of its own, with those of its sequence behind it. */
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
    const parts = groups.map((entries) => {
      const part = new Work(work.state, entries);
      part.hold(this.#handOver(work, part));
      return part;
    });
    work.state.workSplit(work, parts);
    return parts;
  }

  #handOver(work: Work<T>, part: Work<T>): Lane<T>[] {
    const laneKey = laneKeyOf(this.#options.order, part.entries[0]!.key);
    const lane = laneKey === null ? undefined : work.lanes?.find(({ key }) => key === laneKey);
    return lane === undefined ? [] : [work.state.lanes.hold(lane.key, part)];
  }

  /** `failed`: the messages whose attempt counts. */
  #retry(work: Work<T>, failed: readonly Entry[], failure: AttemptFailure): void {
    // The next owner of the partition tries again.
    if (this.#scheduler.stopped || !work.state.open) return;
    for (const entry of failed) attemptFailed(entry);
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
    work.backOff(backOffMs(this.#options.retry, failures), () => {
      work.state.retry(work);
      this.#scheduler.pump();
    });
  }

  /** Takes the failure action for each of these in order. The messages that are left are handled again. Never rejects. */
  async #giveUp(work: Work<T>, exhausted: readonly Entry[], failure: AttemptFailure): Promise<void> {
    const { state } = work;
    state.workStarted(work);
    let remaining = work.entries;
    for (const entry of exhausted) {
      if (!(await this.#actions.settle(state.source, entry, failure)) || !state.current) break;
      this.#scheduler.complete(state, entry);
      remaining = remaining.filter((other) => other !== entry);
      if (this.#scheduler.stopped) break;
    }
    state.workPaused();
    if (remaining.length === 0) state.workOver(work);
    else if (state.open && !this.#scheduler.stopped) {
      work.keepOnly(remaining);
      state.retry(work);
    }
    this.#scheduler.pump();
  }
}

/** @throws `invalid-argument`: the answer is needed at once; a promise would count as yes, whatever it resolves to */
function requireBoolean(answer: unknown): boolean {
  if (typeof answer === "boolean") return answer;
  const isLater = isPromiseLike(answer);
  // The promise is not used: its rejection must not be reported as one that was not handled.
  if (isLater) void Promise.resolve(answer).catch(() => undefined);
  const received = isLater ? "a promise" : describeValue(answer);
  throw new StreamError("invalid-argument", `retry.retryable returned ${received}; allowed are true and false, at once`);
}
