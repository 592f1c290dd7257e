import { setTimeout as delay } from "node:timers/promises";
import {
  type EventHubClientOptions,
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  type ReceivedEventData,
  type SubscribeOptions,
} from "@azure/event-hubs";
import type { EmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";

/** The unmodified SDK on the emulator. It retries nothing, so that each answer of the emulator shows. */
export const NO_RETRIES: EventHubClientOptions = { retryOptions: { maxRetries: 0, timeoutInMs: 5_000 } };

export function rawProducer(emulator: EmulatedEventHubs, hub: string, options = NO_RETRIES): EventHubProducerClient & AsyncDisposable {
  return disposable(new EventHubProducerClient(emulator.connectionString, hub, options));
}

export function rawConsumer(
  emulator: EmulatedEventHubs,
  hub: string,
  group = "$Default",
  options = NO_RETRIES,
): EventHubConsumerClient & AsyncDisposable {
  return disposable(new EventHubConsumerClient(group, emulator.connectionString, hub, options));
}

function disposable<Client extends { close(): Promise<void> }>(client: Client): Client & AsyncDisposable {
  return Object.assign(client, { [Symbol.asyncDispose]: async () => client.close() });
}

export const EARLIEST: EventPosition = { offset: "-1" };

/** What a subscription to one partition has received. */
export interface Subscription extends AsyncDisposable {
  readonly events: readonly ReceivedEventData[];
  readonly errors: readonly (Error & { readonly code?: string })[];
  /** Resolves once so many events have come. */
  received(count: number): Promise<readonly ReceivedEventData[]>;
  /** Resolves with the first error. */
  failed(): Promise<Error & { readonly code?: string }>;
  close(): Promise<void>;
}

/** What to read, besides the options of the SDK. */
export interface Reading extends Omit<SubscribeOptions, "startPosition"> {
  readonly group?: string | undefined;
  readonly client?: EventHubClientOptions | undefined;
}

/** Reads one partition by a client of its own, because a client subscribes to a partition once only. */
export function read(
  emulator: EmulatedEventHubs,
  hub: string,
  partition: string,
  startPosition: EventPosition,
  reading: Reading = {},
): Subscription {
  const { group, client, ...options } = reading;
  const consumer = rawConsumer(emulator, hub, group, client);
  const events: ReceivedEventData[] = [];
  const errors: Error[] = [];
  const subscription = consumer.subscribe(
    partition,
    {
      processEvents: async (batch) => void events.push(...batch),
      processError: async (error) => void errors.push(error),
    },
    { startPosition, maxBatchSize: 100, maxWaitTimeInSeconds: 1, skipParsingBodyAsJson: true, ...options },
  );
  const close = async (): Promise<void> => {
    await subscription.close();
    await consumer.close();
  };
  return {
    events,
    errors,
    async received(count) {
      await until(
        () => events.length >= count,
        () => `${count} events; there are ${events.length}, and ${String(errors[0])}`,
      );
      return events;
    },
    async failed() {
      await until(
        () => errors.length > 0,
        () => "an error",
      );
      return errors[0]!;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const PATIENCE_MS = 10_000;

export async function until(condition: () => boolean, what: () => string): Promise<void> {
  const startedAt = performance.now();
  while (!condition()) {
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`waited in vain for ${what()}`);
    await delay(5);
  }
}

export function bodies(events: readonly ReceivedEventData[]): readonly string[] {
  return events.map(({ body }) => (body as Buffer).toString("utf8"));
}

/** The SDK wraps what it retried. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await promise;
  } catch (error) {
    return leafOf(error);
  }
  throw new Error("it did not reject");
}

function leafOf(error: unknown): Error & { readonly code?: string } {
  return error instanceof AggregateError ? leafOf(error.errors.at(-1)) : (error as Error);
}
