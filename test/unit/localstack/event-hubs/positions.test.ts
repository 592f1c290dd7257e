import { setTimeout as delay } from "node:timers/promises";
import type { EventPosition } from "@azure/event-hubs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { EARLIEST, bodies, rawConsumer, rawProducer, read } from "./raw-client.ts";

let emulator: EmulatedEventHubs;

/** Five events, of which 0 and 1, and 2 to 4, have the same time. */
beforeAll(async () => {
  emulator = await startEmulatedEventHubs({ topics: { log: { partitions: 1 }, empty: { partitions: 1 }, expired: { partitions: 1 } } });
  await write("log", "0", "1");
  await delay(5);
  await write("log", "2", "3", "4");
  await write("expired", "0", "1");
  await emulator.expire("expired");
});

afterAll(async () => {
  await emulator.close();
});

async function write(hub: string, ...texts: readonly string[]): Promise<void> {
  await using producer = rawProducer(emulator, hub);
  await producer.sendBatch(
    texts.map((text) => ({ body: Buffer.from(text) })),
    { partitionId: "0" },
  );
}

/** What comes from a position on, up to the last event. */
async function from(position: EventPosition): Promise<readonly string[]> {
  await using subscription = read(emulator, "log", "0", position);
  await subscription.received(1);
  while (bodies(subscription.events).at(-1) !== "4") await delay(5);
  return bodies(subscription.events);
}

describe("a reader begins", () => {
  test("at the oldest event", async () => {
    expect(await from(EARLIEST)).toEqual(["0", "1", "2", "3", "4"]);
  });

  test.each([
    [2, true, ["2", "3", "4"]],
    [2, false, ["3", "4"]],
    [-1, false, ["0", "1", "2", "3", "4"]],
  ])("at sequence number %d, inclusive: %s", async (sequenceNumber, isInclusive, expected) => {
    expect(await from({ sequenceNumber, isInclusive })).toEqual(expected);
  });

  test("at an offset, inclusive or not", async () => {
    await using all = read(emulator, "log", "0", EARLIEST);
    const offset = (await all.received(5))[3]!.offset;
    expect(await from({ offset, isInclusive: true })).toEqual(["3", "4"]);
    expect(await from({ offset })).toEqual(["4"]);
  });

  test("behind a time, to the millisecond", async () => {
    await using all = read(emulator, "log", "0", EARLIEST);
    const enqueuedMs = (await all.received(5))[2]!.enqueuedTimeUtc.getTime();
    expect(await from({ enqueuedOn: enqueuedMs - 1 })).toEqual(["2", "3", "4"]);
    await using behind = read(emulator, "log", "0", { enqueuedOn: enqueuedMs });
    await delay(100);
    expect(behind.events).toEqual([]);
  });

  test("at the end, whether that is named or not", async () => {
    const positions: readonly EventPosition[] = [{ offset: "@latest" }, { sequenceNumber: 4 }, { enqueuedOn: Date.now() + 60_000 }];
    for (const [index, position] of positions.entries()) {
      const hub = `end-${index}`;
      await emulator.createTopic(hub, { partitions: 1 });
      await write(hub, "0", "1", "2", "3", "4");
      await using subscription = read(emulator, hub, "0", position);
      await delay(150);
      await write(hub, "5");
      expect(bodies(await subscription.received(1))).toEqual(["5"]);
    }
  });

  test("at -1 of an empty partition", async () => {
    await using subscription = read(emulator, "empty", "0", { sequenceNumber: -1 });
    await delay(100);
    await write("empty", "0");
    expect(bodies(await subscription.received(1))).toEqual(["0"]);
  });
});

describe("a position beyond the end is refused, with both numbers", () => {
  test.each([
    ["log", { sequenceNumber: 5 }, "The supplied sequence number '5' is invalid. The last sequence number in the system is '4'"],
    [
      "log",
      { sequenceNumber: 5, isInclusive: true },
      "The supplied sequence number '5' is invalid. The last sequence number in the system is '4'",
    ],
    ["log", { offset: "99999" }, "The supplied offset '99999' is invalid. The last offset in the system is "],
    [
      "empty-for-ever",
      { sequenceNumber: 7 },
      "The supplied sequence number '7' is invalid. The last sequence number in the system is '-1'",
    ],
    ["empty-for-ever", { offset: "7" }, "The supplied offset '7' is invalid. The last offset in the system is '-1'"],
  ])("%s, %j", async (hub, position, text) => {
    if (hub === "empty-for-ever") await emulator.createTopic(hub, { partitions: 1 }).catch(() => undefined);
    await using subscription = read(emulator, hub, "0", position);
    expect(await subscription.failed()).toMatchObject({ code: "ArgumentError", retryable: false, message: expect.stringContaining(text) });
  });
});

describe("retention", () => {
  test("removes the events and leaves the numbers", async () => {
    await using own = rawConsumer(emulator, "expired");
    expect(await own.getPartitionProperties("0")).toMatchObject({
      beginningSequenceNumber: 2,
      lastEnqueuedSequenceNumber: 1,
      isEmpty: true,
    });
    await using subscription = read(emulator, "expired", "0", { sequenceNumber: 0, isInclusive: true });
    await write("expired", "2");
    const [event] = await subscription.received(1);
    expect(event).toMatchObject({ sequenceNumber: 2 });
    expect(await own.getPartitionProperties("0")).toMatchObject({
      beginningSequenceNumber: 2,
      lastEnqueuedSequenceNumber: 2,
      isEmpty: false,
    });
  });

  test("acts on its own once its time has passed", async () => {
    await emulator.createTopic("short", { partitions: 1, retentionMs: 40 });
    await write("short", "0");
    await delay(60);
    await using own = rawConsumer(emulator, "short");
    expect(await own.getPartitionProperties("0")).toMatchObject({
      beginningSequenceNumber: 1,
      lastEnqueuedSequenceNumber: 0,
      isEmpty: true,
    });
  });
});

test("compaction leaves the last event of each key, gaps in the numbers, and no tombstone", async () => {
  await emulator.createTopic("compacted", { partitions: 1 });
  await using producer = rawProducer(emulator, "compacted");
  const send = async (key: string | null, text: string | null): Promise<void> => {
    const messageAnnotations = key === null ? {} : { "x-opt-partition-key": key };
    const message = text === null ? { bodyType: "value" as const, body: null } : { bodyType: "data" as const, body: Buffer.from(text) };
    await producer.sendBatch([{ ...message, messageAnnotations }], { partitionId: "0" });
  };
  for (const [key, text] of [
    ["a", "1"],
    ["b", "2"],
    [null, "3"],
    ["a", "4"],
    ["b", null],
    ["c", "6"],
    ["c", "7"],
    ["d", null],
  ] as const)
    await send(key, text);
  await emulator.compact("compacted");
  await using own = rawConsumer(emulator, "compacted");
  expect(await own.getPartitionProperties("0")).toMatchObject({ beginningSequenceNumber: 0, lastEnqueuedSequenceNumber: 7 });
  const readFrom = async (position: EventPosition): Promise<readonly (readonly [number, string])[]> => {
    await using subscription = read(emulator, "compacted", "0", position);
    await subscription.received(2);
    await delay(50);
    return subscription.events.map(({ sequenceNumber, body }) => [sequenceNumber, (body as Buffer).toString()]);
  };
  expect(await readFrom(EARLIEST)).toEqual([
    [2, "3"],
    [3, "4"],
    [6, "7"],
  ]);
  expect(await readFrom({ sequenceNumber: 2 })).toEqual([
    [3, "4"],
    [6, "7"],
  ]);
  await using atTheEnd = read(emulator, "compacted", "0", { sequenceNumber: 7 });
  await delay(50);
  await send("e", "8");
  expect(bodies(await atTheEnd.received(1))).toEqual(["8"]);
});

test("the last event is damaged for so many reads, and those beside it never", async () => {
  await emulator.createTopic("damaged", { partitions: 1 });
  const damage = (partition: string, times?: number) => () => emulator.damage("damaged", partition, { times });
  for (const partition of ["0", "7"]) expect(damage(partition)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  expect(damage("0", 0)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  await write("damaged", "0", "1");
  damage("0", 1)();
  await write("damaged", "2");
  for (const expected of [true, Buffer.from("1")]) {
    await using subscription = read(emulator, "damaged", "0", EARLIEST);
    const events = await subscription.received(3);
    // No binary, in a section that holds nothing else.
    expect(events.map(({ body }) => body as unknown)).toEqual([Buffer.from("0"), expected, Buffer.from("2")]);
    expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2]);
  }
});

test("partitions are added live, and keep what there is", async () => {
  await emulator.createTopic("growing", { partitions: 1 });
  await write("growing", "0");
  await using own = rawConsumer(emulator, "growing");
  expect(await own.getPartitionIds()).toEqual(["0"]);
  emulator.addPartitions("growing", 2);
  expect(await own.getPartitionIds()).toEqual(["0", "1", "2"]);
  await using producer = rawProducer(emulator, "growing");
  await producer.sendBatch([{ body: Buffer.from("new") }], { partitionId: "2" });
  await using old = read(emulator, "growing", "0", EARLIEST);
  await using added = read(emulator, "growing", "2", EARLIEST);
  expect(bodies([...(await old.received(1)), ...(await added.received(1))])).toEqual(["0", "new"]);
});

test("a hub that was deleted is gone for its readers, and another one of its name begins anew", async () => {
  await emulator.createTopic("again", { partitions: 1 });
  await write("again", "0", "1", "2");
  await using own = rawConsumer(emulator, "again");
  const { createdOn } = await own.getEventHubProperties();
  await using reader = read(emulator, "again", "0", EARLIEST);
  await reader.received(3);
  await emulator.deleteTopic("again");
  expect((await reader.failed()).code).toBe("MessagingEntityNotFoundError");
  await delay(2);
  await emulator.createTopic("AGAIN", { partitions: 1 });
  expect((await own.getEventHubProperties()).createdOn.getTime()).toBeGreaterThan(createdOn.getTime());
  await using behind = read(emulator, "again", "0", { sequenceNumber: 2 });
  expect((await behind.failed()).code).toBe("ArgumentError");
  await expect(emulator.createTopic("again")).rejects.toMatchObject({ code: "already-exists" });
});

describe("a geo-replicated hub", () => {
  test("has offsets of another form, and refuses plain numbers in a way that the SDK does not know", async () => {
    await using replicated = await startEmulatedEventHubs({ topics: { log: { partitions: 1 } }, geoReplication: true });
    await using producer = rawProducer(replicated, "log");
    expect((await producer.getEventHubProperties()).isGeoDrEnabled).toBe(true);
    await producer.sendBatch(
      ["0", "1", "2"].map((text) => ({ body: Buffer.from(text) })),
      { partitionId: "0" },
    );
    await using all = read(replicated, "log", "0", EARLIEST);
    const events = await all.received(3);
    expect(events.every(({ offset }) => /^1:\d+$/.test(offset))).toBe(true);
    await using byOffset = read(replicated, "log", "0", { offset: events[1]!.offset });
    expect(bodies(await byOffset.received(1))).toEqual(["2"]);
    await using byNumber = read(replicated, "log", "0", { offset: "0" });
    const refused = await byNumber.failed();
    expect(refused).toMatchObject({ retryable: true, message: expect.stringMatching(/supplied offset '0' is invalid/) });
    expect(refused.code).toBeUndefined();
    await using bySequence = read(replicated, "log", "0", { sequenceNumber: 0 });
    expect(bodies(await bySequence.received(2))).toEqual(["1", "2"]);
  });
});

test.each([
  ["no hub name/", { partitions: 1 }],
  ["-hub", { partitions: 1 }],
  ["hub", { partitions: 1_025 }],
  ["hub", { partitions: 0 }],
  ["hub", { groups: ["a b"] }],
  ["hub", { groups: ["x".repeat(51)] }],
])("the hub %j with %j is refused", async (name, settings) => {
  await expect(emulator.createTopic(name, settings)).rejects.toMatchObject({ code: "invalid-argument" });
});
