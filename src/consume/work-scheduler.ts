import { type Decoded, type Decoding, decodeRecord } from "../codec/decode-record.ts";
import { channels } from "../diagnostics/channels.ts";
import type { StreamError } from "../errors.ts";
import { ReceivedMessage } from "../message.ts";
import { isPromiseLike } from "../promise-like.ts";
import { bytesToText } from "../text-bytes.ts";
import type { TopicContext } from "../topic-context.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";
import { EventLoopBudget } from "./event-loop-budget.ts";
import type { AttemptOutcome } from "./failure-actions.ts";
import { formBatch } from "./form-batch.ts";
import { HandlerCall } from "./handler-call.ts";
import { type Handler, HandlerRunner } from "./handler-runner.ts";
import { laneKeyOf } from "./key-lanes.ts";
import { OrphanedHandlers } from "./orphaned-handlers.ts";
import type { Delivery } from "./progress.ts";
import { type Entry, Work } from "./work.ts";

interface SchedulerHooks<T> {
  /** One message more is handled. */
  progressed(state: AssignmentState<T>): void;
  /** An attempt did not handle all of its messages, and the assignment is still ours. The work still holds its lanes. */
  failed(work: Work<T>, outcome: AttemptOutcome): void;
  /** Handlers may have settled, room may have been made. */
  changed(): void;
  fail(error: StreamError): void;
}

/**
 * Decides which message starts when: permits, lanes, the distance a partition may run ahead, slices of the event loop.
 * A synchronous handler passes through without a promise and without a lane.
 */
export class WorkScheduler<T> {
  readonly states: AssignmentState<T>[] = [];
  /** Handlers that run. */
  running = 0;
  readonly #decoding: Decoding<T>;
  readonly #options: ResolvedConsumerOptions;
  readonly #handler: Handler<T>;
  readonly #hooks: SchedulerHooks<T>;
  readonly #runner: HandlerRunner<T>;
  readonly #orphaned: OrphanedHandlers<T>;
  readonly #budget = new EventLoopBudget(() => this.pump());
  #paused = false;
  #stopped = false;
  #pumping = false;
  #turn = 0;

  constructor(
    services: TopicContext,
    decoding: Decoding<T>,
    options: ResolvedConsumerOptions,
    handler: Handler<T>,
    hooks: SchedulerHooks<T>,
  ) {
    this.#decoding = decoding;
    this.#options = options;
    this.#handler = handler;
    this.#hooks = hooks;
    this.#runner = new HandlerRunner(services, decoding, options, handler, {
      concluded: (work, outcome) => this.#concluded(work, outcome),
      overdue: (work, error) => this.#overdue(work, error),
      settledLate: (work) => this.#orphaned.settled(work),
    });
    this.#orphaned = new OrphanedHandlers(options.order, (error) => hooks.fail(error));
  }

  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    this.pump();
  }

  /** Nothing starts any more. */
  stop(): void {
    this.#stopped = true;
    for (const state of this.states) state.seal();
  }

  /** After `stop`: nothing is waited for any more, and no timer is left. */
  end(): void {
    this.#runner.end();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** The rest of this turn belongs to others; more records would only pile up. */
  get yielding(): boolean {
    return this.#budget.spent;
  }

  add(state: AssignmentState<T>): void {
    this.states.push(state);
    this.#orphaned.holdBack(state);
  }

  remove(state: AssignmentState<T>): void {
    const index = this.states.indexOf(state);
    if (index >= 0) this.states.splice(index, 1);
    this.#orphaned.add(state);
  }

  /** Starts what may start. Partitions take turns. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let idle = 0; idle < this.states.length && this.#mayStart(); idle += 1) {
        const state = this.states[this.#turn++ % this.states.length]!;
        if (state.open && this.#startSome(state)) idle = -1;
      }
    } finally {
      this.#pumping = false;
    }
    this.#hooks.changed();
  }

  #mayStart(): boolean {
    return this.running < this.#options.concurrency && !this.#paused && !this.#stopped && !this.#budget.spent;
  }

  /** Answers whether anything has started. */
  #startSome(state: AssignmentState<T>): boolean {
    const retry = state.retries.shift();
    if (retry !== undefined) return this.#begin(retry);
    if (state.barrier !== null) {
      if (state.barrier.prefix === 0) return false;
      state.barrier = null;
    }
    const head = state.inbox[0];
    if (head?.isUnreadable === true && !state.lanes.hasFree) return this.#startUnreadable(state, head);
    if (this.#handler.kind === "batch") {
      const work = formBatch(state, this.#options, () => this.pump());
      return work !== null && this.#begin(work);
    }
    if (!state.lanes.hasFree) return this.#startMessages(state, this.#handler.handle);
    const entries: Entry[] = [];
    const work = new Work(state, entries);
    const lane = state.lanes.takeFree(work)!;
    work.lanes = [lane];
    entries.push(lane.waiting.shift()!);
    return this.#begin(work);
  }

  /** Of which key it was nobody knows: with an order, everything before it is handled first, and everything behind it waits. */
  #startUnreadable(state: AssignmentState<T>, delivery: Delivery): boolean {
    const { order, maxAhead } = this.#options;
    const before = delivery.ordinal - state.progress.oldestOrdinal;
    if (before > (order === "none" ? maxAhead : 0)) return false;
    if (order !== "none") state.barrier = delivery;
    state.inbox.shift();
    delivery.next = 1;
    return this.#begin(new Work(state, [{ delivery, index: 0, record: delivery.records[0]!, key: null, failures: 0 }]));
  }

  #startMessages(state: AssignmentState<T>, handle: (message: ReceivedMessage<T>, call: HandlerCall) => unknown): boolean {
    const { inbox, lanes, progress, source } = state;
    const { order, maxAhead, handlerTimeoutMs } = this.#options;
    const plain = handlerTimeoutMs === undefined && !channels.handle.hasSubscribers;
    let started = false;
    for (let delivery = inbox[0]; delivery !== undefined; delivery = inbox[0]) {
      if (delivery.isUnreadable) return started;
      while (delivery.next < delivery.records.length) {
        if (!state.open || !this.#mayStart() || delivery.ordinal + delivery.next - progress.oldestOrdinal > maxAhead) return started;
        const index = delivery.next++;
        const record = delivery.records[index]!;
        const key = record.key === null ? null : bytesToText(record.key);
        if (lanes.size > 0) {
          const lane = laneKeyOf(order, key);
          const busy = lane === null ? undefined : lanes.get(lane);
          if (busy !== undefined) {
            busy.waiting.push({ delivery, index, record, key, failures: 0 });
            continue;
          }
        }
        started = true;
        const decoded = decodeRecord(this.#decoding, source, record, key);
        if (plain && decoded instanceof ReceivedMessage) this.#handle(state, delivery, index, decoded, handle);
        else this.#begin(new Work(state, [{ delivery, index, record, key, failures: 0 }]), decoded);
      }
      inbox.shift();
    }
    return started;
  }

  /** The fast path: nothing is made for the message but itself and the context of its handler. */
  #handle(
    state: AssignmentState<T>,
    delivery: Delivery,
    index: number,
    message: ReceivedMessage<T>,
    handle: (message: ReceivedMessage<T>, call: HandlerCall) => unknown,
  ): void {
    const record = delivery.records[index]!;
    const call = new HandlerCall(record.deliveryAttempt ?? 1, state.assignment.epoch);
    this.#budget.use(1);
    this.running += 1;
    let result: unknown;
    let isLater = false;
    let outcome: AttemptOutcome | null = null;
    try {
      result = handle(message, call);
      isLater = isPromiseLike(result);
    } catch (thrown) {
      outcome = { failure: { code: "handler-failed", thrown }, failures: new Map() };
    }
    if (outcome === null && !isLater) {
      this.running -= 1;
      if (state.current) this.#complete(state, delivery, index);
      return;
    }
    const work = new Work(state, [{ delivery, index, record, key: message.key, failures: 0 }]);
    this.#enter(work);
    if (outcome !== null) this.#concluded(work, outcome);
    else this.#runner.follow(work, call, result as PromiseLike<unknown>);
  }

  #begin(work: Work<T>, first?: Decoded<T> | Promise<Decoded<T>>): true {
    this.#budget.use(work.entries.length);
    this.running += 1;
    this.#enter(work);
    this.#runner.run(work, first);
    return true;
  }

  #enter(work: Work<T>): void {
    work.state.active += 1;
    work.state.works.add(work);
    // With one permit nothing can start beside it: lanes are only taken when an attempt fails.
    if (this.#options.concurrency > 1) this.hold(work);
  }

  #concluded(work: Work<T>, outcome: AttemptOutcome): void {
    const { state } = work;
    this.running -= 1;
    state.active -= 1;
    if (!state.current) {
      state.works.delete(work);
      this.#orphaned.settled(work);
    } else if (outcome.failure === null && outcome.failures.size === 0) {
      for (const entry of work.entries) this.#complete(state, entry.delivery, entry.index);
      this.release(work);
    } else {
      this.hold(work);
      this.#hooks.failed(work, outcome);
    }
    if (this.#pumping) return;
    this.pump();
  }

  /** Not settled in twice its time: its permit is free for others, its key is not. */
  #overdue(work: Work<T>, error: StreamError): void {
    const { state } = work;
    this.running -= 1;
    state.active -= 1;
    state.works.delete(work);
    if (state.current) this.#hooks.fail(error);
    else this.#orphaned.overdue(work, error);
    this.pump();
  }

  #complete(state: AssignmentState<T>, delivery: Delivery, index: number): void {
    state.complete(delivery, index);
    this.#hooks.progressed(state);
  }

  /** Counts as handled, by whatever way. Ignored when results do not count any more. */
  complete(state: AssignmentState<T>, entry: Entry): void {
    if (state.current) this.#complete(state, entry.delivery, entry.index);
  }

  /** Keeps the lanes of its messages from everybody else. */
  hold(work: Work<T>): void {
    if (work.lanes !== null) return;
    work.lanes = [];
    const { lanes } = work.state;
    for (const { key } of work.entries) {
      const lane = laneKeyOf(this.#options.order, key);
      if (lane !== null && lanes.get(lane)?.owner !== work) work.lanes.push(lanes.hold(lane, work));
    }
  }

  /** The work is over: what waits behind it may go on. */
  release(work: Work<T>): void {
    work.state.works.delete(work);
    for (const lane of work.lanes ?? []) if (lane.owner === work) work.state.lanes.release(lane);
  }

  /** Another attempt, as soon as there is a permit. */
  restart(work: Work<T>): void {
    work.state.retries.push(work);
    this.pump();
  }
}
