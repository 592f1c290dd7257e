import { abortable } from "../abortable.ts";
import { closeTimeoutMs } from "../call-options.ts";
import type { Decoding } from "../codec/decode-record.ts";
import type { ConsumerDriver, ConsumerSettings } from "../driver/consumer-driver.ts";
import { StreamError } from "../errors.ts";
import { ignoreRejection } from "../promise-like.ts";
import { retriedCall } from "../retried-call.ts";
import { callOn } from "../topic-call.ts";
import type { TopicContext } from "../topic-context.ts";
import { AssignmentSink } from "./assignment-sink.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";
import type { ConsumerStatus } from "./consumer-types.ts";
import { Deadline } from "./deadline.ts";
import { FailureActions } from "./failure-actions.ts";
import type { Handler } from "./handler-runner.ts";

/** How long storing progress and leaving may take when the handlers have used up the time to close. */
const GRACE_MS = 1_000;

/** One membership, from joining to leaving. `run`, `runBatches` and iteration share it. */
export class GroupMember<T> {
  readonly #context: TopicContext;
  readonly #options: ResolvedConsumerOptions;
  readonly #decoding: Decoding<T>;
  readonly #handler: Handler<T>;
  readonly #actions: FailureActions;
  /** Aborts only joining: a member that has joined is closed instead. */
  readonly #joining = new AbortController();
  /** Aborts calls of the provider that are still open when the member has left. */
  readonly #life = new AbortController();
  readonly #deadline = new Deadline();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #left = Promise.withResolvers<void>();
  #phase: "joining" | "running" | "draining" | "closed" = "joining";
  #failure: StreamError | null = null;
  #driver: ConsumerDriver | null = null;
  #sink: AssignmentSink<T> | null = null;
  #paused = false;

  constructor(context: TopicContext, decoding: Decoding<T>, plan: ResolvedConsumerOptions, handler: Handler<T>) {
    this.#context = context;
    this.#options = plan;
    this.#decoding = decoding;
    this.#handler = handler;
    this.#actions = new FailureActions(context, plan, this.#life.signal, (error) => this.#fail(error));
  }

  /** Called once. Resolves when the member has left; rejects with the error that made it leave. */
  async run(): Promise<void> {
    const untrack = this.#context.track({ stage: "consumer", close: (options) => this.close(options?.timeoutMs) });
    try {
      await this.#join();
    } catch (error) {
      // An abort by `close` is no failure, and of several failures the first is reported.
      if (this.#phase === "joining") this.#fail(error);
    }
    await this.#stopped.promise;
    try {
      await this.#leave();
    } finally {
      untrack();
      this.#phase = "closed";
      this.#left.resolve();
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Resolves when the member has left. Never rejects. */
  close(timeoutMs: number = closeTimeoutMs(undefined)): Promise<void> {
    this.#stop(timeoutMs);
    return this.#left.promise;
  }

  async #join(): Promise<void> {
    const { signal } = this.#joining;
    await abortable(this.#actions.prepare(), signal);
    const { group, nativeGroup, sessionTimeoutMs, maxBufferedBytes, skipMigrated: usesOrigin } = this.#options;
    const { driver, nativeTopic } = this.#context;
    // Programs and providers start in any order, so a member waits as long as it has to. Each retry is reported.
    const untilClosed = { ...callOn(this.#context, "consume", signal), retryForMs: Infinity };
    const initialPosition = await retriedCall(untilClosed, () =>
      this.#options.initialPosition.resolve(() => driver.identity(nativeTopic, signal)),
    );
    const settings = { group, nativeGroup, initialPosition, sessionTimeoutMs, maxBufferedBytes, usesOrigin };
    await retriedCall(untilClosed, () => this.#start(settings, signal));
    if (this.#phase === "joining") this.#phase = "running";
  }

  /** One attempt to join: a driver's member is started once. */
  async #start(settings: ConsumerSettings, signal: AbortSignal): Promise<void> {
    await ignoreRejection(this.#driver?.close() ?? Promise.resolve());
    signal.throwIfAborted();
    this.#driver = this.#context.driver.consumer(this.#context.nativeTopic, settings);
    this.#sink = new AssignmentSink(this.#context, this.#decoding, this.#options, this.#handler, this.#driver, this.#actions, {
      life: this.#life.signal,
      fail: (error) => this.#fail(error),
    });
    this.#sink.paused = this.#paused;
    await this.#driver.start(this.#sink, signal);
  }

  /** Of several errors the first counts: the others follow from it. */
  #fail(error: unknown): void {
    if (this.#phase !== "closed") this.#failure ??= this.#context.toError(error, "consume");
    this.#stop(closeTimeoutMs(undefined));
  }

  #stop(timeoutMs: number): void {
    if (this.#phase === "closed") return;
    this.#deadline.shorten(timeoutMs);
    if (this.#phase === "draining") return;
    const wasJoining = this.#phase === "joining";
    this.#phase = "draining";
    this.#sink?.stop();
    if (wasJoining) this.#joining.abort(new StreamError("closed", "the consumer was closed while it joined", { operation: "consume" }));
    this.#stopped.resolve();
  }

  async #leave(): Promise<void> {
    const { signal } = this.#deadline;
    const grace = new Deadline();
    const begin = (): void => grace.shorten(GRACE_MS);
    if (signal.aborted) begin();
    else signal.addEventListener("abort", begin, { once: true });
    await this.#sink?.drain(signal, grace.signal);
    // When the time is over, the group notices by the session's time-out, and the senders close with the connection.
    await ignoreRejection(abortable(this.#driver?.close() ?? Promise.resolve(), grace.signal));
    this.#life.abort(new StreamError("closed", "the consumer is closed", { operation: "consume" }));
    await ignoreRejection(abortable(this.#actions.close(), grace.signal));
    this.#deadline.clear();
    grace.clear();
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (this.#sink !== null) this.#sink.paused = paused;
  }

  get assigned(): readonly string[] {
    return this.#sink?.partitions ?? [];
  }

  get status(): ConsumerStatus {
    const figures = this.#sink?.figures() ?? { running: 0, buffered: 0, oldest: null, lastCommit: null };
    return { state: this.#state, ...figures };
  }

  get #state(): ConsumerStatus["state"] {
    if (this.#phase === "closed" && this.#failure !== null) return "failed";
    if (this.#phase === "draining" || this.#phase === "closed") return this.#phase;
    // That the driver's `start` has resolved is not enough: the group must have assigned the member its share.
    if (this.#sink?.isJoined !== true) return "joining";
    return this.#paused ? "paused" : "running";
  }
}
