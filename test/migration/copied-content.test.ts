import { setTimeout as sleep } from "node:timers/promises";
import { GetRecordsCommand, GetShardIteratorCommand, ListShardsCommand, PutRecordCommand } from "@aws-sdk/client-kinesis";
import { type TestContext, test } from "vitest";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { openRecordSender } from "../../src/publish/open-record-sender.ts";
import { type CopyProgress, copy, verify } from "../../src/migration/index.ts";
import { openSide } from "../../src/migration/side.ts";
import { type Connection, bytes, connect } from "../../src/index.ts";
import { provenanceTrail } from "../../src/provenance.ts";
import { clientsOf } from "../unit/localstack/kinesis/clients.ts";
import { memoryCheckpoints } from "./memory-checkpoints.ts";
import { FORMS, contentOf, equalResult, keysOf, memorySide, messagesOf, produce, valuesByKey } from "./two-topics.ts";

async function emulatedKafka(
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  topics: readonly string[],
  partitions = 3,
): Promise<Connection> {
  const emulator = await startEmulatedKafka({ topics: Object.fromEntries(topics.map((topic) => [topic, { partitions }])) });
  onTestFinished(() => emulator[Symbol.asyncDispose]());
  const connection = await connect(emulator.url);
  onTestFinished(() => connection.close({ timeoutMs: 500 }));
  return connection;
}

test.for(FORMS)("M01 from one partition of memory like %s to one the order of everything and all bytes are kept", async (form, context) => {
  const { expect } = context;
  const source = await memorySide(context, form, "a", 1);
  const target = await memorySide(context, form, "b", 1);
  const producer = source.connection.topic("a", { codec: bytes() }).producer();
  const values = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte, 0, 0xff, byte ^ 0x55));
  // Where a lane is not a whole partition, messages of several keys that are sent together may be stored in any order.
  const keyOf = (index: number): string => (form === "kafka" || form === "event-hubs" ? `k${index % 7}` : "k");
  await producer.sendBatch(values.map((value, index) => ({ key: keyOf(index), value, headers: { index: String(index) } })));
  await producer.close();
  expect(await copy(source, target, { batchMessages: 50 })).toMatchObject({ copied: 256 });
  const [before, after] = [await messagesOf(source), await messagesOf(target)];
  expect(after.map(contentOf)).toEqual(before.map(contentOf));
  expect(after.map(({ value }) => Buffer.from(value!))).toEqual(values.map((value) => Buffer.from(value)));
});

test("M02 from Kafka to Kafka everything is exact: binary keys, nulls, repeated headers and their order, times, partitions of messages without a key", async (context) => {
  const { expect } = context;
  const connection = await emulatedKafka(context, ["a", "b"]);
  const side = await openSide({ connection, topic: "a" }, "test");
  const sender = openRecordSender(side.context, undefined);
  await sender.prepare();
  const value = Buffer.from("v");
  const now = Date.now();
  const records = [
    { key: Uint8Array.of(0xff, 0, 0x80), value, headers: [], timestampMs: now - 5_000, toPartition: undefined },
    { key: new Uint8Array(0), value: null, headers: [["h", null]], timestampMs: now - 1, toPartition: undefined },
    {
      key: null,
      value: new Uint8Array(0),
      headers: [
        ["x", Buffer.from("1")],
        ["a", Uint8Array.of(0xfe)],
        ["x", null],
        ["", Buffer.from("2")],
      ],
      timestampMs: now - 10,
      toPartition: "2",
    },
    { key: null, value, headers: [], timestampMs: now - 86_400_000, toPartition: "1" },
    {
      key: Buffer.from("k"),
      value,
      headers: [["streamport-source", Buffer.from("not provenance")]],
      timestampMs: now - 7,
      toPartition: undefined,
    },
  ] as const;
  await sender.sendRecords(records);
  await sender.close();
  expect(await copy({ connection, topic: "a" }, { connection, topic: "b" })).toEqual({ copied: 5, duplicates: 0, lag: 0 });
  const [before, after] = [await messagesOf({ connection, topic: "a" }), await messagesOf({ connection, topic: "b" })];
  const exact = (messages: typeof before): string[] =>
    messages.map((message) => JSON.stringify([message.partition, String(message.raw.timestamp), contentOf(message)])).toSorted();
  expect(exact(after)).toEqual(exact(before));
  for (const { raw } of after)
    expect(provenanceTrail(raw.headers)).toMatchObject({ copies: [{ source: side.id }], lastIndex: raw.headers.length - 1 });
});

test("M12 records of other programs, and frames that are damaged, pass unchanged from Kinesis", async (context) => {
  const { expect } = context;
  const emulator = await startEmulatedKinesis({ topics: { a: { partitions: 1 } } });
  context.onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  context.onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
  const source = { connection, topic: "a" };
  const target = { connection: await emulatedKafka(context, ["b"]), topic: "b" };
  using clients = clientsOf(emulator);
  const put = (PartitionKey: string, Data: Uint8Array) =>
    clients.kinesis.send(new PutRecordCommand({ StreamName: "a", PartitionKey, Data }));
  await produce(source, ["k"], 1);
  const { Shards = [] } = await clients.kinesis.send(new ListShardsCommand({ StreamName: "a" }));
  const { ShardIterator } = await clients.kinesis.send(
    new GetShardIteratorCommand({ StreamName: "a", ShardId: Shards[0]!.ShardId!, ShardIteratorType: "TRIM_HORIZON" }),
  );
  const { Records = [] } = await clients.kinesis.send(new GetRecordsCommand({ ShardIterator }));
  const damaged = Buffer.from(Records[0]!.Data!);
  damaged[damaged.length - 1]! ^= 1;
  const foreign = [Uint8Array.of(0xff, 0, 0xfe), damaged, damaged.subarray(0, 9), Buffer.from('{"n":1}')];
  for (const data of foreign) await put("k", data);
  await produce(source, ["k"], 1, 1);
  expect(await copy(source, target)).toMatchObject({ copied: 6, duplicates: 0 });
  const values = (await messagesOf(target)).map(({ key, value }) => [key, Buffer.from(value!).toString("hex")]);
  expect(values).toEqual([Buffer.from("k:0"), ...foreign, Buffer.from("k:1")].map((value) => ["k", Buffer.from(value).toString("hex")]));
  expect(await verify(source, target)).toEqual(equalResult(6));
});

test("M09 two copies in opposite directions, and a circle of copies, carry each message once", async (context) => {
  const { expect } = context;
  for (const circle of [
    [0, 1],
    [0, 1, 2],
  ]) {
    const sides = [
      await memorySide(context, "kafka", "a", 3),
      await memorySide(context, "kinesis", "b", 2),
      await memorySide(context, "memory", "c", 2),
    ].slice(0, circle.length);
    await produce(sides[0]!, ["k1", "k2"], 10);
    await produce(sides[1]!, ["k3", "k4"], 10);
    for (let round = 0; round < 3; round += 1) {
      for (const [index, from] of sides.entries()) await copy(from, sides[(index + 1) % sides.length]!);
    }
    const expected = ["k1", "k2", "k3", "k4"].map((key) => [key, Array.from({ length: 10 }, (_, index) => `${key}:${index}`)]);
    for (const side of sides) expect(valuesByKey(await messagesOf(side))).toEqual(Object.fromEntries(expected));
    const trails = (await messagesOf(sides.at(-1)!)).map(({ raw }) => provenanceTrail(raw.headers).copies.length);
    expect(Math.max(...trails)).toBe(circle.length - 1);
  }
});

test("messages without a key keep the order of their partition, in one partition of the target", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 3);
  const target = await memorySide(context, "kafka", "b", 2);
  await produce(source, [null], 90);
  const byPartition = async (side: typeof source, partitionOf: (message: Awaited<ReturnType<typeof messagesOf>>[number]) => string) => {
    const values: Record<string, string[]> = {};
    for (const message of await messagesOf(side)) (values[partitionOf(message)] ??= []).push(Buffer.from(message.value!).toString());
    return values;
  };
  await copy(source, target, { batchMessages: 7 });
  const copied = await byPartition(target, ({ raw }) => provenanceTrail(raw.headers).copies[0]!.partition);
  expect(copied).toEqual(await byPartition(source, ({ partition }) => partition));
  const places = new Map<string, Set<string>>();
  for (const { raw, partition } of await messagesOf(target)) {
    const from = provenanceTrail(raw.headers).copies[0]!.partition;
    places.set(from, (places.get(from) ?? new Set()).add(partition));
  }
  expect([...places.values()].every(({ size }) => size === 1)).toBe(true);
  expect(places.get("0")).toEqual(new Set(["0"]));
});

test("messages without a key keep their order where the service refuses single records for load", async (context) => {
  const { expect } = context;
  const emulator = await startEmulatedKinesis({ topics: { b: { partitions: 2 } } });
  context.onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  context.onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
  const source = await memorySide(context, "kafka", "a", 1);
  const target = { connection, topic: "b" };
  await produce(source, [null], 2_000);
  for (let after = 0; after < 4; after += 1) emulator.inject({ kind: "throttle", topic: "b", after });
  expect(await copy(source, target)).toMatchObject({ copied: 2_000, duplicates: 0 });
  const numbers = (await messagesOf(target)).map(({ value }) => Number(Buffer.from(value!).toString().split(":")[1]));
  expect(numbers).toEqual(Array.from({ length: 2_000 }, (_, number) => number));
  expect(await verify(source, target)).toEqual(equalResult(2_000));
});

test("what the target cannot take ends the copy before it, and nothing of its key passes it", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 1);
  const target = await memorySide(context, "event-hubs", "b", 2);
  const producer = source.connection.topic("a", { codec: bytes() }).producer();
  const send = (key: string, value: string, headers = {}) => producer.send({ key, value: Buffer.from(value), headers });
  await send("k", "k:0");
  await send("other", "other:0");
  await send("k", "k:1", { binary: "\udcff" });
  await send("k", "k:2");
  await producer.close();
  const checkpoints = memoryCheckpoints();
  const failed = copy(source, target, { checkpoints });
  await expect(failed).rejects.toMatchObject({
    code: "unsupported",
    capability: "exactHeaders",
    partition: "0",
    position: expect.any(String),
  });
  expect(valuesByKey(await messagesOf(target))).toEqual({ k: ["k:0"], other: ["other:0"] });
  await expect(copy(source, target, { checkpoints })).rejects.toMatchObject({ code: "unsupported" });
  expect((await messagesOf(target)).length).toBe(2);
});

test("M07 an empty topic is copied at once, the topic itself and wrong options are refused, a missing topic is named", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 2);
  const target = await memorySide(context, "kinesis", "b", 2);
  expect(await copy(source, target)).toEqual({ copied: 0, duplicates: 0, lag: 0 });
  await expect(copy(source, source)).rejects.toMatchObject({ code: "invalid-argument" });
  await expect(copy(source, target, { rate: 1 } as never)).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining("ratePerSecond"),
  });
  await expect(copy(source, target, { ratePerSecond: 0 })).rejects.toMatchObject({ code: "invalid-argument" });
  await expect(copy(source, { connection: target.connection, topic: "none" })).rejects.toMatchObject({ code: "not-found" });
  await expect(copy({ connection: source.connection, topic: "none" }, target)).rejects.toMatchObject({ code: "not-found" });
});

test("a continuous copy follows the source until it is told to end, within its rate, and says how far it is", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 2);
  const target = await memorySide(context, "memory", "b", 2);
  const keys = keysOf(4);
  await produce(source, keys, 25);
  const controller = new AbortController();
  const progress: CopyProgress[] = [];
  const started = performance.now();
  const copied = copy(source, target, {
    continuous: true,
    ratePerSecond: 200,
    signal: controller.signal,
    onProgress: (one) => progress.push(one),
  });
  await produce(source, keys, 50, 25);
  while ((await messagesOf(target)).length < 300) await sleep(50);
  // 300 messages, of which the first 20 of each partition need not wait.
  expect(performance.now() - started).toBeGreaterThan(1_200);
  controller.abort();
  expect(await copied).toEqual({ copied: 300, duplicates: 0, lag: 0 });
  expect(progress.at(-1)).toEqual({ copied: 300, duplicates: 0, returned: 0, lag: 0, partitions: [] });
  expect(progress[0]!.partitions.toSorted()).toEqual(["0", "1"]);
  expect(progress[0]!.copied).toBeLessThan(300);
  expect(valuesByKey(await messagesOf(target))).toEqual(valuesByKey(await messagesOf(source)));
});
