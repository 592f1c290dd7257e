import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";
import { RetryBackoff } from "../../../src/adapter-kit/index.ts";
import type { PullCall } from "../client/pubsub-connection.ts";
import { classify, isCode, pubsubError } from "../errors.ts";
import type { ReceivedMessage } from "../records.ts";
import type { PubSubService } from "../service.ts";
import type { AckCalls } from "./ack-calls.ts";
import { FIRST_LEASE_SECONDS, type Leases } from "./leases.ts";
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
  /** Called before each renewal of the stream. @throws what must end the pulling */
  readonly check: (signal: AbortSignal) => Promise<void>;
  /** A stream has ended with an error, and the next one is to be opened. */
  readonly interrupted?: () => void;
  /** The service has answered on a stream. */
  readonly answered?: () => void;
}

interface Response {
  readonly receivedMessages?: readonly ReceivedMessage[] | null;
  readonly subscriptionProperties?: { readonly exactlyOnceDeliveryEnabled?: boolean | null } | null;
}

const KEEPALIVE_MS = 30_000;
/** So long the end of a stream may take. */
const LAST_MESSAGES_MS = 1_000;
/** So long a stream may take to answer a sign of life. */
const ANSWER_MS = 15_000;
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
  /** The service gives what is outstanding of a key to a stream with the same id. */
  readonly #clientId = randomUUID();
  #call: PullCall | null = null;
  #isRenewing = false;
  /** A new object with each sign of the service on the stream that is open; `null`: there was none yet. */
  #answer: object | null = null;
  /** Messages wait here in the order in which they came. */
  #arrived: ReceivedMessage[] = [];
  #wake: (() => void) | null = null;
  /** Receipts of an exactly-once subscription, one after the other. */
  #receipts: Promise<void> = Promise.resolve();

  constructor(service: PubSubService, settings: PullSettings, calls: AckCalls, leases: Leases) {
    this.#service = service;
    this.#settings = settings;
    this.#calls = calls;
    this.#leases = leases;
  }

  /**
   * Messages that are not outstanding yet. Resolves with none when the signal has aborted, or after silence: a stream that the service
   * has answered was silent for so long, and the service has answered once more then.
   * @param quietMs `null`: silence is no answer
   */
  async next(quietMs: number | null, signal: AbortSignal): Promise<readonly ReceivedMessage[]> {
    while (this.#arrived.length === 0 && !signal.aborted) {
      const answered = this.#answer;
      if (quietMs === null) await this.#whenWoken(null, signal);
      else if (answered === null) await this.#whenWoken(ANSWER_MS, signal);
      else if (await this.#wasQuiet(answered, quietMs, signal)) break;
    }
    const arrived = this.#arrived;
    this.#arrived = [];
    return arrived;
  }

  /** This process may have been busy, so that what has come is not seen yet: what the service has sent is seen before its next answer. */
  async #wasQuiet(answered: object, quietMs: number, signal: AbortSignal): Promise<boolean> {
    if (await this.#whenWoken(quietMs, signal)) return false;
    if (this.#call === null) return false;
    this.#answer = answered === this.#answer ? null : this.#answer;
    if (this.#call.writable) this.#call.write({});
    const deadlineMs = performance.now() + ANSWER_MS;
    while (this.#answer === null && this.#call !== null && this.#arrived.length === 0 && !signal.aborted) {
      const leftMs = deadlineMs - performance.now();
      // Old emulators do not answer.
      if (leftMs <= 0) return true;
      await this.#whenWoken(leftMs, signal);
    }
    return this.#answer !== null && this.#call !== null && this.#arrived.length === 0;
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

  /** Ends the stream that is open, so that a new one with a new window takes its place. */
  renew(): void {
    this.#isRenewing = true;
    this.#call?.cancel();
  }

  /** Until the signal aborts. @throws a `StreamError` that nothing can be done about */
  async run(signal: AbortSignal): Promise<void> {
    const { report } = this.#service;
    const backoff = new RetryBackoff({ report, topic: this.#settings.topic, classify });
    let hasRefused = false;
    let settledAtMs = performance.now() + (this.#settings.isFresh ? settlingMs(this.#service) : 0);
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      try {
        if (!isFirst && !this.#isRenewing) await this.#settings.check(signal);
        this.#isRenewing = false;
        await this.#oneStream(signal, () => {
          backoff.reset();
          hasRefused = false;
          settledAtMs = 0;
          this.#settings.answered?.();
        });
      } catch (error) {
        if (signal.aborted) return;
        if (this.#isRenewing) continue;
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
    let isAnswered = true;
    call.on("data", (response: Response) => {
      isAnswered = true;
      onSign();
      this.#received(response);
      this.#answer = response;
      this.#wake?.();
    });
    call.on("error", (error) => ended.reject(error));
    call.on("end", () => ended.resolve());
    call.on("close", () => ended.resolve());
    // What is on its way is still received, and given back: else it would be leased until its deadline.
    let cancelling: NodeJS.Timeout | null = null;
    const end = (): void => {
      call.end();
      cancelling = setTimeout(() => call.cancel(), LAST_MESSAGES_MS);
    };
    const keepalive = setInterval(() => {
      // The connection is dead though nobody has said so.
      if (!isAnswered) return call.cancel();
      isAnswered = false;
      if (call.writable) call.write({});
    }, KEEPALIVE_MS);
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
      // The first answer says that the stream is open.
      call.write({});
      this.#call = call;
      await ended.promise;
    } finally {
      this.#call = null;
      this.#answer = null;
      this.#wake?.();
      clearInterval(keepalive);
      if (cancelling !== null) clearTimeout(cancelling);
      signal.removeEventListener("abort", end);
      call.cancel();
    }
  }

  #received({ receivedMessages, subscriptionProperties }: Response): void {
    if (subscriptionProperties !== undefined && subscriptionProperties !== null) {
      this.#calls.isExactlyOnce = subscriptionProperties.exactlyOnceDeliveryEnabled === true;
    }
    const fresh = (receivedMessages ?? []).filter((received) => this.#leases.add(received));
    if (fresh.length === 0) return;
    if (this.#calls.isExactlyOnce) this.#receipts = this.#receipts.then(async () => this.#confirm(fresh));
    else this.#arrive(fresh);
  }

  #arrive(messages: readonly ReceivedMessage[]): void {
    for (const message of messages) this.#arrived.push(message);
    this.#wake?.();
  }

  /** Exactly-once: a message is this member's only if its lease could be extended; in the order of the stream. */
  async #confirm(messages: readonly ReceivedMessage[]): Promise<void> {
    const ackIds = messages.map(({ ackId }) => ackId);
    const { closing: signal } = this.#service.connection;
    const lost = await this.#calls.modify(ackIds, this.#settings.deadlineSeconds, signal).catch(() => new Set(ackIds));
    for (const { ackId, message } of messages) if (lost.has(ackId)) this.#leases.forget(message.messageId ?? "");
    this.#arrive(messages.filter(({ ackId }) => !lost.has(ackId)));
  }
}
