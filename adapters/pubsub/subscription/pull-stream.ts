import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { RetryBackoff } from "../../../src/adapter-kit/index.ts";
import { classify, isCode, pubsubError } from "../errors.ts";
import type { StoredRecord } from "../../../src/driver/index.ts";
import type { ReceivedMessage } from "../records.ts";
import type { PubSubService } from "../service.ts";
import type { AckCalls } from "./ack-calls.ts";
import { Arrivals } from "./arrivals.ts";
import { FIRST_LEASE_SECONDS, type Leases } from "./leases.ts";
import { Receipts } from "./receipts.ts";
import { Silence } from "./silence.ts";
import { type PullResponse, type StreamSettings, StreamingPull } from "./streaming-pull.ts";
import { settlingMs } from "./subscriptions.ts";

export interface PullSettings extends StreamSettings {
  readonly topic: string;
  /** It was made just now: that it is not found says nothing until it has settled. */
  readonly isFresh: boolean;
  readonly deadlineSeconds: number;
  /** On the monotonic clock: silence before says nothing, because a seek may not hold everywhere, or a dead member may hold messages. */
  readonly silenceFromMs: number;
  /** Called before each renewal of the stream. @throws what must end the pulling */
  readonly check: (signal: AbortSignal) => Promise<void>;
  /** A stream has ended with an error, and the next one is to be opened. */
  readonly interrupted?: () => void;
  /** The service has answered on a stream. */
  readonly answered?: () => void;
}

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
  readonly #arrivals = new Arrivals();
  readonly #silence: Silence;
  readonly #receipts: Receipts;
  /**
   * By which the service knows that the next stream has what was outstanding on this one. After a broken stream it is another one: messages
   * that were lost on their way count as outstanding, and later ones of their keys would come before them.
   */
  #clientId = randomUUID();
  #stream: StreamingPull | null = null;
  /** The last stream was left because its window was used up. */
  #wasUsedUp = false;
  /** Messages that will not be acknowledged. */
  #withheld = 0;

  constructor(service: PubSubService, settings: PullSettings, calls: AckCalls, leases: Leases) {
    this.#service = service;
    this.#settings = settings;
    this.#calls = calls;
    this.#leases = leases;
    this.#silence = new Silence(this.#arrivals, settings.silenceFromMs);
    leases.settled = () => this.#silence.heard();
    const { closing } = service.connection;
    this.#receipts = new Receipts(calls, leases, settings.deadlineSeconds, closing, (messages) => this.#arrivals.add(messages));
  }

  /**
   * Messages that are not outstanding yet. Resolves with none when the signal has aborted, or after silence: for so long a stream was open
   * on which nothing came, and all but what is withheld was acknowledged, so that nothing could wait for that. The service has answered once more then.
   * @param quietMs `null`: silence is no answer
   */
  async next(quietMs: number | null, signal: AbortSignal): Promise<readonly ReceivedMessage[]> {
    while (this.#arrivals.isEmpty && !signal.aborted) {
      const stream = this.#stream?.isOpen === true ? this.#stream : null;
      if (quietMs === null || stream === null || this.#leases.count > this.#withheld) {
        await this.#arrivals.whenWoken(null, signal);
        continue;
      }
      const leftMs = this.#silence.leftMs(quietMs);
      if (leftMs > 0) await this.#arrivals.whenWoken(leftMs, signal);
      else if (await this.#silence.isConfirmedBy(stream, signal)) break;
    }
    return this.#arrivals.take();
  }

  /** These stay leased and are not acknowledged. They must not use up the window, behind which others wait. */
  withhold(records: readonly StoredRecord[]): void {
    this.#withheld += records.length;
    this.#stream?.use(records.map(({ bytes }) => bytes));
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
        if (!isFirst && !this.#wasUsedUp) await this.#settings.check(signal);
        this.#wasUsedUp = false;
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
    const { connection, googleEmulator } = this.#service;
    const call = await connection.stream(this.#settings.subscription);
    const stream = new StreamingPull(call, this.#settings, googleEmulator, {
      answered: onSign,
      opened: () => this.#silence.heard(),
      signAnswered: () => {
        this.#silence.signAnswered();
        this.#arrivals.wake();
      },
      received: (response) => this.#received(response),
    });
    this.#stream = stream;
    let isComplete = false;
    try {
      await stream.run(this.#clientId, signal);
      isComplete = true;
    } catch (error) {
      isComplete = isEndOfService(error);
      throw error;
    } finally {
      this.#stream = null;
      this.#wasUsedUp = stream.isUsedUp;
      if (!isComplete) this.#broken();
      this.#silence.heard();
    }
  }

  /** Messages may have been lost on their way. They come again when their leases have run out. */
  #broken(): void {
    this.#clientId = randomUUID();
    this.#silence.saysNothingFor(this.#calls.isExactlyOnce ? LOST_EXACTLY_ONCE_MS : LOST_MS);
  }

  #received({ receivedMessages, subscriptionProperties }: PullResponse): void {
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
    if (this.#withheld > 0 && copies.length > 0) this.#stream?.use(copies);
    if (fresh.length > 0 && this.#calls.isExactlyOnce) this.#receipts.confirm(fresh);
    else if (fresh.length > 0) this.#arrivals.add(fresh);
    this.#silence.heard();
  }
}

/** Did the service itself end the stream? Then all that it has sent has come. What only the client says of a stream has no metadata. */
function isEndOfService(error: unknown): boolean {
  const { metadata } = (error ?? {}) as { readonly metadata?: { toJSON?(): object } };
  return Object.keys(metadata?.toJSON?.() ?? {}).length > 0;
}
