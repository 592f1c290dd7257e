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
import type { Lane } from "./lane.ts";
import { type KeyEntry, LaneRouter } from "./lane-router.ts";
import { LaneTable } from "./lane-table.ts";
import { type PendingMessage, UNENCODED_BYTES, bytesOf } from "./pending-message.ts";
import { Preparation } from "./preparation.ts";
import type { ResolvedProducerOptions } from "./producer-options.ts";
import { ProducerTimer, nowMs } from "./producer-timer.ts";
import { requireSendable } from "./require-sendable.ts";
import { RetrySchedule } from "./retry-schedule.ts";
import { LATE_CALL_MS, type SliceFollowUp, isRefusedAsAWhole, normalizeResults, settleSlice } from "./settle-slice.ts";
import { UnsettledMessages } from "./unsettled-messages.ts";

/**
 * Takes a message from its slot to its receipt: routing, admission, calls, results, retries and deadlines, for every call
 * shape. All steps are synchronous; code of the application runs only behind promises.
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
        this.#lanes.unrouted.noteError(error);
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

  /** Nothing is queued or in flight. */
  get isEmpty(): boolean {
    return this.#lanes.areEmpty && this.#dispatcher.isIdle && this.#admission.admittedBytes === 0 && this.#admission.waitingBytes === 0;
  }

  get waitingBytes(): number {
    return this.#admission.waitingBytes;
  }

  /** @throws `throttled` when as many bytes as the bound are waiting for room already */
  requireRoom(): void {
    this.#admission.requireRoom(this.#context, this.isPrepared);
  }

  /**
   * Reserves the slot of a message, in the order of the calls.
   * @param key what is known of its key; `null`: nothing
   * @throws what keeps the message from being queued; then nothing is left of it
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

  /** The message is complete; `bytes` is its size as the provider counts it. It may have settled meanwhile. */
  encoded(message: PendingMessage, value: Uint8Array | null, headers: HeaderList, bytes: number): void {
    if (message.state === "settled") return;
    this.#admission.wait(bytes - UNENCODED_BYTES);
    message.encoded(value, headers, bytes);
    const lane = message.lane!;
    if (lane.kind === "unrouted") return;
    const error = this.#whyNotSendable(message);
    if (error === null) this.#advance(lane, false);
    else this.refuse(message, error);
  }

  /** A queued message cannot be sent: it fails and blocks nothing. */
  refuse(message: PendingMessage, error: StreamError): void {
    if (message.state === "settled") return;
    const lane = message.lane!;
    this.#discard(message);
    message.reject(error);
    this.#afterLoss(lane);
  }

  /**
   * The callers have aborted these messages. Those that were sent, or may be stored, have an unknown outcome; the others were never sent.
   * This is no failure of their keys: later messages are sent when the call has resolved.
   */
  giveUp(messages: Iterable<PendingMessage>, reason: unknown): void {
    const lanes = new Set<Lane>();
    for (const message of messages) {
      const lane = message.lane!;
      lanes.add(lane);
      const wasSent = message.state === "sent" || message.maybeStored;
      if (message.state === "sent") lane.call?.callerGaveUp();
      else this.#discard(message);
      if (wasSent) message.reject(this.failures.unknown("was aborted after it was sent", reason));
      else message.withdraw(reason);
    }
    for (const lane of lanes) this.#afterLoss(lane);
  }

  /** Resolves when the driver's `prepare` has. It is retried where that is worth it; a terminal error ends the wait. */
  prepare(signal: AbortSignal | undefined): Promise<void> {
    return this.#preparation.ready(signal);
  }

  /** Sends what is queued without waiting for more. */
  flushNow(): void {
    this.#flushes.now();
  }

  /** Fails everything that has not settled: as `outcome-unknown` what was sent or may be stored, with `error` the rest. */
  failAll(error: StreamError): void {
    for (const lane of this.#lanes.all()) {
      this.failures.failAll(lane, (message) =>
        message.state === "sent" || message.maybeStored ? this.failures.unknown("was given up by the close of the producer", error) : error,
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

  /** Removes a message that is in no call from its queue, before it settles. */
  #discard(message: PendingMessage): void {
    const lane = message.lane!;
    this.#admission.discard(message, lane);
    message.discarded();
    lane.noteSettled();
  }

  /** Messages that waited for `prepare` move to their lanes in the order of their calls. */
  #onPrepared(): void {
    const lanes = this.#router.routeAll((message, error) => {
      this.#admission.discard(message, this.#lanes.unrouted);
      message.reject(this.#context.toError(error, "send"));
    });
    for (const lane of lanes) this.#advance(lane, false);
  }

  #onPrepareFailed(error: StreamError): void {
    this.failures.failAll(this.#lanes.unrouted, () => error);
  }

  /** Admits messages of a lane, makes it ready or lets it rest, after anything about it has changed. */
  #advance(lane: Lane, atOnce: boolean): void {
    this.#admission.admit(lane);
    if (lane.isEmpty) {
      this.#lanes.rest(lane);
      this.#admission.forget(lane);
      this.#retries.forget(lane);
      return;
    }
    if (!lane.canSend) return;
    // Most messages join a lane that is on the ready list already: it is looked at in any case at the end of this turn.
    const isFull = !this.#flushes.lingers && lane.readyList !== null ? false : this.#dispatcher.ready(lane);
    if (atOnce || isFull) this.#flushes.now();
    else this.#flushes.soon();
  }

  /** Messages of the lane have settled without a call: others may have room now. */
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
    const isBlameless = isRefusedAsAWhole(results);
    call.lanes.forEach((lane, at) => {
      const records = lane.sent;
      const bytes = lane.sentBytes;
      lane.callResolved();
      const followUp = settleSlice(records, results[at]!, this.#context.provider, this.driver.identity);
      if (isBlameless) this.#searchAmongLanes(lane, followUp, call.lanes.length);
      else this.#afterResult(lane, records.length, followUp, isLate);
      this.#admission.release(bytes - bytesOf(followUp.toRetry));
    });
    for (const lane of call.lanes) this.#advance(lane, true);
    this.#admitWaiting();
    if (this.#dispatcher.hasReady) this.#flushes.now();
  }

  /** Puts back what has to be retried, fails what has failed and what it blocks, and decides when the lane sends next. */
  #afterResult(lane: Lane, sentMessages: number, followUp: SliceFollowUp, isLate: boolean): void {
    const { toRetry, failures, retry } = followUp;
    lane.putBack(toRetry);
    lane.isolateCulprit(sentMessages, followUp);
    // What is only throttled keeps nobody waiting: a throttled shard must not use up the calls of the others.
    const travelsAlone = isLate || (retry !== null && retry.error.code !== "throttled") || lane.isSplit;
    if (travelsAlone || lane.maxSharedLanes !== Infinity) this.#lanes.shareCallsOf(lane, travelsAlone ? 1 : Infinity);
    if (failures.length > 0) {
      const named = failures.map((failure) => ({ ...failure, error: this.#context.toError(failure.error, "send") }));
      this.failures.failAnswered(lane, named);
    }
    if (retry === null) {
      lane.noRetryNeeded();
      return;
    }
    const error = this.#context.toError(retry.error, "send");
    lane.retryNeeded(error);
    if (!lane.isEmpty) this.#retries.delay(lane, error, retry.retryAfterMs);
  }

  /**
   * The provider has refused a call of so many lanes because of one message, without a word about which one. Each lane is in calls of
   * half as many from now on, at last alone, until one of its calls is not refused. There is no back-off: nothing has to pass first.
   */
  #searchAmongLanes(lane: Lane, { toRetry, retry }: SliceFollowUp, lanes: number): void {
    lane.putBack(toRetry);
    this.#lanes.shareCallsOf(lane, Math.max(1, lanes >> 1));
    if (retry === null) return;
    const error = this.#context.toError(retry.error, "send");
    lane.noteError(error);
    this.#retries.report(error, 0);
  }

  #tick(): void {
    const now = nowMs();
    for (const lane of this.#retries.due(now)) this.#advance(lane, true);
    for (const lane of this.#deadlines.expire(now, () => this.#lanes.all())) this.#afterLoss(lane);
    this.#flushes.tick(now);
  }
}
