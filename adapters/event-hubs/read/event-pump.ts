import type { EventPosition, ReceivedEventData, Subscription } from "@azure/event-hubs";
import { ConnectionLost } from "../client/connection-watch.ts";
import { type BorrowedConsumer, closedInTime } from "../client/hub-clients.ts";
import { sendAtOnce } from "../client/send-at-once.ts";
import { isStuck } from "../errors.ts";

/** What one look at the pump has found. */
export type Pumped =
  | {
      readonly kind: "events";
      readonly events: readonly ReceivedEventData[];
      /** Of the last event of the partition when the newest one was sent; `null`: the service does not say, or was not asked. */
      readonly last: number | null;
    }
  /** The link is open, and nothing came for the whole idle time. */
  | { readonly kind: "nothing" };

export interface PumpRequest {
  readonly partition: string;
  readonly start: EventPosition;
  /** `null`: a reader beside others. */
  readonly ownerLevel: number | null;
  /** How long the link waits for events before it says that there are none. */
  readonly idleMs: number;
  /** How many events may be on their way or wait here. A quarter of them come at a time. */
  readonly most: number;
  /** Is it to be told where the partition ends? The service says it with each event, and reading that takes as long as reading the event. */
  readonly tellsEnd: boolean;
}

/**
 * So much credit the SDK may grant to a link before it is closed: all of it anew each time it waits in vain, which counts where `boundCredit` does not know
 * the version. https://github.com/Azure/azure-sdk-for-js/issues/39452
 */
const MOST_CREDIT = 5_000;
/** The SDK asks for more when less than one batch is left, and then waits 20 ms. */
const BATCHES = 4;

/**
 * One subscription of the SDK to one partition, which pushes, as something to ask. The SDK waits with the next batch until this one is taken. Its own
 * repetitions are not used: the first error ends the pump.
 */
export class EventPump implements AsyncDisposable {
  readonly #consumer: BorrowedConsumer;
  readonly #subscription: Subscription;
  readonly #endWatch: () => void;
  #pending: { readonly events: readonly ReceivedEventData[]; readonly last: number | null; readonly taken: () => void } | null = null;
  #failure: { readonly error: unknown } | null = null;
  #wake: () => void = () => undefined;
  #idleTurns = 0;
  readonly #mostIdleTurns: number;
  /** How many events may be on their way or wait here. */
  readonly width: number;
  /** How many events come at a time, if there are as many. */
  readonly batchSize: number;
  readonly #closing = Promise.withResolvers<void>();
  #isClosed = false;
  #wasOpen = false;

  constructor(consumer: BorrowedConsumer, { partition, start, ownerLevel, idleMs, most, tellsEnd }: PumpRequest) {
    this.#consumer = consumer;
    this.width = most;
    this.batchSize = Math.ceil(most / BATCHES);
    this.#mostIdleTurns = Math.max(1, Math.floor(MOST_CREDIT / most));
    this.#endWatch = consumer.watch.watch((lost) => this.#fail(lost));
    this.#subscription = consumer.client.subscribe(
      partition,
      {
        processEvents: async (events, { lastEnqueuedEventProperties }) =>
          this.#offer(events, lastEnqueuedEventProperties?.sequenceNumber ?? null),
        // Until it is closed, so that the SDK opens no other link meanwhile: it would forget to end the renewal of the first one's token.
        processError: (error) => {
          this.#fail(error);
          return this.#closing.promise;
        },
        processClose: async () => this.#fail(new Error("the link was disconnected")),
      },
      {
        startPosition: start,
        maxBatchSize: this.batchSize,
        prefetchCount: most,
        maxWaitTimeInSeconds: idleMs / 1_000,
        skipParsingBodyAsJson: true,
        trackLastEnqueuedEventProperties: tellsEnd,
        ...(ownerLevel === null ? {} : { ownerLevel }),
      },
    );
  }

  /** Has anything come of the link, be it that nothing came? */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** What the AMQP library has thrown, where it could not read what had come and has ended the connection; else `null`. */
  get unreadable(): Error | null {
    const error = this.#failure?.error;
    return error instanceof ConnectionLost ? error.unreadable : null;
  }

  /** Is the link due to be replaced, because of the credit that it has? */
  get isWorn(): boolean {
    return this.#idleTurns >= this.#mostIdleTurns;
  }

  #offer(events: readonly ReceivedEventData[], last: number | null): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    this.#wasOpen = true;
    sendAtOnce(this.#consumer.client, events.length < this.batchSize);
    if (events.length === 0) {
      this.#idleTurns += 1;
      this.#wake();
      return undefined;
    }
    return new Promise((taken) => {
      this.#pending = { events, last, taken };
      this.#wake();
    });
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    if (isStuck(error)) this.#consumer.retire();
    this.#failure ??= { error };
    this.#wake();
  }

  /** The next batch. What had come before an error comes before it. @throws what the SDK says · the signal's reason */
  async next(signal: AbortSignal): Promise<Pumped> {
    const turnsBefore = this.#idleTurns;
    const wake = (): void => this.#wake();
    signal.addEventListener("abort", wake, { once: true });
    try {
      for (;;) {
        signal.throwIfAborted();
        const found = this.#take();
        if (found !== null) return found;
        if (this.#failure !== null) throw this.#failure.error;
        if (this.#idleTurns > turnsBefore) return { kind: "nothing" };
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  #take(): Pumped | null {
    if (this.#pending === null) return null;
    const { events, last, taken } = this.#pending;
    this.#pending = null;
    taken();
    return { kind: "events", events, last };
  }

  /** Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closing.resolve();
    this.#pending?.taken();
    sendAtOnce(this.#consumer.client);
    this.#endWatch();
    // Until it is closed the SDK takes no other subscription to the partition from this client.
    const closed = this.#subscription.close().then(
      () => this.#consumer.giveBack(),
      () => this.#consumer.giveBack(),
    );
    await closedInTime(closed);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
