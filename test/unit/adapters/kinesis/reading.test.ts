import {
  MergeShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
  UpdateStreamModeCommand,
  UpdateStreamRecordDistributionStrategyCommand,
} from "@aws-sdk/client-kinesis";
import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { KinesisConnection } from "../../../../adapters/kinesis/client/kinesis-connection.ts";
import { ShardCursor } from "../../../../adapters/kinesis/read/shard-cursor.ts";
import { StreamDirectory } from "../../../../adapters/kinesis/streams/stream-directory.ts";
import type { Report } from "../../../../src/driver/index.ts";
import type { Gap } from "../../../../src/index.ts";
import { WAIT, keyed, keysOf, member, stored } from "../members.ts";
import { KinesisWorld } from "./kinesis-world.ts";

const SILENT: Report = Object.assign(() => undefined, { wants: () => false });
const { signal } = new AbortController();
const SHARD = (number: number): string => `shardId-${String(number).padStart(12, "0")}`;

test("a body that stalls ends the request in its time, and reading goes on from the same place", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const sender = await world.connect();
  await keyed(sender, "orders")
    .producer()
    .sendBatch([{ value: "a 0" }, { value: "b 0" }]);
  const { endpoint, region } = world.emulator;
  const connection = new KinesisConnection({ endpoint, region }, SILENT, 300);
  const directory = new StreamDirectory(connection, 1_000);
  const envelopeOf = () => "frame" as const;
  const service = {
    connection,
    directory,
    report: SILENT,
    knownTables: new Set<string>(),
    pollMs: 50,
    maxRequestBytes: 1_000_000,
    envelopeOf,
  };
  const cursor = new ShardCursor(service, {
    topic: "orders",
    partition: SHARD(0),
    place: { kind: "earliest" },
    emptyUntilMs: null,
    portionBytes: 1,
  });
  world.emulator.answerWith({ operation: "GetRecords", stallBodyMs: 60_000 });
  const startedMs = performance.now();
  const found: string[] = [];
  while (found.length < 2) {
    const fetched = await cursor.fetch(signal);
    if (fetched.kind === "records") found.push(...fetched.records.map(({ value }) => Buffer.from(value!).toString()));
  }
  expect(found.toSorted()).toEqual(["a 0", "b 0"]);
  expect(performance.now() - startedMs).toBeLessThan(40_000);
  await cursor.close();
  await connection.close();
});

test("stalled reads of sixty shards hold up no publishing and no lease", async () => {
  await using world = await KinesisWorld.start({ topics: { stalled: { partitions: 60 }, orders: { partitions: 2 } } });
  const connection = await world.connect();
  const consuming = member(connection, "orders");
  const producer = keyed(connection, "orders").producer();
  await producer.send({ value: "a 0" });
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  world.emulator.answerWith({ operation: "GetRecords", topic: "stalled", delayMs: 60_000, times: Infinity });
  const reader = keyed(connection, "stalled").reader({ until: "now" });
  const reading = (async () => {
    for await (const _ of reader) continue;
  })();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const startedMs = performance.now();
  for (let number = 1; number <= 5; number += 1) await producer.send({ value: `a ${number}` });
  await expect.poll(() => consuming.values.length, WAIT).toBe(6);
  expect(performance.now() - startedMs).toBeLessThan(40_000);
  expect(consuming.revoked).toEqual([]);
  world.emulator.clearFaults();
  await reader.close();
  await reading;
});

test.each([
  ["its children", [2]],
  ["its grandchildren, where its children are gone as well", [2, 4]],
])("a group that was down longer than retention learns of one gap in a shard that is gone, and goes on with %s", async (_, steps) => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  await producer.send({ value: "a 0" });
  const first = member(connection, "orders");
  await expect.poll(() => first.values, WAIT).toEqual(["a 0"]);
  await first.consumer.close();
  await producer.send({ value: "a 1" });
  for (const shards of steps) world.emulator.reshard("orders", shards);
  // The closed shards go with what they held.
  await world.emulator.expire("orders");
  await producer.sendBatch(["a 2", "b 2", "c 2"].map((value) => ({ value })));
  const refused = member(connection, "orders");
  await refused.running;
  expect(refused.failure).toMatchObject({ code: "position-out-of-range", partition: SHARD(0) });
  const gaps: Gap[] = [];
  const next = member(connection, "orders", { onGap: (gap: Gap) => void gaps.push(gap) });
  // Shards whose parents are gone too wait for nothing: the member that was refused may have handled some of theirs.
  await expect.poll(() => [...refused.values, ...next.values].toSorted(), WAIT).toEqual(["a 2", "b 2", "c 2"]);
  await expect.poll(() => gaps.map(({ partition }) => partition), WAIT).toEqual([SHARD(0)]);
  await next.consumer.close();
  const last = member(connection, "orders");
  await producer.send({ value: "a 3" });
  await expect.poll(() => last.values, WAIT).toEqual(["a 3"]);
});

test("a range until now, and a lag, follow empty answers with a falling lag to their end", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } }, emptyAnswers: 5 });
  const connection = await world.connect();
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  await expect(stored(connection, "orders")).resolves.toEqual(["a 0"]);
  const consuming = member(connection, "orders");
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  await consuming.consumer.close();
  expect([0, null]).toContain((await connection.admin.lag("orders", "workers")).timeMs);
});

test("a lineage of which a bookmark knows one shard is read parents first: merged, then split", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const keys = Array.from({ length: 12 }, (_, key) => `key-${key}`);
  const send = async (number: number): Promise<void> => void (await producer.sendBatch(keys.map((key) => ({ value: `${key} ${number}` }))));
  await send(0);
  const reader = keyed(connection, "orders").reader({ partitions: [SHARD(0)] });
  for await (const _ of reader) break;
  const bookmark = await reader.bookmark();
  const { kinesis } = world.raw;
  await kinesis.send(new MergeShardsCommand({ StreamName: "orders", ShardToMerge: SHARD(0), AdjacentShardToMerge: SHARD(1) }));
  await expect.poll(async () => (await connection.admin.describeTopic("orders")).partitions.length, WAIT).toBe(3);
  await send(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await kinesis.send(new SplitShardCommand({ StreamName: "orders", ShardToSplit: SHARD(2), NewStartingHashKey: String(2n ** 127n) }));
  await expect.poll(async () => (await connection.admin.describeTopic("orders")).partitions.length, WAIT).toBe(5);
  await send(2);
  const values: string[] = [];
  for await (const { value } of keyed(connection, "orders").reader({ from: { bookmark }, until: "now" })) values.push(value);
  expect(values).toHaveLength(35);
  for (const [key, numbers] of keysOf(values)) expect(numbers.join(), key).toMatch(/^(0,)?1,2$/);
});

test("a stream that ignores partition keys is refused, when it is opened and while it runs", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  const { StreamARN } = await describe(world);
  const { kinesis } = world.raw;
  await kinesis.send(new UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode: "ON_DEMAND" } }));
  await expect
    .poll(
      async () =>
        (await connection.topic("orders", { codec: { encode: () => new Uint8Array(), decode: () => null } }).capabilities())
          .partitionGrowth,
      WAIT,
    )
    .toBe(false);
  await expect
    .poll(
      async () =>
        kinesis.send(new UpdateStreamRecordDistributionStrategyCommand({ StreamARN, RecordDistributionStrategy: "AUTO" })).then(
          () => true,
          () => false,
        ),
      WAIT,
    )
    .toBe(true);
  const other = await world.connect();
  await expect(keyed(other, "orders").producer().send({ value: "a 0" })).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("AUTO") as string,
  });
  await expect(other.admin.updateTopic("orders", { partitions: 4 })).rejects.toMatchObject({
    code: "unsupported",
    capability: "partitionGrowth",
  });
});

async function describe(world: KinesisWorld): Promise<{ readonly StreamARN: string }> {
  const { DescribeStreamSummaryCommand } = await import("@aws-sdk/client-kinesis");
  const { StreamDescriptionSummary } = await world.raw.kinesis.send(new DescribeStreamSummaryCommand({ StreamName: "orders" }));
  return { StreamARN: StreamDescriptionSummary!.StreamARN! };
}

test("raw topics are what other clients write and read", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect({ envelope: { orders: "raw" } });
  const producer = keyed(connection, "orders").producer();
  await producer.send({ value: "a 0" });
  await world.raw.kinesis.send(
    new PutRecordsCommand({ StreamName: "orders", Records: [{ PartitionKey: "other", Data: Buffer.from("b 0") }] }),
  );
  await expect(stored(connection, "orders")).resolves.toEqual(["a 0", "b 0"]);
  await expect(producer.send({ value: "a 1", headers: { name: "value" } })).rejects.toMatchObject({
    code: expect.stringMatching(/unsupported|too-large/) as string,
  });
  await expect(producer.send({ value: "x", key: "k".repeat(257) })).rejects.toMatchObject({ code: "invalid-argument" });
  await producer.send({ value: "a 2" });
  await expect(stored(connection, "orders")).resolves.toEqual(["a 0", "b 0", "a 2"]);
});

test("a stream of another account is named by its ARN", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const { StreamARN } = await describe(world);
  const connection = await world.connect();
  await keyed(connection, StreamARN).producer().send({ value: "a 0" });
  await expect(stored(connection, StreamARN)).resolves.toEqual(["a 0"]);
  const consuming = member(connection, StreamARN);
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  await consuming.consumer.close();
  // The same log under both names.
  expect(await connection.admin.listGroups("orders")).toEqual(["workers"]);
  await expect(connection.admin.createTopic(StreamARN.replace("orders", "other"))).rejects.toMatchObject({ code: "invalid-argument" });
});
