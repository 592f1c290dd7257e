import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";
import { RetryBackoff } from "../../../src/adapter-kit/index.ts";
import { type PullCall, STREAM_LIFE_MS } from "../client/pubsub-connection.ts";
import { classify, isCode, pubsubError } from "../errors.ts";
import type { StoredRecord, StreamError } from "../../../src/driver/index.ts";
import type { ReceivedMessage } from "../records.ts";
import type { PubSubService } from "../service.ts";
import type { AckCalls } from "./ack-calls.ts";
import { FIRST_LEASE_SECONDS, type Leases } from "./leases.ts";
import { Receipts } from "./receipts.ts";
import { settlingMs } from "./subscriptions.ts";

/** What one stream may have outstanding. */
interface FlowControl {
  readonly messages: number;
  readonly bytes: number;
}

export interface PullSettings {
  readonly topic: string;
  /** Its complete name. */
  readonly subscription: string;
  /** It was made just now: that it is not found says nothing until it has settled. */
  readonly isFresh: boolean;
  readonly deadlineSeconds: number;
  readonly flow: FlowControl;
  /** On the monotonic clock: silence before says nothing, because a seek may not hold everywhere. */
  readonly silenceFromMs: number;
  /** Called before each renewal of the stream. @throws what must end the pulling */
  readonly check: (signal: AbortSignal) => Promise<void>;
  /** What ends the pulling where the service says of a stream that it does not keep the order of keys. @default nobody asks */
  readonly unordered?: StreamError | undefined;
  /** How long a stream is used. @default two thirds of its life */
  readonly renewalMs?: number | undefined;
  /** A stream has ended with an error, and the next one is to be opened. */
  readonly interrupted?: () => void;
  /** The service has answered on a stream. */
  readonly answered?: () => void;
}

interface Response {
  readonly receivedMessages?: readonly ReceivedMessage[] | null;
  readonly subscriptionProperties?: {
    readonly exactlyOnceDeliveryEnabled?: boolean | null;
    readonly messageOrderingEnabled?: boolean | null;
  } | null;
}

const KEEPALIVE_MS = 30_000;
/** A stream that is left may be so long without a message before it ends. */
const LAST_MESSAGES_MS = 2_000;
/** So long a stream may take to answer a sign of life, or to end before the next one is opened. */
const ANSWER_MS = 15_000;
/** A time that is measured in such steps is not over because this process was busy. */
const STEP_MS = 1_000;
/** A stream is replaced before its time is over: with it what is on its way would be lost. */
const RENEWAL_MS = (STREAM_LIFE_MS * 2) / 3;
/** After a stream has broken: what was lost with it has come again by then. Exactly-once leases are longer at least. */
const LOST_MS = (FIRST_LEASE_SECONDS + 1) * 1_000;
const LOST_EXACTLY_ONCE_MS = 61_000;
/** These two end a member when they come twice in a row. */
const NOT_FOUND = 5;
const UNAUTHENTICATED = 16;

/**
 * Pulls one subscription by one stream at a time, and opens the next when one has ended: that is routine, and what is outstanding
 * stays so. Everything that is received is leased before anything else.
 */
export class PullStream {
  readonly #service: PubSubService;
  readonly #settings: PullSettings;
  readonly #leases: Leases;
  readonly #calls: AckCalls;
  /**
   * By which the service knows that the next stream has what was outstanding on this one. After a broken stream it is another one: messages
   * that were lost on their way count as outstanding, and later ones of their keys would come before them.
   */
  #clientId = randomUUID();
  #call: PullCall | null = null;
  /** Ends the stream that is open, and receives what is on its way. */
  #end: (() => void) | null = null;
  /** Why the stream that is open is being left for a new one; `null`: it is not. */
  #leavingFor: "window" | "time" | null = null;
  /** The service has answered on the stream that is open. */
  #isAnswered = false;
  /** Signs of life on it that are not answered. */
  #unanswered = 0;
  /** The service answers signs of life; old emulators do not. */
  #answersSigns = false;
  /** Messages that will not be acknowledged. */
  #withheld = 0;
  /** Of the window of the stream that is open, by such messages. */
  #used = { messages: 0, bytes: 0 };
  /** On the monotonic clock: the last time that something was heard of a message. */
  #silentSinceMs: number;
  /** Messages wait here in the order in which they came. */
  #arrived: ReceivedMessage[] = [];
  #wake: (() => void) | null = null;
  readonly #receipts: Receipts;

  constructor(service: PubSubService, settings: PullSettings, calls: AckCalls, leases: Leases) {
    this.#service = service;
    this.#settings = settings;
    this.#calls = calls;
    this.#leases = leases;
    this.#silentSinceMs = settings.silenceFromMs;
    leases.settled = () => this.#heard();
    const { closing } = service.connection;
    this.#receipts = new Receipts(calls, leases, settings.deadlineSeconds, closing, (messages) => this.#arrive(messages));
  }

  /**
   * Messages that are not outstanding yet. Resolves with none when the signal has aborted, or after silence: for so long a stream was open
   * on which nothing came, and all but what is withheld was acknowledged, so that nothing could wait for that. The service has answered once more then.
   * @param quietMs `null`: silence is no answer
   */
  async next(quietMs: number | null, signal: AbortSignal): Promise<readonly ReceivedMessage[]> {
    while (this.#arrived.length === 0 && !signal.aborted) {
      const isOpen = this.#isAnswered && this.#leavingFor === null;
      if (quietMs === null || !isOpen || this.#leases.count > this.#withheld) {
        await this.#whenWoken(null, signal);
        continue;
      }
      const leftMs = this.#silentSinceMs + quietMs - performance.now();
      if (leftMs > 0) await this.#whenWoken(leftMs, signal);
      else if (await this.#isSilent(signal)) break;
    }
    const arrived = this.#arrived;
    this.#arrived = [];
    return arrived;
  }

  /** This process may have been busy, so that what has come is not seen yet: what the service has sent is seen before its next answer. */
  async #isSilent(signal: AbortSignal): Promise<boolean> {
    // Nothing but time says there that nothing comes.
    if (this.#service.googleEmulator) return true;
    const call = this.#call;
    const sinceMs = this.#silentSinceMs;
    // The first answers may be those to earlier signs.
    for (let rounds = this.#unanswered + 1; rounds > 0; rounds -= 1) {
      const before = this.#unanswered;
      this.#signOfLife(call);
      for (let waitedMs = 0; this.#unanswered > before;) {
        if (waitedMs >= ANSWER_MS) return !this.#answersSigns;
        if (!(await this.#whenWoken(STEP_MS, signal))) waitedMs += STEP_MS;
        if (this.#call !== call || this.#leavingFor !== null || this.#silentSinceMs !== sinceMs || signal.aborted) return false;
      }
    }
    this.#unanswered = 0;
    return true;
  }

  #signOfLife(call: PullCall | null): void {
    this.#unanswered += 1;
    if (call?.writable === true) call.write({});
  }

  /** Silence begins again. */
  #heard(): void {
    this.#silentSinceMs = Math.max(this.#silentSinceMs, performance.now());
    this.#wake?.();
  }

  /** @returns whether something has happened within this time */
  async #whenWoken(withinMs: number | null, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = withinMs === null ? null : setTimeout(() => resolve(false), withinMs);
    const woken = (): void => resolve(true);
    this.#wake = woken;
    signal.addEventListener("abort", woken, { once: true });
    const wasWoken = await promise;
    signal.removeEventListener("abort", woken);
    if (timer !== null) clearTimeout(timer);
    this.#wake = null;
    return wasWoken;
  }

  /** These stay leased and are not acknowledged. They must not use up the window, behind which others wait. */
  withhold(records: readonly StoredRecord[]): void {
    this.#withheld += records.length;
    this.#use(records.map(({ bytes }) => bytes));
  }

  /** Half of the window is enough to go on, also with one of the largest messages. */
  #use(messages: readonly number[]): void {
    this.#used.messages += messages.length;
    for (const bytes of messages) this.#used.bytes += bytes;
    const { messages: most, bytes: mostBytes } = this.#settings.flow;
    if (this.#used.messages >= most / 2 || this.#used.bytes >= mostBytes / 4) this.#renew("window");
  }

  /** Ends the stream that is open, so that a new one with a new window takes its place. */
  #renew(what: "window" | "time"): void {
    if (this.#end === null || this.#leavingFor !== null) return;
    this.#leavingFor = what;
    this.#end();
  }

  /** Until the signal aborts. @throws a `StreamError` that nothing can be done about */
  async run(signal: AbortSignal): Promise<void> {
    const { report } = this.#service;
    const backoff = new RetryBackoff({ report, topic: this.#settings.topic, classify });
    let hasRefused = false;
    let settledAtMs = performance.now() + (this.#settings.isFresh ? settlingMs(this.#service) : 0);
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      try {
        // Windows are used up every few moments where messages are withheld: nothing has to be looked at then.
        if (!isFirst && this.#leavingFor !== "window") await this.#settings.check(signal);
        this.#leavingFor = null;
        await this.#oneStream(signal, () => {
          backoff.reset();
          hasRefused = false;
          settledAtMs = 0;
          this.#settings.answered?.();
        });
      } catch (error) {
        if (signal.aborted) return;
        this.#settings.interrupted?.();
        const isSettling = isCode(error, NOT_FOUND) && performance.now() < settledAtMs;
        if (isSettling || (isCode(error, NOT_FOUND, UNAUTHENTICATED) && !hasRefused)) {
          hasRefused = !isSettling;
          await backoff
            .failed("StreamingPull", pubsubError("unavailable", "the stream was refused, and is tried once more", { cause: error }), signal)
            .catch(() => undefined);
          continue;
        }
        try {
          await backoff.failed("StreamingPull", error, signal);
        } catch (final) {
          if (signal.aborted) return;
          throw final;
        }
      }
    }
  }

  /** Resolves when the service has ended it without an error. */
  async #oneStream(signal: AbortSignal, onSign: () => void): Promise<void> {
    const { subscription, flow } = this.#settings;
    const call = await this.#service.connection.stream(subscription);
    const ended = Promise.withResolvers<void>();
    let isAlive = true;
    let isComplete = false;
    let cancelling: NodeJS.Timeout | null = null;
    call.on("data", (response: Response) => {
      isAlive = true;
      cancelling?.refresh();
      onSign();
      const { unordered } = this.#settings;
      if (unordered !== undefined && response.subscriptionProperties?.messageOrderingEnabled === false) return ended.reject(unordered);
      this.#answered(response);
    });
    call.on("error", (error) => ended.reject(error));
    call.on("end", () => ended.resolve());
    call.on("close", () => ended.reject(pubsubError("unavailable", "the stream was closed before its end")));
    // What is on its way is still received: else it would be leased until its deadline.
    const end = (): void => {
      if (call.writable) call.end();
      if (cancelling !== null) clearTimeout(cancelling);
      cancelling = setTimeout(() => call.cancel(), signal.aborted ? LAST_MESSAGES_MS : ANSWER_MS);
    };
    const keepalive = setInterval(() => {
      if (this.#service.googleEmulator) return;
      // The connection is dead though nobody has said so.
      if (!isAlive) return call.cancel();
      isAlive = false;
      this.#signOfLife(call);
    }, KEEPALIVE_MS);
    const renewal = setTimeout(() => this.#renew("time"), this.#settings.renewalMs ?? RENEWAL_MS);
    try {
      if (signal.aborted) return;
      signal.addEventListener("abort", end, { once: true });
      call.write({
        subscription,
        streamAckDeadlineSeconds: FIRST_LEASE_SECONDS,
        clientId: this.#clientId,
        maxOutstandingMessages: flow.messages,
        maxOutstandingBytes: flow.bytes,
        protocolVersion: 1,
      });
      this.#call = call;
      this.#end = end;
      this.#unanswered = 0;
      this.#used = { messages: 0, bytes: 0 };
      // The first answer says that the stream is open.
      if (this.#service.googleEmulator) this.#opened();
      else this.#signOfLife(call);
      await ended.promise;
      isComplete = true;
    } catch (error) {
      isComplete = isEndOfService(error);
      throw error;
    } finally {
      this.#call = null;
      this.#end = null;
      this.#isAnswered = false;
      if (!isComplete) this.#broken();
      this.#heard();
      clearInterval(keepalive);
      clearTimeout(renewal);
      if (cancelling !== null) clearTimeout(cancelling);
      signal.removeEventListener("abort", end);
      call.cancel();
    }
  }

  /** Messages may have been lost on their way. They come again when their leases have run out. */
  #broken(): void {
    this.#clientId = randomUUID();
    const lostMs = this.#calls.isExactlyOnce ? LOST_EXACTLY_ONCE_MS : LOST_MS;
    this.#silentSinceMs = Math.max(this.#silentSinceMs, performance.now() + lostMs);
  }

  /** Silence counts from now on. */
  #opened(): void {
    this.#isAnswered = true;
    this.#heard();
  }

  #answered(response: Response): void {
    const wasAnswered = this.#isAnswered;
    if ((response.receivedMessages ?? []).length === 0) {
      this.#answersSigns = true;
      this.#unanswered = Math.max(0, this.#unanswered - 1);
      if (wasAnswered) this.#wake?.();
      else this.#opened();
      return;
    }
    this.#received(response);
    this.#opened();
  }

  #received({ receivedMessages, subscriptionProperties }: Response): void {
    if (subscriptionProperties !== undefined && subscriptionProperties !== null) {
      this.#calls.isExactlyOnce = subscriptionProperties.exactlyOnceDeliveryEnabled === true;
    }
    const fresh: ReceivedMessage[] = [];
    const copies: number[] = [];
    for (const received of receivedMessages ?? []) {
      if (this.#leases.add(received)) fresh.push(received);
      else copies.push(received.message.data?.length ?? 0);
    }
    // Copies of what is withheld use up the window as well.
    if (this.#withheld > 0 && copies.length > 0) this.#use(copies);
    if (fresh.length === 0) return;
    if (this.#calls.isExactlyOnce) this.#receipts.confirm(fresh);
    else this.#arrive(fresh);
  }

  #arrive(messages: readonly ReceivedMessage[]): void {
    for (const message of messages) this.#arrived.push(message);
    this.#wake?.();
  }
}

/** Did the service itself end the stream? Then all that it has sent has come. What only the client says of a stream has no metadata. */
function isEndOfService(error: unknown): boolean {
  const { metadata } = (error ?? {}) as { readonly metadata?: { toJSON?(): object } };
  return Object.keys(metadata?.toJSON?.() ?? {}).length > 0;
}
