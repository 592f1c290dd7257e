import { clearImmediate, clearTimeout, setImmediate, setTimeout } from "node:timers";
import { type Decoded, type Decoding, decodeRecord, unreadableError } from "../codec/decode-record.ts";
import { UnreadableRecord } from "../codec/unreadable-record.ts";
import { channels } from "../diagnostics/channels.ts";
import { StreamError } from "../errors.ts";
import type { Message, ReceivedMessage } from "../message.ts";
import { isPromiseLike } from "../promise-like.ts";
import type { TopicContext } from "../topic-context.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";
import type { BatchHandler, MessageHandler } from "./consumer-types.ts";
import type { AttemptFailure, AttemptOutcome } from "./failure-actions.ts";
import { BatchCall, HandlerCall } from "./handler-call.ts";
import { sequenceOf } from "./key-lanes.ts";
import type { Delivery } from "./progress.ts";
import type { RecordContext, RecordHandler } from "./record-handler.ts";
import { RunningClock } from "./running-clock.ts";
import { traceHandler } from "./trace-handler.ts";
import { type Entry, Work } from "./work.ts";

/** The handler that the application gave to `run` or to `runBatches`, or one for records as they are. */
export type Handler<T> =
  | { readonly kind: "message"; readonly handle: MessageHandler<T> }
  | { readonly kind: "batch"; readonly handle: BatchHandler<T> }
  | { readonly kind: "records"; readonly handler: RecordHandler };

interface RunnerHooks<T> {
  /** An attempt at this work begins. */
  started(work: Work<T>): void;
  /** The attempt has this outcome. Called once for every `started`, perhaps before `run` returns, unless it is `overdue`. */
  concluded(work: Work<T>, outcome: AttemptOutcome): void;
  /** The handler has not settled in twice its time: there is no outcome. */
  overdue(work: Work<T>, error: StreamError): void;
  /** The handler was `overdue`, and has settled now. */
  settledLate(work: Work<T>): void;
}

interface Attempt<T> {
  readonly work: Work<T>;
  readonly call: HandlerCall;
  /** By the running clock; `null`: there is no time-out. */
  readonly startedAtMs: number | null;
  timer: NodeJS.Timeout | null;
  /** Set when the time is over: the handler may still settle in one last turn of the event loop. */
  lastTurn: NodeJS.Immediate | null;
  abandoned: boolean;
}

const HANDLED: AttemptOutcome = { failure: null, failures: new Map() };

/** Makes one attempt at a piece of work: decodes, calls the handler, watches the time-out, reports the outcome. */
export class HandlerRunner<T> {
  readonly #context: TopicContext;
  readonly #decoding: Decoding<T>;
  readonly #options: ResolvedConsumerOptions;
  readonly #handler: Handler<T>;
  readonly #hooks: RunnerHooks<T>;
  /** Attempts with a timer. */
  readonly #timed = new Set<Attempt<T>>();
  /** For time-outs: time in which the process was stopped does not count. */
  readonly #clock: RunningClock | null;

  constructor(context: TopicContext, decoding: Decoding<T>, options: ResolvedConsumerOptions, handler: Handler<T>, hooks: RunnerHooks<T>) {
    this.#context = context;
    this.#decoding = decoding;
    this.#options = options;
    this.#handler = handler;
    this.#hooks = hooks;
    this.#clock = options.handlerTimeoutMs === undefined ? null : new RunningClock(options.handlerTimeoutMs);
  }

  /** `first`: the decoded message, or the promise of it, of work with one message. */
  run(work: Work<T>, first?: Decoded<T> | Promise<Decoded<T>>): void {
    this.#hooks.started(work);
    const { source, assignment } = work.state;
    const Call = this.#handler.kind === "batch" ? BatchCall<T> : HandlerCall;
    const attempt = this.#open(work, new Call(work.attempt, assignment.epoch));
    if (this.#handler.kind === "records") return this.#callWithRecords(attempt, this.#handler.handler);
    const decoded =
      first === undefined ? work.entries.map(({ record, key }) => decodeRecord(this.#decoding, source, record, key)) : [first];
    if (!decoded.some((one) => one instanceof Promise)) return this.#call(attempt, decoded as Decoded<T>[]);
    this.#startTimer(attempt);
    void Promise.all(decoded.map((one) => Promise.resolve(one))).then((all) => this.#call(attempt, all));
  }

  /** Nothing is decoded. A range that cannot be read is work of its own, which fails as it does with every handler. */
  #callWithRecords(attempt: Attempt<T>, handler: RecordHandler): void {
    const { work, call } = attempt;
    const { source, assignment } = work.state;
    const records = work.entries.map(({ record }) => record);
    if (records[0] instanceof UnreadableRecord) {
      const failure: AttemptFailure = { code: "corrupt", thrown: unreadableError(source, records[0]) };
      return this.#settle(attempt, new Map([[work.entries[0]!, failure]]), null);
    }
    const isCurrent = (): boolean => call.aborted === null && (assignment.isCurrent?.() ?? true);
    const context: RecordContext = {
      source,
      start: assignment.start,
      isCurrent,
      get signal() {
        return call.signal;
      },
    };
    this.#follow(attempt, handler.handle(records, context), new Map());
  }

  /** May `runInline` be used? Not where an attempt is timed or traced, and not for batches. */
  get canRunInline(): boolean {
    return this.#handler.kind === "message" && this.#clock === null && !channels.handle.hasSubscribers;
  }

  /**
   * The fast path for a first attempt: only the context of the handler is made for it. Answers whether the message is handled. If
   * not, the attempt has become work: the hooks get it as they do after `run`.
   */
  runInline(state: AssignmentState<T>, delivery: Delivery, index: number, message: ReceivedMessage<T>): boolean {
    const record = delivery.records[index]!;
    const call = new HandlerCall(record.deliveryAttempt ?? 1, state.assignment.epoch);
    let result: unknown;
    let failure: AttemptFailure | null = null;
    try {
      result = this.#invoke(call, message);
      if (!isPromiseLike(result)) return true;
    } catch (thrown) {
      failure = { code: "handler-failed", thrown };
    }
    const work = new Work(state, [{ delivery, index, record, key: message.key, failures: 0 }]);
    this.#hooks.started(work);
    if (failure !== null) this.#hooks.concluded(work, { failure, failures: new Map() });
    else this.#follow(this.#open(work, call), result as PromiseLike<unknown>, new Map());
    return false;
  }

  #open(work: Work<T>, call: HandlerCall): Attempt<T> {
    work.callStarted(call);
    return { work, call, startedAtMs: this.#clock?.now() ?? null, timer: null, lastTurn: null, abandoned: false };
  }

  #call(attempt: Attempt<T>, decoded: readonly Decoded<T>[]): void {
    if (attempt.abandoned || attempt.call.aborted !== null) return this.#settle(attempt, new Map(), null);
    const { messages, corrupt } = this.#decodedMessages(attempt.work, decoded);
    if (messages.length === 0) return this.#settle(attempt, corrupt, null);
    const { call } = attempt;
    if (call instanceof BatchCall) call.handOver(messages);
    let result: unknown;
    let isLater: boolean;
    try {
      const invoke = (): unknown => this.#invoke(call, messages[0]!);
      result = channels.handle.hasSubscribers ? traceHandler(this.#context, this.#options.group, messages, call.attempt, invoke) : invoke();
      isLater = isPromiseLike(result);
    } catch (thrown) {
      return this.#settle(attempt, corrupt, { code: "handler-failed", thrown });
    }
    if (isLater) this.#follow(attempt, result as PromiseLike<unknown>, corrupt);
    else this.#settle(attempt, corrupt, null);
  }

  /** Leaves out messages that cannot be decoded, and those of their sequences behind them. */
  #decodedMessages(
    work: Work<T>,
    decoded: readonly Decoded<T>[],
  ): { messages: readonly Message<T>[]; corrupt: Map<Entry, AttemptFailure> } {
    if (areMessages(decoded)) return { messages: decoded, corrupt: new Map() };
    const messages: Message<T>[] = [];
    const corrupt = new Map<Entry, AttemptFailure>();
    const blocked = new Set<string>();
    for (const [index, one] of decoded.entries()) {
      const entry = work.entries[index]!;
      const sequence = sequenceOf(this.#options.order, entry.key);
      if (sequence !== null && blocked.has(sequence)) continue;
      if (!(one instanceof StreamError)) {
        messages.push(one);
        continue;
      }
      corrupt.set(entry, { code: "corrupt", thrown: one });
      if (sequence !== null) blocked.add(sequence);
    }
    return { messages, corrupt };
  }

  /** The one place where the application's handler is called. A batch has its messages in its call. */
  #invoke(call: HandlerCall, message: Message<T>): unknown {
    const handler = this.#handler;
    if (handler.kind === "message") return handler.handle(message, call);
    const batch = call as BatchCall<T>;
    if (handler.kind === "batch") return handler.handle(batch.messages, batch);
    throw new TypeError("a handler of records gets no messages");
  }

  #follow(attempt: Attempt<T>, result: PromiseLike<unknown>, corrupt: Map<Entry, AttemptFailure>): void {
    if (attempt.timer === null) this.#startTimer(attempt);
    // A foreign thenable may call back twice, or throw: a promise around it does not.
    const promise = result instanceof Promise ? result : Promise.resolve(result);
    promise.then(
      () => this.#settle(attempt, corrupt, null),
      (thrown: unknown) => this.#settle(attempt, corrupt, { code: "handler-failed", thrown }),
    );
  }

  #startTimer(attempt: Attempt<T>): void {
    const timeoutMs = this.#options.handlerTimeoutMs;
    const clock = this.#clock;
    if (timeoutMs === undefined || clock === null) return;
    this.#timed.add(attempt);
    clock.watch(() => this.#timed.size > 0);
    this.#whenOver(attempt, clock, clock.now() + timeoutMs, () => {
      attempt.call.abort(this.#timeout(attempt, `the handler has not settled within handlerTimeoutMs (${timeoutMs} ms)`));
      this.#whenOver(attempt, clock, clock.now() + timeoutMs, () => {
        attempt.abandoned = true;
        this.#timed.delete(attempt);
        const error = this.#timeout(attempt, `the handler has not settled within twice handlerTimeoutMs (${timeoutMs} ms)`);
        this.#hooks.overdue(attempt.work, error);
      });
    });
  }

  /**
   * Calls back when the process has run until then, and the event loop has made one more turn: after the process was stopped, a
   * handler gets the time that it missed, and timers that were due meanwhile may still settle it.
   */
  #whenOver(attempt: Attempt<T>, clock: RunningClock, atMs: number, verdict: () => void): void {
    attempt.timer = setTimeout(
      () => {
        if (atMs - clock.now() >= 1) this.#whenOver(attempt, clock, atMs, verdict);
        else attempt.lastTurn = setImmediate(verdict);
      },
      Math.max(1, atMs - clock.now()),
    );
  }

  /** The attempts that still run are not waited for, nor are their time-outs: no timer may keep the process alive. */
  end(): void {
    for (const attempt of this.#timed) clearTimers(attempt);
    this.#timed.clear();
    this.#clock?.stop();
  }

  #timeout({ work }: Attempt<T>, text: string): StreamError {
    const { provider, topic, partition } = work.state.source;
    return new StreamError("timeout", text, { provider, topic, partition, operation: "consume" });
  }

  #settle(attempt: Attempt<T>, corrupt: Map<Entry, AttemptFailure>, failed: AttemptFailure | null): void {
    const { work, call } = attempt;
    if (attempt.abandoned) return this.#hooks.settledLate(work);
    if (attempt.timer !== null) {
      clearTimers(attempt);
      this.#timed.delete(attempt);
    }
    work.callOver();
    let failure = failed;
    let failures = corrupt;
    if (call instanceof BatchCall) {
      call.close();
      if (call.failures.size > 0) failures = new Map([...corrupt, ...this.#failedByHandler(work, corrupt, call)]);
    }
    const timeoutMs = this.#options.handlerTimeoutMs;
    // A handler that blocked the event loop is late as well, though no timer could fire. One that settled in its last turn is not.
    const isJudged = timeoutMs !== undefined && attempt.startedAtMs !== null && attempt.lastTurn === null;
    const late = isJudged && this.#clock!.now() - attempt.startedAtMs > timeoutMs;
    if (call.aborted?.code === "timeout") failure = { code: "timeout", thrown: failed?.thrown ?? call.aborted };
    else if (late && corrupt.size < work.entries.length) {
      const error = this.#timeout(attempt, `the handler has blocked the event loop for longer than handlerTimeoutMs (${timeoutMs} ms)`);
      failure = { code: "timeout", thrown: failed?.thrown ?? error };
    }
    this.#hooks.concluded(work, failure === null && failures.size === 0 ? HANDLED : { failure, failures });
  }

  #failedByHandler(work: Work<T>, corrupt: ReadonlyMap<Entry, AttemptFailure>, call: BatchCall<T>): [Entry, AttemptFailure][] {
    const blocked = new Set<string>();
    const handed = work.entries.filter((entry) => {
      const sequence = sequenceOf(this.#options.order, entry.key);
      if (corrupt.has(entry) && sequence !== null) blocked.add(sequence);
      return !corrupt.has(entry) && (sequence === null || !blocked.has(sequence));
    });
    return [...call.failures].map(([index, thrown]) => [handed[index]!, { code: "handler-failed", thrown }]);
  }
}

function areMessages<T>(decoded: readonly Decoded<T>[]): decoded is readonly ReceivedMessage<T>[] {
  return !decoded.some((one) => one instanceof StreamError);
}

function clearTimers({ timer, lastTurn }: Attempt<unknown>): void {
  if (timer !== null) clearTimeout(timer);
  if (lastTurn !== null) clearImmediate(lastTurn);
}
