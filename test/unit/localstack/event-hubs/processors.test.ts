import {
  EventHubBufferedProducerClient,
  EventHubConsumerClient,
  type Subscription,
  type SubscriptionEventHandlers,
} from "@azure/event-hubs";
import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { OfficialLayoutStore } from "./official-layout-store.ts";
import { EARLIEST, NO_RETRIES, bodies, rawProducer, read, until } from "./raw-client.ts";

let emulator: EmulatedEventHubs;

beforeEach(async () => {
  emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 4, groups: ["billing"] } }, blobsPerPage: 3 });
});

afterEach(async () => {
  await emulator.close();
});

function store(): OfficialLayoutStore {
  const url = new URL(emulator.checkpoints);
  const credential = new StorageSharedKeyCredential(decodeURIComponent(url.username), decodeURIComponent(url.password));
  return new OfficialLayoutStore(new ContainerClient(`${url.origin}${url.pathname}`, credential));
}

interface Processor {
  readonly handled: readonly string[];
  readonly owned: ReadonlySet<string>;
  readonly closed: readonly string[];
  close(): Promise<void>;
}

/** A processor of the SDK, with its own load balancing. */
function processor(): Processor {
  const handled: string[] = [];
  const owned = new Set<string>();
  const closed: string[] = [];
  const client = new EventHubConsumerClient("billing", emulator.connectionString, "orders", store(), {
    ...NO_RETRIES,
    loadBalancingOptions: { strategy: "greedy", updateIntervalInMs: 100, partitionOwnershipExpirationIntervalInMs: 2_000 },
  });
  const handlers: SubscriptionEventHandlers = {
    processInitialize: async ({ partitionId }) => void owned.add(partitionId),
    processClose: async (reason, { partitionId }) => {
      owned.delete(partitionId);
      closed.push(`${reason} ${partitionId}`);
    },
    processError: async () => undefined,
    processEvents: async (events, context) => {
      handled.push(...bodies(events));
      const last = events.at(-1);
      if (last !== undefined) await context.updateCheckpoint(last);
    },
  };
  const subscription: Subscription = client.subscribe(handlers, {
    startPosition: EARLIEST,
    maxWaitTimeInSeconds: 0.2,
    maxBatchSize: 50,
    skipParsingBodyAsJson: true,
  });
  return {
    handled,
    owned,
    closed,
    close: async () => {
      await subscription.close();
      await client.close();
    },
  };
}

async function publish(texts: readonly string[]): Promise<void> {
  await using producer = rawProducer(emulator, "orders");
  for (const [index, text] of texts.entries()) await producer.sendBatch([{ body: Buffer.from(text) }], { partitionId: String(index % 4) });
}

test("processors of the SDK share the partitions, take over, and resume at their checkpoints", { timeout: 60_000 }, async () => {
  const first = processor();
  await until(
    () => first.owned.size === 4,
    () => `all partitions; the first has ${first.owned.size}`,
  );
  await publish(["1", "2", "3", "4"]);
  await until(
    () => first.handled.length === 4,
    () => "four events",
  );
  const second = processor();
  await until(
    () => second.owned.size === 2 && first.owned.size === 2,
    () => `two each; there are ${first.owned.size} and ${second.owned.size}`,
  );
  expect(first.closed.every((text) => text.startsWith("OwnershipLost"))).toBe(true);
  await publish(["5", "6", "7", "8"]);
  await until(
    () => first.handled.length + second.handled.length === 8,
    () => "eight events",
  );
  await first.close();
  await publish(["9", "10", "11", "12"]);
  await until(
    () => second.owned.size === 4 && first.handled.length + second.handled.length >= 12,
    () => "all partitions and all events for the second",
  );
  await second.close();
  expect([...first.handled, ...second.handled].sort((left, right) => Number(left) - Number(right))).toEqual(
    Array.from({ length: 12 }, (_, index) => String(index + 1)),
  );
});

test("the buffered producer spreads keys as the emulator does", async () => {
  const failures: unknown[] = [];
  const buffered = new EventHubBufferedProducerClient(emulator.connectionString, "orders", {
    ...NO_RETRIES,
    maxWaitTimeInMs: 20,
    onSendEventsErrorHandler: ({ error }) => void failures.push(error),
  });
  const keys = Array.from({ length: 40 }, (_, index) => `key ${"ü".repeat(index % 7)} ${index}`);
  for (const partitionKey of keys) await buffered.enqueueEvent({ body: Buffer.from(partitionKey) }, { partitionKey });
  await buffered.close({ flush: true });
  expect(failures).toEqual([]);
  await using producer = rawProducer(emulator, "orders");
  for (const partitionKey of keys) await producer.sendBatch([{ body: Buffer.from(partitionKey) }], { partitionKey });
  const placed = await Promise.all(
    ["0", "1", "2", "3"].map(async (partition) => {
      const { lastEnqueuedSequenceNumber } = await producer.getPartitionProperties(partition);
      await using subscription = read(emulator, "orders", partition, EARLIEST);
      return bodies(await subscription.received(lastEnqueuedSequenceNumber + 1));
    }),
  );
  expect(placed.every((texts) => texts.length > 0)).toBe(true);
  // Once from either producer, in the same partition.
  for (const texts of placed) for (const text of texts) expect(texts.filter((other) => other === text)).toHaveLength(2);
});

test("an idempotent producer of the SDK stores each event once, although the answer is lost", async () => {
  const failures: unknown[] = [];
  const client = new EventHubBufferedProducerClient(emulator.connectionString, "orders", {
    enableIdempotentRetries: true,
    maxWaitTimeInMs: 10,
    retryOptions: { maxRetries: 4, retryDelayInMs: 10, timeoutInMs: 800 },
    onSendEventsErrorHandler: ({ error }) => void failures.push(error),
  });
  await client.enqueueEvents(
    ["1", "2"].map((text) => ({ body: Buffer.from(text) })),
    { partitionId: "1" },
  );
  await client.flush();
  emulator.inject({ kind: "fail-after-write", topic: "orders" });
  await client.enqueueEvents(
    ["3", "4"].map((text) => ({ body: Buffer.from(text) })),
    { partitionId: "1" },
  );
  await client.flush();
  await client.enqueueEvents(
    ["5"].map((text) => ({ body: Buffer.from(text) })),
    { partitionId: "1" },
  );
  await client.close({ flush: true });
  expect(failures).toEqual([]);
  await using subscription = read(emulator, "orders", "1", EARLIEST);
  expect(bodies(await subscription.received(5))).toEqual(["1", "2", "3", "4", "5"]);
});
