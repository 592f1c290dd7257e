import type { Limits } from "../capabilities.ts";
import type { ProducerDriver } from "../driver/producer-driver.ts";
import type { HeaderList } from "../driver/record.ts";
import type { StreamError } from "../errors.ts";
import type { TopicContext } from "../topic-context.ts";
import type { ActiveCall } from "./active-call.ts";
import { Admission } from "./admission.ts";
import { Deadlines } from "./deadlines.ts";
import { type CallAnswer, Dispatcher } from "./dispatcher.ts";
import { FlushSchedule } from "./flush-schedule.ts";
import { KeyFailures } from "./key-failures.ts";
import { type Lane, isolateCulprit } from "./lane.ts";
import { type KeyEntry, LaneRouter } from "./lane-router.ts";
import { LaneTable } from "./lane-table.ts";
import { type PendingMessage, UNENCODED_BYTES, bytesOf } from "./pending-message.ts";
import { Preparation } from "./preparation.ts";
import type { ResolvedProducerOptions } from "./producer-options.ts";
import { ProducerTimer, nowMs } from "./producer-timer.ts";
import { requireSendable } from "./require-sendable.ts";
import { RetrySchedule } from "./retry-schedule.ts";
import { LATE_CALL_MS, type SliceFollowUp, normalizeResults, settleSlice } from "./settle-slice.ts";
import { UnsettledMessages } from "./unsettled-messages.ts";

/**
 * From the slot of a message to its receipt: routing, admission, calls, results, retries and deadlines, for every call
 * shape. Everything here happens in synchronous steps; user code runs only behind promises.
 */
export class SendScheduler {
  readonly #context: TopicContext;
  readonly driver: ProducerDriver;
  readonly #lanes = new LaneTable();
  readonly #admission: Admission;
  readonly #dispatcher: Dispatcher;
  readonly #preparation: Preparation;
  readonly #timer = new ProducerTimer(() => this.#tick());
  readonly unsettled = new UnsettledMessages(
    () => this.#timer.keepAlive(true),
    () => this.#timer.keepAlive(false),
  );
  readonly failures: KeyFailures;
  readonly #router: LaneRouter;
  readonly #retries: RetrySchedule;
  readonly #deadlines: Deadlines;
  readonly #flushes: FlushSchedule;

  constructor(context: TopicContext, settings: ResolvedProducerOptions) {
    this.#context = context;
    this.driver = context.driver.producer(context.nativeTopic);
    this.#admission = new Admission(settings.maxBufferedBytes);
    this.failures = new KeyFailures(context, settings.onKeyFailure === "hold", (message) => this.#discard(message));
    this.#router = new LaneRouter(this.driver, this.#lanes);
    this.#retries = new RetrySchedule(context, settings.retry, this.#timer);
    this.#deadlines = new Deadlines(context, this.failures, settings.deliveryTimeoutMs, this.#timer);
    this.#dispatcher = new Dispatcher(
      this.driver,
      () => this.#lanes.unnamed(),
      (call, answer) => this.#onAnswer(call, answer),
    );
    this.#flushes = new FlushSchedule(settings.lingerMs, this.#timer, () => this.#dispatcher.flush());
    this.#preparation = new Preparation(this.driver, settings.retry, {
      needed: () => !this.#lanes.unrouted.isEmpty,
      toError: (error) => context.toError(error, "send"),
      prepared: () => this.#onPrepared(),
      failed: (error) => this.#onPrepareFailed(error),
      retrying: (error, delayMs) => {
        this.#lanes.unrouted.lastError = error;
        this.#retries.report(error, delayMs);
      },
    });
  }

  get limits(): Limits {
    return this.driver.limits;
  }

  get isPrepared(): boolean {
    return this.#preparation.done;
  }

  /** Nothing queued, nothing in flight, no lane remembered. */
  get isEmpty(): boolean {
    const { free, unrouted, size } = this.#lanes;
    return (
      size === 0 &&
      free.isEmpty &&
      unrouted.isEmpty &&
      this.#dispatcher.isIdle &&
      this.#admission.admittedBytes === 0 &&
      this.#admission.waitingBytes === 0
    );
  }

  get waitingBytes(): number {
    return this.#admission.waitingBytes;
  }

  /** @throws `throttled` when as many bytes as the bound are waiting for room already */
  requireRoom(): void {
    this.#admission.requireRoom(this.#context, this.isPrepared);
  }

  /**
   * Reserves the slot of a message, in the order of the calls. `key`: what is known of its key.
   * @throws what keeps it from being queued; then it was never there
   */
  reserve(message: PendingMessage, key: KeyEntry | null): void {
    this.failures.requireNotHeld(message.keyText);
    const lane = this.isPrepared ? this.#router.laneOf(message, key) : this.#lanes.unrouted;
    lane.push(message);
    message.flushScope.enter();
    this.#admission.wait(UNENCODED_BYTES);
    this.#deadlines.note(message.deadlineMs);
    if (lane === this.#lanes.unrouted) this.#preparation.ensure();
  }

  /** The message is complete, of `bytes` as the provider counts; it may have settled meanwhile. */
  encoded(message: PendingMessage, value: Uint8Array | null, headers: HeaderList, bytes: number): void {
    if (message.state === "settled") return;
    message.value = value;
    message.headers = headers;
    this.#admission.wait(bytes - UNENCODED_BYTES);
    message.bytes = bytes;
    message.state = "waiting";
    const lane = message.lane!;
    if (lane.kind === "unrouted") return;
    const error = this.#whyNotSendable(message);
    if (error === null) this.#advance(lane, false);
    else this.refuse(message, error);
  }

  /** A message that is queued turns out not to be sendable: it blocks nothing. */
  refuse(message: PendingMessage, error: StreamError): void {
    if (message.state === "settled") return;
    const lane = message.lane!;
    this.#discard(message);
    message.reject(error);
    this.#afterLoss(lane);
  }

  /**
   * The callers take these back: what has left, or may be stored, is of unknown outcome; the rest was never sent. No failure of
   * their keys: what is behind them goes on when the call has resolved.
   */
  giveUp(messages: Iterable<PendingMessage>, reason: unknown): void {
    const lanes = new Set<Lane>();
    for (const message of messages) {
      const lane = message.lane!;
      lanes.add(lane);
      const hasLeft = message.state === "sent" || message.maybeStored;
      if (message.state === "sent") lane.call?.giveUpOne();
      else this.#discard(message);
      if (hasLeft) message.reject(this.failures.unknown("was aborted after it had left", reason));
      else message.withdraw(reason);
    }
    for (const lane of lanes) this.#afterLoss(lane);
  }

  /** Resolves when `prepare` has; a terminal error of it ends the wait, what is worth a retry is retried. */
  prepare(signal: AbortSignal | undefined): Promise<void> {
    return this.#preparation.ready(signal);
  }

  /** Sends what is queued without waiting for more. */
  flushNow(): void {
    this.#flushes.now();
  }

  /** Fails everything that has not settled: sent ones as `outcome-unknown`, the others by `error`. */
  failAll(error: StreamError): void {
    for (const lane of this.#lanes.all()) {
      this.failures.failInOrder(lane, (message) =>
        message.state === "sent" || message.maybeStored ? this.failures.unknown("was cut short by close", error) : error,
      );
      this.#afterLoss(lane);
    }
  }

  stop(): void {
    this.#preparation.stop();
    this.#dispatcher.abortAll();
    this.#timer.clear();
    this.#flushes.stop();
  }

  #whyNotSendable(message: PendingMessage): StreamError | null {
    try {
      requireSendable(message, this.driver);
      return null;
    } catch (error) {
      return this.#context.toError(error, "send");
    }
  }

  /** Takes a message that is in no call out of the queue, before it settles. */
  #discard(message: PendingMessage): void {
    const lane = message.lane!;
    this.#admission.discard(message, lane);
    message.state = "settled";
    lane.noteSettled();
  }

  /** Messages that waited for the lanes go to them in the order of their calls. */
  #onPrepared(): void {
    const lanes = this.#router.routeAll((message, error) => {
      this.#admission.discard(message, this.#lanes.unrouted);
      message.reject(this.#context.toError(error, "send"));
    });
    for (const lane of lanes) this.#advance(lane, false);
  }

  #onPrepareFailed(error: StreamError): void {
    this.failures.failInOrder(this.#lanes.unrouted, () => error);
  }

  /** Admits, makes ready or retires a lane after anything about it has changed. */
  #advance(lane: Lane, atOnce: boolean): void {
    this.#admission.admit(lane);
    if (lane.isEmpty) {
      this.#lanes.retire(lane);
      this.#admission.forget(lane);
      this.#retries.forget(lane);
      return;
    }
    if (!lane.canSend) return;
    // Most messages join a lane that is on the list already: at the end of this turn it is looked at in any case.
    const isFull = !this.#flushes.lingers && lane.isReady ? false : this.#dispatcher.ready(lane);
    if (atOnce || isFull) this.#flushes.now();
    else this.#flushes.soon();
  }

  /** Messages have left the lane without a call: others may have room now. */
  #afterLoss(lane: Lane): void {
    if (lane.kind === "unrouted") {
      this.#preparation.abandonIfUnneeded();
      return;
    }
    if (lane.readyCount === 0) this.#dispatcher.forget(lane);
    this.#advance(lane, false);
    this.#admitWaiting();
  }

  #admitWaiting(): void {
    if (!this.#admission.isFull) return;
    for (const lane of this.#admission.admitWaiting()) if (lane.canSend) this.#advance(lane, true);
  }

  #onAnswer(call: ActiveCall, answer: CallAnswer): void {
    const isLate = nowMs() - call.startedAtMs > LATE_CALL_MS;
    const results = normalizeResults(call, answer, this.#context);
    call.lanes.forEach((lane, at) => {
      const records = lane.sent;
      const bytes = lane.sentBytes;
      lane.callResolved();
      const followUp = settleSlice(records, results[at]!, this.#context.provider, this.driver.identity);
      this.#afterResult(lane, records.length, followUp, isLate);
      this.#admission.release(bytes - bytesOf(followUp.toRetry));
    });
    for (const lane of call.lanes) this.#advance(lane, true);
    this.#admitWaiting();
    if (this.#dispatcher.hasReady) this.#flushes.now();
  }

  /** Puts back what has to go again, fails what has failed with what is behind it, and decides when the lane goes on. */
  #afterResult(lane: Lane, sentMessages: number, followUp: SliceFollowUp, isLate: boolean): void {
    const { toRetry, failures, retry } = followUp;
    lane.putBack(toRetry);
    if (isLate || retry !== null || lane.travelsAlone) this.#lanes.setTravelsAlone(lane, isLate || retry !== null);
    isolateCulprit(lane, sentMessages, followUp);
    if (failures.length > 0) {
      const named = failures.map((failure) => ({ ...failure, error: this.#context.toError(failure.error, "send") }));
      this.failures.failAnswered(lane, named);
    }
    if (retry === null) {
      lane.attempts = 0;
      return;
    }
    const error = this.#context.toError(retry.error, "send");
    lane.attempts += 1;
    lane.lastError = error;
    if (!lane.isEmpty) this.#retries.delay(lane, error, retry.retryAfterMs);
  }

  #tick(): void {
    const now = nowMs();
    for (const lane of this.#retries.due(now)) this.#advance(lane, true);
    for (const lane of this.#deadlines.expire(now, () => this.#lanes.all())) this.#afterLoss(lane);
    this.#flushes.tick(now);
  }
}
