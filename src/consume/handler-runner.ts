import { clearImmediate, clearTimeout, setImmediate, setTimeout } from "node:timers";
import { type Decoded, type Decoding, decodeRecord } from "../codec/decode-record.ts";
import { type HandleEvent, channels } from "../diagnostics/channels.ts";
import { StreamError } from "../errors.ts";
import type { Message } from "../message.ts";
import { isPromiseLike } from "../promise-like.ts";
import type { TopicContext } from "../topic-context.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";
import type { BatchHandler, MessageHandler } from "./consumer-types.ts";
import type { AttemptFailure, AttemptOutcome } from "./failure-actions.ts";
import { BatchCall, HandlerCall } from "./handler-call.ts";
import { sequenceOf } from "./key-lanes.ts";
import { RunningClock } from "./running-clock.ts";
import type { Entry, Work } from "./work.ts";

/** What the application gave to `run` or to `runBatches`. */
export type Handler<T> =
  | { readonly kind: "message"; readonly handle: MessageHandler<T> }
  | { readonly kind: "batch"; readonly handle: BatchHandler<T> };

interface RunnerHooks<T> {
  /** Once for every `run`, perhaps before it returns, unless it is `overdue`. */
  concluded(work: Work<T>, outcome: AttemptOutcome): void;
  /** The handler has not settled in twice its time: there is no outcome. */
  overdue(work: Work<T>, error: StreamError): void;
  /** It was `overdue`, and has settled after all. */
  settledLate(work: Work<T>): void;
}

interface Attempt<T> {
  readonly work: Work<T>;
  readonly call: HandlerCall;
  /** On the clock of the running process; `null`: there is no time-out. */
  readonly startedAtMs: number | null;
  timer: NodeJS.Timeout | null;
  /** The time is over, and the last turn in which the handler may settle has begun. */
  lastTurn: NodeJS.Immediate | null;
  abandoned: boolean;
}

const HANDLED: AttemptOutcome = { failure: null, failures: new Map() };

/** One attempt at a piece of work: decode, call the handler, keep the time-out, tell the outcome. */
export class HandlerRunner<T> {
  readonly #services: TopicContext;
  readonly #decoding: Decoding<T>;
  readonly #options: ResolvedConsumerOptions;
  readonly #handler: Handler<T>;
  readonly #hooks: RunnerHooks<T>;
  /** Those with a timer. */
  readonly #timed = new Set<Attempt<T>>();
  /** For time-outs: a handler is not to blame for the time in which its process was stopped. */
  readonly #clock: RunningClock | null;

  constructor(services: TopicContext, decoding: Decoding<T>, options: ResolvedConsumerOptions, handler: Handler<T>, hooks: RunnerHooks<T>) {
    this.#services = services;
    this.#decoding = decoding;
    this.#options = options;
    this.#handler = handler;
    this.#hooks = hooks;
    this.#clock = options.handlerTimeoutMs === undefined ? null : new RunningClock(options.handlerTimeoutMs);
  }

  /** `first`: the decoded message, or the promise of it, of work with one message. */
  run(work: Work<T>, first?: Decoded<T> | Promise<Decoded<T>>): void {
    const attempt = this.#open(work);
    const { source } = work.state;
    const decoded =
      first === undefined ? work.entries.map(({ record, key }) => decodeRecord(this.#decoding, source, record, key)) : [first];
    if (!decoded.some((one) => one instanceof Promise)) return this.#call(attempt, decoded as Decoded<T>[]);
    this.#startTimer(attempt);
    void Promise.all(decoded.map((one) => Promise.resolve(one))).then((all) => this.#call(attempt, all));
  }

  /** The handler of this message has been called and answered by a promise. */
  follow(work: Work<T>, call: HandlerCall, result: PromiseLike<unknown>): void {
    work.call = call;
    this.#follow({ work, call, startedAtMs: null, timer: null, lastTurn: null, abandoned: false }, result, new Map());
  }

  #open(work: Work<T>): Attempt<T> {
    const { epoch } = work.state.assignment;
    const call = this.#handler.kind === "batch" ? new BatchCall<T>(work.attempt, epoch) : new HandlerCall(work.attempt, epoch);
    work.call = call;
    return { work, call, startedAtMs: this.#clock?.now() ?? null, timer: null, lastTurn: null, abandoned: false };
  }

  #call(attempt: Attempt<T>, decoded: readonly Decoded<T>[]): void {
    if (attempt.abandoned || attempt.call.aborted !== null) return this.#settle(attempt, new Map(), null);
    const { messages, corrupt } = this.#handOver(attempt.work, decoded);
    if (messages.length === 0) return this.#settle(attempt, corrupt, null);
    let result: unknown;
    let isLater: boolean;
    try {
      result = this.#invoke(attempt.call, messages);
      isLater = isPromiseLike(result);
    } catch (thrown) {
      return this.#settle(attempt, corrupt, { code: "handler-failed", thrown });
    }
    if (isLater) this.#follow(attempt, result as PromiseLike<unknown>, corrupt);
    else this.#settle(attempt, corrupt, null);
  }

  /** Leaves out what cannot be decoded, and what has to come after it. */
  #handOver(work: Work<T>, decoded: readonly Decoded<T>[]): { messages: Message<T>[]; corrupt: Map<Entry, AttemptFailure> } {
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

  #invoke(call: HandlerCall, messages: Message<T>[]): unknown {
    const handler = this.#handler;
    if (call instanceof BatchCall) call.messages = messages;
    const invoke = (): unknown =>
      handler.kind === "message" ? handler.handle(messages[0]!, call) : handler.handle(messages, call as BatchCall<T>);
    return channels.handle.hasSubscribers ? this.#trace(messages, call, invoke) : invoke();
  }

  #trace(messages: readonly Message<T>[], call: HandlerCall, invoke: () => unknown): unknown {
    const first = messages[0]!;
    const { partition, timestamp, headers } = first;
    const { provider, topic } = this.#services;
    const event = {
      provider,
      topic,
      group: this.#options.group,
      partition,
      timestamp,
      messages: messages.length,
      attempt: call.attempt,
      headers,
      // To build it costs more than the rest of the event.
      get position() {
        return first.position;
      },
    };
    return traceHandler(event, invoke);
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

  /** When the process has run until then, and the handler has had one more turn for what was due with it: a process that was stopped finds both. */
  #whenOver(attempt: Attempt<T>, clock: RunningClock, atMs: number, verdict: () => void): void {
    attempt.timer = setTimeout(
      () => {
        if (atMs - clock.now() >= 1) this.#whenOver(attempt, clock, atMs, verdict);
        else attempt.lastTurn = setImmediate(verdict);
      },
      Math.max(1, atMs - clock.now()),
    );
  }

  /** Nobody waits for what still runs, nor for its time-out: no timer may keep the process alive. */
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
    work.call = null;
    let failure = failed;
    let failures = corrupt;
    if (call instanceof BatchCall) {
      call.close();
      if (call.failures.size > 0) failures = new Map([...corrupt, ...this.#failedByHandler(work, corrupt, call)]);
    }
    const timeoutMs = this.#options.handlerTimeoutMs;
    // A handler that blocked the event loop is late as well, though no timer could tell it. One that used its last turn is not.
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

function clearTimers({ timer, lastTurn }: Attempt<unknown>): void {
  if (timer !== null) clearTimeout(timer);
  if (lastTurn !== null) clearImmediate(lastTurn);
}

/** Calls the handler with the context of the tracing channel active, and tells its end; the outcome is handed through. */
function traceHandler(event: HandleEvent, call: () => unknown): unknown {
  const { start, end, asyncStart, asyncEnd, error } = channels.handle;
  const failed = (thrown: unknown): void => {
    event.error = thrown;
    error.publish(event);
  };
  return start.runStores(event, () => {
    try {
      const result = call();
      if (!isPromiseLike(result)) return result;
      return Promise.resolve(result)
        .catch((thrown: unknown) => {
          failed(thrown);
          throw thrown;
        })
        .finally(() => {
          asyncStart.publish(event);
          asyncEnd.publish(event);
        });
    } catch (thrown) {
      failed(thrown);
      throw thrown;
    } finally {
      end.publish(event);
    }
  });
}
