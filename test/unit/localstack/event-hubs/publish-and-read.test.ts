import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { EARLIEST, bodies, rawConsumer, rawProducer, read, rejection } from "./raw-client.ts";

let emulator: EmulatedEventHubs;

beforeAll(async () => {
  emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 4, groups: ["billing"] } } });
});

afterAll(async () => {
  await emulator.close();
});

/** A hub of one test. */
async function hub(name: string, partitions = 2): Promise<string> {
  await emulator.createTopic(name, { partitions, groups: ["billing"] });
  return name;
}

describe("the raw SDK", () => {
  test("reads the properties of a hub and of its partitions", async () => {
    await using producer = rawProducer(emulator, await hub("properties"));
    const { name, partitionIds, createdOn, isGeoDrEnabled } = await producer.getEventHubProperties();
    expect({ name, partitionIds, isGeoDrEnabled }).toEqual({ name: "properties", partitionIds: ["0", "1"], isGeoDrEnabled: false });
    expect(Math.abs(createdOn.getTime() - Date.now())).toBeLessThan(60_000);
    const empty = { eventHubName: "properties", partitionId: "1", beginningSequenceNumber: 0, isEmpty: true };
    expect(await producer.getPartitionProperties("1")).toMatchObject({
      ...empty,
      lastEnqueuedSequenceNumber: -1,
      lastEnqueuedOffset: "-1",
    });
    await producer.sendBatch([{ body: Buffer.from("a") }, { body: Buffer.from("b") }], { partitionId: "1" });
    const filled = await producer.getPartitionProperties("1");
    expect(filled).toMatchObject({ beginningSequenceNumber: 0, lastEnqueuedSequenceNumber: 1, isEmpty: false });
    expect(Math.abs(filled.lastEnqueuedOnUtc.getTime() - Date.now())).toBeLessThan(60_000);
    expect((await rejection(producer.getPartitionProperties("2"))).code).toBe("ArgumentOutOfRangeError");
  });

  test("reads what it has published, in order, with everything that belongs to an event", async () => {
    const name = await hub("everything");
    await using producer = rawProducer(emulator, name);
    const batch = await producer.createBatch({ partitionId: "0" });
    expect(batch.maxSizeInBytes).toBe(1_048_576);
    for (let count = 0; count < 250; count += 1) batch.tryAdd({ body: Buffer.from(`event ${count}`) });
    const properties = { text: "x", count: 3, large: 2 ** 40, half: 0.5, yes: true, nothing: null, when: new Date(5_000) };
    await producer.sendBatch(batch);
    await producer.sendBatch([{ body: Buffer.alloc(70_000, 7), properties, messageId: "id", correlationId: "c", contentType: "text/x" }], {
      partitionId: "0",
    });
    await using subscription = read(emulator, name, "0", EARLIEST, { group: "billing" });
    const events = await subscription.received(251);
    expect(bodies(events.slice(0, 250))).toEqual(Array.from({ length: 250 }, (_, count) => `event ${count}`));
    expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual(events.map((_, index) => index));
    expect(new Set(events.map(({ offset }) => offset)).size).toBe(251);
    const last = events.at(-1)!;
    expect(last).toMatchObject({ body: Buffer.alloc(70_000, 7), messageId: "id", correlationId: "c", contentType: "text/x" });
    expect(last.properties).toEqual({ ...properties, when: 5_000 });
    expect(last.partitionKey).toBeUndefined();
    expect(Math.abs(last.enqueuedTimeUtc.getTime() - Date.now())).toBeLessThan(60_000);
  });

  test("keeps the events of a key in one partition, and spreads those without a key", async () => {
    const name = await hub("keys", 8);
    await using producer = rawProducer(emulator, name);
    for (const partitionKey of ["a", "b", "a", "ключ", "a"]) await producer.sendBatch([{ body: Buffer.from("x") }], { partitionKey });
    await using consumer = rawConsumer(emulator, name);
    const keys = await Promise.all(
      (await consumer.getPartitionIds()).map(async (partition) => {
        const { lastEnqueuedSequenceNumber } = await consumer.getPartitionProperties(partition);
        await using subscription = read(emulator, name, partition, EARLIEST);
        return (await subscription.received(lastEnqueuedSequenceNumber + 1)).map(({ partitionKey }) => partitionKey!);
      }),
    );
    expect(keys.flat().sort()).toEqual(["a", "a", "a", "b", "ключ"]);
    for (const key of ["a", "b", "ключ"]) expect(keys.filter((inPartition) => inPartition.includes(key))).toHaveLength(1);
    for (let count = 0; count < 8; count += 1) await producer.sendBatch([{ body: Buffer.from("y") }]);
    const ends = await Promise.all((await producer.getPartitionIds()).map(async (id) => producer.getPartitionProperties(id)));
    expect(ends.every(({ isEmpty }) => !isEmpty)).toBe(true);
  });

  test("keeps bodies that are values or sequences, and annotations of its own", async () => {
    const name = await hub("annotated");
    await using producer = rawProducer(emulator, name);
    const messages = [
      { bodyType: "value" as const, body: { nested: [1, "two"] } },
      { bodyType: "sequence" as const, body: [["a"], ["b", 1]] },
      { bodyType: "value" as const, body: null },
      { bodyType: "data" as const, body: Buffer.alloc(0), messageAnnotations: { "x-opt-partition-key": "key", "x-own": "kept" } },
    ];
    await producer.sendBatch(messages, { partitionId: "0" });
    await using subscription = read(emulator, name, "0", EARLIEST);
    const events = await subscription.received(4);
    expect(events.map((event) => event.getRawAmqpMessage().bodyType)).toEqual(["value", "sequence", "value", "data"]);
    expect(events.map(({ body }) => body as unknown)).toEqual([{ nested: [1, "two"] }, [["a"], ["b", 1]], null, Buffer.alloc(0)]);
    expect(events[3]).toMatchObject({ partitionKey: "key", systemProperties: { "x-own": "kept" } });
  });

  test("gets what is published while it waits, without giving credit again", async () => {
    const name = await hub("waiting");
    await using subscription = read(emulator, name, "1", EARLIEST, { maxWaitTimeInSeconds: 60 });
    await using producer = rawProducer(emulator, name);
    for (let count = 1; count <= 5; count += 1) {
      await producer.sendBatch([{ body: Buffer.from(String(count)) }], { partitionId: "1" });
      await subscription.received(count);
    }
    expect(bodies(subscription.events)).toEqual(["1", "2", "3", "4", "5"]);
    expect(subscription.errors).toEqual([]);
  });

  test("is told the end of the partition with each event", async () => {
    const name = await hub("metrics");
    await using producer = rawProducer(emulator, name);
    await producer.sendBatch([{ body: Buffer.from("a") }, { body: Buffer.from("b") }], { partitionId: "0" });
    await using consumer = rawConsumer(emulator, name);
    const told = Promise.withResolvers<unknown>();
    const subscription = consumer.subscribe(
      "0",
      {
        processEvents: async (_, { lastEnqueuedEventProperties }) => told.resolve({ ...lastEnqueuedEventProperties }),
        processError: async (error) => told.reject(error),
      },
      { startPosition: EARLIEST, maxBatchSize: 1, trackLastEnqueuedEventProperties: true },
    );
    expect(await told.promise).toMatchObject({
      sequenceNumber: 1,
      offset: expect.any(String),
      enqueuedOn: expect.any(Date),
      retrievedOn: expect.any(Date),
    });
    await subscription.close();
  });

  test("reads 6,000 events in order, more than fit in its session, while others read and write", { timeout: 30_000 }, async () => {
    const name = await hub("many");
    await using producer = rawProducer(emulator, name);
    const write = async (partitionId: string): Promise<void> => {
      for (let call = 0; call < 30; call += 1) {
        await producer.sendBatch(
          Array.from({ length: 100 }, (_, index) => ({ body: Buffer.from(String(call * 100 + index)) })),
          { partitionId },
        );
      }
    };
    const options = { maxBatchSize: 5_000, prefetchCount: 5_000 };
    await using first = read(emulator, name, "0", EARLIEST, options);
    await using second = read(emulator, name, "1", EARLIEST, options);
    await Promise.all([write("0"), write("1"), first.received(3_000), second.received(3_000)]);
    const numbers = Array.from({ length: 3_000 }, (_, index) => String(index));
    expect(bodies(first.events)).toEqual(numbers);
    expect(bodies(second.events)).toEqual(numbers);
  });
});

describe("the raw SDK is refused", () => {
  test("a hub, a group or a partition that does not exist", async () => {
    await using producer = rawProducer(emulator, "nowhere");
    expect((await rejection(producer.getEventHubProperties())).code).toBe("MessagingEntityNotFoundError");
    expect((await rejection(producer.sendBatch([{ body: "x" }]))).code).toBe("MessagingEntityNotFoundError");
    await using toNoPartition = rawProducer(emulator, "orders");
    expect((await rejection(toNoPartition.sendBatch([{ body: "x" }], { partitionId: "9" }))).code).toBe("ArgumentOutOfRangeError");
    await using subscription = read(emulator, "orders", "0", EARLIEST, { group: "nobody" });
    expect((await subscription.failed()).code).toBe("MessagingEntityNotFoundError");
  });

  test("a message over the limit of the link", async () => {
    await using producer = rawProducer(emulator, "orders");
    const error = await rejection(producer.sendBatch([{ body: Buffer.alloc(1_048_577) }], { partitionId: "0" }));
    expect(error).toMatchObject({ code: "MessageTooLargeError", message: expect.stringMatching(/exceeds the limit \(1048576 bytes\)/) });
    expect(await producer.getPartitionProperties("0")).toMatchObject({ isEmpty: true });
  });

  test("a disabled hub, until it is enabled again", async () => {
    const name = await hub("disabled");
    await using producer = rawProducer(emulator, name);
    emulator.setDisabled(name, true);
    expect((await rejection(producer.sendBatch([{ body: "x" }]))).code).toBe("MessagingEntityDisabledError");
    emulator.setDisabled(name, false);
    await producer.sendBatch([{ body: "x" }]);
  });

  test("a hub that is disabled in use: the links of readers end, and those of publishers store nothing", async () => {
    const name = await hub("disabled-in-use");
    await using producer = rawProducer(emulator, name);
    await producer.sendBatch([{ body: Buffer.from("before") }], { partitionId: "0" });
    await using subscription = read(emulator, name, "0", EARLIEST);
    await subscription.received(1);
    emulator.setDisabled(name, true);
    expect((await subscription.failed()).code).toBe("MessagingEntityDisabledError");
    expect((await rejection(producer.sendBatch([{ body: "x" }], { partitionId: "0" }))).code).toBe("MessagingEntityDisabledError");
    emulator.setDisabled(name, false);
    await producer.sendBatch([{ body: Buffer.from("behind") }], { partitionId: "0" });
    await using again = read(emulator, name, "0", EARLIEST);
    expect(bodies(await again.received(2))).toEqual(["before", "behind"]);
  });
});
