import { spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { GetItemCommand, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  PutRecordsCommand,
  UpdateMaxRecordSizeCommand,
  UpdateStreamModeCommand,
  UpdateStreamRecordDistributionStrategyCommand,
  type _Record,
} from "@aws-sdk/client-kinesis";
import { afterEach, expect, test, vi } from "vitest";
import { type Connection, bytes } from "../../../../src/index.ts";
import { WAIT, keyed, member, stored } from "../members.ts";
import { KinesisWorld } from "./kinesis-world.ts";

const MEBIBYTE = 1_048_576;
const SHARD = "shardId-000000000000";
const TABLE = "streamport.orders.workers";
/** Longer than a producer goes without a look at its stream. */
const LATER_MS = 31_000;

afterEach(() => void vi.restoreAllMocks());

/** The records of the first shard, as another client sees them. */
async function recordsOf({ raw: { kinesis } }: KinesisWorld): Promise<readonly _Record[]> {
  const start = { StreamName: "orders", ShardId: SHARD, ShardIteratorType: "TRIM_HORIZON" } as const;
  const { ShardIterator } = await kinesis.send(new GetShardIteratorCommand(start));
  return (await kinesis.send(new GetRecordsCommand({ ShardIterator }))).Records ?? [];
}

async function read(connection: Connection, name: string): Promise<void> {
  for await (const _ of keyed(connection, name).reader({ until: "now" })) continue;
}

test.concurrent("a stream that there is not is not found by anything, and gets no tables", async () => {
  await using world = await KinesisWorld.start();
  const connection = await world.connect();
  const notFound = { code: "not-found" };
  await expect(keyed(connection, "orders").producer().send({ value: "a 0" })).rejects.toMatchObject(notFound);
  await expect(read(connection, "orders")).rejects.toMatchObject(notFound);
  await expect(connection.admin.resetGroup("orders", "workers", "earliest")).rejects.toMatchObject(notFound);
  await expect(connection.admin.lag("orders", "workers")).rejects.toMatchObject(notFound);
  const consuming = member(connection, "orders");
  await consuming.running;
  expect(consuming.failure).toMatchObject(notFound);
  const { TableNames } = await world.raw.dynamo.send(new ListTablesCommand({}));
  expect(TableNames).toEqual([]);
});

test.concurrent("a stream that is being created is waited for", async ({ expect }) => {
  await using world = await KinesisWorld.start({ changeMs: 1_500 });
  await world.raw.kinesis.send(new CreateStreamCommand({ StreamName: "orders", ShardCount: 2 }));
  const connection = await world.connect();
  const consuming = member(connection, "orders", { initialPosition: "earliest" });
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  await expect.poll(() => consuming.failure ?? consuming.values, WAIT).toEqual(["a 0"]);
});

test.concurrent.each([
  ["KMSDisabledException", "configuration"],
  ["KMSInvalidStateException", "configuration"],
  ["KMSNotFoundException", "configuration"],
  ["KMSAccessDeniedException", "permission-denied"],
  ["KMSOptInRequired", "permission-denied"],
])("%s is told at once as %s: by a send, a reader and a group", async (error, code) => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  await producer.send({ value: "a 0" });
  world.emulator.answerWith({ operation: "PutRecords", error });
  await expect(producer.send({ value: "a 1" })).rejects.toMatchObject({ code });
  world.emulator.answerWith({ operation: "GetRecords", error });
  await expect(read(connection, "orders")).rejects.toMatchObject({ code });
  world.emulator.answerWith({ operation: "GetRecords", error });
  const consuming = member(connection, "orders");
  await consuming.running;
  expect(consuming.failure).toMatchObject({ code });
  // Once the key of the stream is in order, nothing is missing.
  await producer.send({ value: "a 2" });
  await expect(stored(connection, "orders")).resolves.toEqual(["a 0", "a 2"]);
});

test.concurrent("a key service that asks for fewer requests is waited for, in order", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  world.emulator.answerWith({ operation: "PutRecords", error: "KMSThrottlingException", times: 2 });
  await Promise.all([0, 1, 2, 3].map(async (number) => producer.send({ value: `a ${number}` })));
  world.emulator.answerWith({ operation: "GetRecords", error: "KMSThrottlingException", times: 2 });
  await expect(stored(connection, "orders")).resolves.toEqual(["a 0", "a 1", "a 2", "a 3"]);
});

test.concurrent("a message over the limit is refused before it is sent, and one that only this stream takes travels alone", async ({
  expect,
}) => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  const topic = connection.topic("orders", { codec: bytes() });
  const largest = MEBIBYTE - 1_024;
  const overhead = 1_024;
  const tooLarge = { code: "too-large" };
  const producer = topic.producer();
  const sent = [
    producer.send({ key: "a", value: new Uint8Array(largest + 1) }),
    producer.send({ key: "a", value: new Uint8Array(largest - overhead) }),
  ] as const;
  await expect(sent[0]).rejects.toMatchObject(tooLarge);
  await sent[1];
  const { StreamDescriptionSummary } = await world.raw.kinesis.send(new DescribeStreamSummaryCommand({ StreamName: "orders" }));
  const { StreamARN } = StreamDescriptionSummary!;
  await world.raw.kinesis.send(new UpdateMaxRecordSizeCommand({ StreamARN, MaxRecordSizeInKiB: 4_096 }));
  const other = await world.connect();
  await expect.poll(async () => (await other.admin.describeTopic("orders")).maxMessageBytes, WAIT).toBe(4 * MEBIBYTE - 1_024);
  const larger = other.topic("orders", { codec: bytes() }).producer();
  const sizes = [10, 3 * MEBIBYTE, 20];
  await Promise.all(sizes.map(async (size) => larger.send({ key: "a", value: new Uint8Array(size) })));
  await expect(larger.send({ key: "a", value: new Uint8Array(4 * MEBIBYTE) })).rejects.toMatchObject(tooLarge);
  const lengths: number[] = [];
  for await (const { value } of other.topic("orders", { codec: bytes() }).reader({ until: "now" })) lengths.push(value.length);
  expect(lengths).toEqual([largest - overhead, ...sizes]);
});

test.concurrent("keys of up to 1,024 bytes come back as they are, and longer ones are refused", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } } });
  const connection = await world.connect();
  const topic = connection.topic("orders", { codec: bytes() });
  const producer = topic.producer();
  const keys = ["k".repeat(256), "k".repeat(257), "k".repeat(1_024), "ß".repeat(256), "€".repeat(341)];
  for (const key of keys) await producer.send({ key, value: Buffer.from("value") });
  await expect(producer.send({ key: "k".repeat(1_025), value: Buffer.from("value") })).rejects.toMatchObject({
    code: "too-large",
    message: expect.stringMatching(/1,?024|1025/) as string,
  });
  const found: string[] = [];
  for await (const { key } of topic.reader({ until: "now" })) found.push(String(key));
  expect(found.toSorted()).toEqual(keys.toSorted());
});

/** Makes an on-demand stream ignore partition keys, or heed them again. */
async function distribute(world: KinesisWorld, strategy: "AUTO" | "USER_PARTITION_KEY"): Promise<void> {
  const { kinesis } = world.raw;
  const { StreamDescriptionSummary } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: "orders" }));
  const { StreamARN, StreamModeDetails } = StreamDescriptionSummary!;
  const change = async (send: () => Promise<unknown>): Promise<void> => {
    const attempt = async (): Promise<boolean> =>
      send().then(
        () => true,
        () => false,
      );
    await expect.poll(attempt, WAIT).toBe(true);
  };
  if (StreamModeDetails?.StreamMode !== "ON_DEMAND") {
    await change(() => kinesis.send(new UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode: "ON_DEMAND" } })));
  }
  await change(() => kinesis.send(new UpdateStreamRecordDistributionStrategyCommand({ StreamARN, RecordDistributionStrategy: strategy })));
}

test("a stream that begins to ignore partition keys is refused in mid-run, until it heeds them again", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 4 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  await producer.send({ value: "a 0" });
  await distribute(world, "AUTO");
  // The look is made beside the writing: what is stored until then may be in any shard.
  await producer.send({ value: "a 1" });
  const now = performance.now.bind(performance);
  let lateMs = LATER_MS;
  vi.spyOn(performance, "now").mockImplementation(() => now() + lateMs);
  let number = 1;
  const outcome = async (): Promise<string> => {
    number += 1;
    return producer.send({ value: `a ${number}` }).then(
      () => "stored",
      (error: { readonly code: string; readonly message: string }) => `${error.code} ${error.message.includes("AUTO")}`,
    );
  };
  await expect.poll(outcome, WAIT).toBe("conflict true");
  expect(await outcome()).toBe("conflict true");
  await distribute(world, "USER_PARTITION_KEY");
  lateMs += LATER_MS;
  await expect.poll(outcome, WAIT).toBe("stored");
});

test("a consumer that reads a frame under another key than its own hands it on, and says once that the stream may ignore keys", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  const { kinesis } = world.raw;
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  const [record] = await recordsOf(world);
  const moved = { PartitionKey: "any", Data: record!.Data! };
  await kinesis.send(new PutRecordsCommand({ StreamName: "orders", Records: [moved, moved] }));
  const warnings: string[] = [];
  const note = (event: unknown): void => void warnings.push((event as { readonly text: string }).text);
  subscribe("streamport:warning", note);
  try {
    const consumer = connection.topic("orders", { codec: bytes() }).consumer({ group: "workers", initialPosition: "earliest" });
    const values: string[] = [];
    const running = consumer.run(({ value }) => void values.push(Buffer.from(value).toString("hex")));
    const frame = Buffer.from(moved.Data).toString("hex");
    await expect.poll(() => values, WAIT).toEqual([Buffer.from("a 0").toString("hex"), frame, frame]);
    await consumer.close();
    await running;
  } finally {
    unsubscribe("streamport:warning", note);
  }
  expect(warnings.filter((text) => text.includes("AUTO"))).toHaveLength(1);
});

const MEMBER = fileURLToPath(new URL("member-process.ts", import.meta.url));

test("a member that stood still beyond its lease, and then would write its checkpoint, moves nothing back", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const frozen = spawn(process.execPath, [MEMBER, world.emulator.url], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  frozen.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const checkpoint = async (): Promise<string> => {
    const input = { TableName: TABLE, Key: { leaseKey: { S: SHARD } }, ConsistentRead: true };
    return (await world.raw.dynamo.send(new GetItemCommand(input))).Item!["checkpoint"]!.S!;
  };
  try {
    await producer.send({ value: "a 0" });
    await expect.poll(() => printed, WAIT).toContain("handled a 0");
    await expect.poll(checkpoint, WAIT).toBe((await recordsOf(world)).at(-1)!.SequenceNumber);
    await producer.send({ value: "a 1" });
    await expect.poll(() => printed, WAIT).toContain("begun a 1");
    frozen.kill("SIGSTOP");
    const next = member(connection, "orders", { sessionTimeoutMs: 3_000 });
    await expect.poll(() => next.values, WAIT).toEqual(["a 1"]);
    await Promise.all([2, 3, 4].map(async (number) => producer.send({ value: `a ${number}` })));
    await expect.poll(() => next.values, WAIT).toEqual(["a 1", "a 2", "a 3", "a 4"]);
    await expect.poll(checkpoint, WAIT).toBe((await recordsOf(world)).at(-1)!.SequenceNumber);
    const reached = BigInt(await checkpoint());
    frozen.kill("SIGCONT");
    // What it had begun ends now, and is nothing that it may store.
    await expect.poll(() => printed, WAIT).toContain("handled a 1");
    for (let look = 0; look < 40; look += 1) {
      expect(BigInt(await checkpoint())).toBeGreaterThanOrEqual(reached);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await producer.send({ value: "a 5" });
    await expect.poll(() => next.values.includes("a 5") || printed.includes("handled a 5"), WAIT).toBe(true);
    expect(printed.match(/handled a [234]/)).toBeNull();
    expect(next.failure).toBeNull();
  } finally {
    frozen.kill("SIGKILL");
  }
});
