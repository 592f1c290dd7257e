import { type Decoded, type Decoding, decodeRecord } from "../codec/decode-record.ts";
import { keyTextOf } from "../codec/key-text.ts";
import type { StreamError } from "../errors.ts";
import { ReceivedMessage } from "../message.ts";
import type { TopicContext } from "../topic-context.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";
import { EventLoopBudget } from "./event-loop-budget.ts";
import type { AttemptOutcome, FailureActions } from "./failure-actions.ts";
import { FailureRetries } from "./failure-retries.ts";
import { formBatch } from "./form-batch.ts";
import { type Handler, HandlerRunner } from "./handler-runner.ts";
import { laneKeyOf } from "./key-lanes.ts";
import { OrphanedHandlers } from "./orphaned-handlers.ts";
import type { Delivery } from "./progress.ts";
import { type Entry, Work } from "./work.ts";

interface SchedulerHooks<T> {
  /** One message more is handled. */
  progressed(state: AssignmentState<T>): void;
  /** Handlers may have settled, and buffers may have room. */
  changed(): void;
  readonly fail: (error: StreamError) => void;
}

/**
 * Decides which message starts when: by permits, lanes, how far a partition may run ahead, and its share of the event loop.
 * A message with a synchronous handler needs no promise and no lane.
 */
export class WorkScheduler<T> {
  /** How many handlers run. */
  running = 0;
  readonly #states: AssignmentState<T>[] = [];
  readonly #decoding: Decoding<T>;
  readonly #options: ResolvedConsumerOptions;
  readonly #handlerKind: Handler<T>["kind"];
  readonly #hooks: SchedulerHooks<T>;
  readonly #runner: HandlerRunner<T>;
  readonly #orphaned: OrphanedHandlers<T>;
  readonly #retries: FailureRetries<T>;
  readonly #budget = new EventLoopBudget(() => this.pump());
  #paused = false;
  #stopped = false;
  #pumping = false;
  #turn = 0;

  constructor(
    context: TopicContext,
    decoding: Decoding<T>,
    options: ResolvedConsumerOptions,
    handler: Handler<T>,
    actions: FailureActions,
    hooks: SchedulerHooks<T>,
  ) {
    this.#decoding = decoding;
    this.#options = options;
    this.#handlerKind = handler.kind;
    this.#hooks = hooks;
    this.#runner = new HandlerRunner(context, decoding, options, handler, {
      started: (work) => this.#started(work),
      concluded: (work, outcome) => this.#concluded(work, outcome),
      overdue: (work, error) => this.#overdue(work, error),
      settledLate: (work) => this.#orphaned.settled(work),
    });
    this.#orphaned = new OrphanedHandlers(options.order, hooks.fail);
    this.#retries = new FailureRetries(options, this, actions, hooks.fail);
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
    for (const state of this.#states) state.seal();
  }

  /** After `stop`: handlers are not waited for any longer, and no timer is left. */
  end(): void {
    this.#runner.end();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Does nothing more start in this turn of the event loop? More records would only pile up. */
  get yielding(): boolean {
    return this.#budget.spent;
  }

  add(state: AssignmentState<T>): void {
    this.#states.push(state);
    this.#orphaned.holdBack(state);
  }

  remove(state: AssignmentState<T>): void {
    const index = this.#states.indexOf(state);
    if (index >= 0) this.#states.splice(index, 1);
    this.#orphaned.add(state);
  }

  /** Starts what may start. Partitions take turns. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let idle = 0; idle < this.#states.length && this.#mayStart(); idle += 1) {
        const state = this.#states[this.#turn++ % this.#states.length]!;
        if (state.mayStart && this.#startSome(state)) idle = -1;
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
    const retry = state.takeRetry();
    if (retry !== undefined) return this.#begin(retry);
    if (!state.passBarrier()) return false;
    const head = state.inbox[0];
    if (head?.isUnreadable === true && !state.lanes.hasFree) return this.#startUnreadable(state, head);
    if (this.#handlerKind !== "message") {
      const work = formBatch(state, this.#options, () => this.pump());
      return work !== null && this.#begin(work);
    }
    return state.lanes.hasFree ? this.#startWaiting(state) : this.#startMessages(state);
  }

  /** The keys in it are not known. With an order, everything before it is handled first, and everything behind it waits. */
  #startUnreadable(state: AssignmentState<T>, delivery: Delivery): boolean {
    const { order, maxAhead } = this.#options;
    const before = delivery.ordinal - state.progress.oldestOrdinal;
    if (before > (order === "none" ? maxAhead : 0)) return false;
    // A handler of an earlier ownership still runs.
    if (order === "partition" && state.lanes.size > 0) return false;
    if (order !== "none") state.holdBehind(delivery);
    state.dropFirstDelivery();
    const index = delivery.takeNext();
    return this.#begin(new Work(state, [{ delivery, index, record: delivery.records[index]!, key: null, failures: 0 }]));
  }

  /** The first message of the lane that has been free for the longest time. */
  #startWaiting(state: AssignmentState<T>): boolean {
    const entries: Entry[] = [];
    const work = new Work(state, entries);
    const lane = state.lanes.takeFree(work)!;
    work.hold([lane]);
    entries.push(lane.takeFirst()!);
    return this.#begin(work);
  }

  #startMessages(state: AssignmentState<T>): boolean {
    const { inbox, lanes, progress, source } = state;
    const { order, maxAhead } = this.#options;
    const { canRunInline } = this.#runner;
    let started = false;
    for (let delivery = inbox[0]; delivery !== undefined; delivery = inbox[0]) {
      if (delivery.isUnreadable) return started;
      while (delivery.next < delivery.records.length) {
        if (!state.open || !this.#mayStart() || delivery.ordinal + delivery.next - progress.oldestOrdinal > maxAhead) return started;
        const index = delivery.takeNext();
        const record = delivery.records[index]!;
        const key = keyTextOf(record);
        if (lanes.size > 0) {
          const lane = laneKeyOf(order, key);
          const busy = lane === null ? undefined : lanes.get(lane);
          if (busy !== undefined) {
            busy.add({ delivery, index, record, key, failures: 0 });
            continue;
          }
        }
        started = true;
        const decoded = decodeRecord(this.#decoding, source, record, key);
        if (canRunInline && decoded instanceof ReceivedMessage) this.#handle(state, delivery, index, decoded);
        else this.#begin(new Work(state, [{ delivery, index, record, key, failures: 0 }]), decoded);
      }
      state.dropFirstDelivery();
    }
    return started;
  }

  #handle(state: AssignmentState<T>, delivery: Delivery, index: number, message: ReceivedMessage<T>): void {
    this.#budget.use(1);
    this.running += 1;
    if (!this.#runner.runInline(state, delivery, index, message)) return;
    this.running -= 1;
    if (state.current) this.#complete(state, delivery, index);
  }

  #begin(work: Work<T>, first?: Decoded<T> | Promise<Decoded<T>>): true {
    this.#budget.use(work.entries.length);
    this.running += 1;
    this.#runner.run(work, first);
    return true;
  }

  #started(work: Work<T>): void {
    work.state.workStarted(work);
    // With one permit nothing else can start meanwhile: lanes are only held when an attempt has failed.
    if (this.#options.concurrency > 1) work.holdLanes(this.#options.order);
  }

  #concluded(work: Work<T>, outcome: AttemptOutcome): void {
    const { state } = work;
    this.running -= 1;
    state.workPaused();
    if (!state.current) {
      state.workDropped(work);
      this.#orphaned.settled(work);
    } else if (outcome.failure === null && outcome.failures.size === 0) {
      for (const entry of work.entries) this.#complete(state, entry.delivery, entry.index);
      state.workOver(work);
    } else {
      work.holdLanes(this.#options.order);
      this.#retries.take(work, outcome);
    }
    if (this.#pumping) return;
    this.pump();
  }

  /** The handler has not settled in twice its time: its permit is free for others, its key is not. */
  #overdue(work: Work<T>, error: StreamError): void {
    const { state } = work;
    this.running -= 1;
    state.workPaused();
    state.workDropped(work);
    if (state.current) this.#hooks.fail(error);
    else this.#orphaned.overdue(work, error);
    this.pump();
  }

  #complete(state: AssignmentState<T>, delivery: Delivery, index: number): void {
    state.complete(delivery, index);
    this.#hooks.progressed(state);
  }

  /** The message counts as handled, unless its assignment is no longer current. */
  complete(state: AssignmentState<T>, { delivery, index }: Entry): void {
    if (state.current) this.#complete(state, delivery, index);
  }
}
