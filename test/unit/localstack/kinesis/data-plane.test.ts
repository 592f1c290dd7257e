import { createHash } from "node:crypto";
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  UpdateMaxRecordSizeCommand,
  UpdateStreamModeCommand,
  UpdateStreamRecordDistributionStrategyCommand,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";
import { beforeEach, describe, expect, test } from "vitest";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../../../localstack/kinesis/emulated-kinesis.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { closing } from "./closing.ts";
import { StreamCalls, textsOf } from "./stream-calls.ts";

const close = closing();
let emulator: EmulatedKinesis;
let kinesis: Clients["kinesis"];
let orders: StreamCalls;

beforeEach(async () => {
  emulator = close(await startEmulatedKinesis({ topics: { orders: {} } }));
  kinesis = close(clientsOf(emulator)).kinesis;
  orders = new StreamCalls(kinesis, "orders");
});

describe("positions", () => {
  test("each kind of iterator starts where the documentation says", async () => {
    const { Records = [] } = await orders.put(["a", "one"], ["a", "two"], ["a", "three"]);
    const second = { StartingSequenceNumber: Records[1]!.SequenceNumber! };
    expect(await orders.texts(0, "TRIM_HORIZON")).toEqual(["one", "two", "three"]);
    expect(await orders.texts(0, "AT_SEQUENCE_NUMBER", second)).toEqual(["two", "three"]);
    expect(await orders.texts(0, "AFTER_SEQUENCE_NUMBER", second)).toEqual(["three"]);
    expect(await orders.texts(0, "AT_TIMESTAMP", { Timestamp: new Date(Date.now() - 60_000) })).toEqual(["one", "two", "three"]);
    expect(await orders.texts(0, "AT_TIMESTAMP", { Timestamp: new Date() })).toEqual([]);
    const latest = await orders.iterator(0, "LATEST");
    await orders.put(["a", "four"]);
    expect(textsOf(await orders.get(latest))).toEqual(["four"]);
    const [shard] = await orders.shards();
    const start = { StartingSequenceNumber: shard!.SequenceNumberRange!.StartingSequenceNumber! };
    expect(await orders.texts(0, "AT_SEQUENCE_NUMBER", start)).toHaveLength(4);
    expect(await orders.texts(0, "AFTER_SEQUENCE_NUMBER", start)).toHaveLength(4);
  });

  test("sequence numbers have 56 digits, rise with gaps, and belong to a shard and a stream", async () => {
    emulator.reshard("orders", 2);
    const { Records = [] } = await orders.put(["a", "1"], ["a", "2"], ["b", "3"], ["a", "4"], ["c", "5"], ["e", "6"]);
    const numbers = Records.map(({ SequenceNumber }) => SequenceNumber!);
    expect(numbers.every((number) => /^\d{56}$/.test(number))).toBe(true);
    const ofA = Records.filter(({ ShardId }) => ShardId === Records[0]!.ShardId).map(({ SequenceNumber }) => BigInt(SequenceNumber!));
    expect(ofA.length).toBeGreaterThan(1);
    for (let index = 1; index < ofA.length; index += 1) expect(ofA[index]! - ofA[index - 1]!).toBeGreaterThan(1n);
    const other = ["shardId-000000000001", "shardId-000000000002"].find((shardId) => shardId !== Records[0]!.ShardId)!;
    await expect(orders.iterator(other, "AT_SEQUENCE_NUMBER", { StartingSequenceNumber: numbers[0]! })).rejects.toMatchObject({
      name: "InvalidArgumentException",
      message: expect.stringMatching(/It encodes shardId-00000000000\d, while it was used in a call to a shard with/),
    });
    await expect(orders.iterator(1, "AFTER_SEQUENCE_NUMBER", { StartingSequenceNumber: "123" })).rejects.toMatchObject({
      name: "InvalidArgumentException",
    });
  });

  test("a re-created stream has another creation time, and refuses sequence numbers and iterators of the former one", async () => {
    const { Records = [] } = await orders.put(["a", "one"]);
    const iterator = await orders.iterator(0, "TRIM_HORIZON");
    const created = async () =>
      (await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: "orders" }))).StreamDescriptionSummary!.StreamCreationTimestamp!;
    const before = await created();
    await kinesis.send(new DeleteStreamCommand({ StreamName: "orders" }));
    await expect
      .poll(async () =>
        emulator.createTopic("orders").then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    expect((await created()).getTime()).toBeGreaterThan(before.getTime());
    await expect(orders.iterator(0, "AT_SEQUENCE_NUMBER", { StartingSequenceNumber: Records[0]!.SequenceNumber! })).rejects.toMatchObject({
      name: "InvalidArgumentException",
      message: expect.stringContaining("did not come from this stream"),
    });
    await expect(orders.get(iterator)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  test.each([
    ["LATEST with a number", "LATEST", { StartingSequenceNumber: "1" }, /Request specified LATEST and also a StartingSequenceNumber/],
    ["no number", "AT_SEQUENCE_NUMBER", {}, /and no StartingSequenceNumber/],
    ["no time", "AT_TIMESTAMP", {}, /has no timestamp parameter/],
    ["the future", "AT_TIMESTAMP", { Timestamp: new Date(Date.now() + 3_600_000) }, /cannot be greater than the currentTimestamp/],
  ] as const)("refuses an iterator with %s", async (_, type, more, message) => {
    await expect(orders.iterator(0, type, more)).rejects.toMatchObject({
      name: "InvalidArgumentException",
      message: expect.stringMatching(message),
    });
  });

  test("an iterator expires by its age, and what is no iterator is refused", async () => {
    const short = close(clientsOf(close(await startEmulatedKinesis({ iteratorLifetimeMs: 20, topics: { orders: {} } }))));
    const stream = new StreamCalls(short.kinesis, "orders");
    const iterator = await stream.iterator(0, "TRIM_HORIZON");
    await expect
      .poll(async () =>
        stream.get(iterator).then(
          () => "",
          (error: Error) => error.name,
        ),
      )
      .toBe("ExpiredIteratorException");
    await expect(stream.get("bm9uc2Vuc2U=")).rejects.toMatchObject({ name: "InvalidArgumentException", message: "Invalid ShardIterator." });
    await expect(stream.iterator(7, "LATEST")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  test("retention: what has expired is gone, and a number of it stands for the oldest record that is left", async () => {
    const { Records = [] } = await orders.put(["a", "one"], ["a", "two"]);
    const shown = async (): Promise<number | undefined> =>
      (await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: "orders" }))).StreamDescriptionSummary?.RetentionPeriodHours;
    expect(await shown()).toBe(24);
    await emulator.expire("orders");
    // No time has passed: only so can a client tell what may be gone.
    expect(await shown()).toBe(0);
    expect(await orders.texts(0, "TRIM_HORIZON")).toEqual([]);
    await orders.put(["a", "three"]);
    for (const { SequenceNumber } of Records) {
      expect(await orders.texts(0, "AT_SEQUENCE_NUMBER", { StartingSequenceNumber: SequenceNumber! })).toEqual(["three"]);
      expect(await orders.texts(0, "AFTER_SEQUENCE_NUMBER", { StartingSequenceNumber: SequenceNumber! })).toEqual(["three"]);
    }
    await emulator.createTopic("short", { retentionMs: 40 });
    const short = new StreamCalls(kinesis, "short");
    await short.put(["a", "one"]);
    await expect.poll(async () => short.texts(0, "TRIM_HORIZON")).toEqual([]);
  });
});

describe("reading", () => {
  test("pages are bounded by Limit, by bytes and by the option, and the lag falls to 0", async () => {
    await orders.put(...Array.from({ length: 25 }, (_, index) => ["a", String(index)] as const));
    let page = await orders.get(await orders.iterator(0, "TRIM_HORIZON"), 10);
    expect(page.Records).toHaveLength(10);
    expect(page.MillisBehindLatest).toBeGreaterThan(0);
    page = await orders.get(page.NextShardIterator!, 10);
    page = await orders.get(page.NextShardIterator!, 10);
    expect(page.Records).toHaveLength(5);
    expect(page.MillisBehindLatest).toBe(0);
    const other = close(clientsOf(close(await startEmulatedKinesis({ pageRecords: 2, topics: { orders: {} } }))));
    const stream = new StreamCalls(other.kinesis, "orders");
    await stream.put(["a", "1"], ["a", "2"], ["a", "3"]);
    expect(await stream.texts(0, "TRIM_HORIZON")).toEqual(["1", "2"]);
    const large = "x".repeat(1_000_000);
    for (let count = 0; count < 11; count += 1) await stream.put(["a", large]);
    const wide = close(clientsOf(emulator));
    const whole = new StreamCalls(wide.kinesis, "large");
    await emulator.createTopic("large");
    for (let count = 0; count < 11; count += 1) await whole.put(["a", large]);
    expect(await whole.texts(0, "TRIM_HORIZON")).toHaveLength(10);
  });

  test("an old iterator gives empty answers with a falling lag before the records and behind them, and then 0", async () => {
    const other = close(clientsOf(close(await startEmulatedKinesis({ emptyAnswers: 3, topics: { orders: {} } }))));
    const stream = new StreamCalls(other.kinesis, "orders");
    const follow = async (from: string, answers: number) => {
      const seen: (readonly [number, number])[] = [];
      let iterator = from;
      for (let count = 0; count < answers; count += 1) {
        const { Records = [], MillisBehindLatest, NextShardIterator } = await stream.get(iterator);
        seen.push([Records.length, MillisBehindLatest!]);
        iterator = NextShardIterator!;
      }
      return seen;
    };
    const idle = await follow(await stream.iterator(0, "TRIM_HORIZON"), 5);
    expect(idle).toEqual([...[750, 500, 250].map((lag) => [0, lag]), [0, 0], [0, 0]]);
    await stream.put(["a", "one"]);
    const old = await follow(await stream.iterator(0, "TRIM_HORIZON"), 8);
    expect(old.map(([count]) => count)).toEqual([0, 0, 0, 1, 0, 0, 0, 0]);
    expect(old.map(([, lag]) => lag)).toEqual([750, 500, 250, 750, 750, 500, 250, 0]);
    expect(await follow(await stream.iterator(0, "LATEST"), 1)).toEqual([[0, 0]]);
  });

  test("damaged records come damaged as often as asked", async () => {
    await orders.put(["a", "one"], ["a", "two"]);
    emulator.damage("orders", "shardId-000000000000", { times: 1 });
    const [sound, damaged] = await orders.texts(0, "TRIM_HORIZON");
    expect(sound).toBe("one");
    expect(damaged).not.toBe("two");
    expect(await orders.texts(0, "TRIM_HORIZON")).toEqual(["one", "two"]);
    expect(() => emulator.damage("orders", "shardId-000000000009")).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(() => emulator.damage("missing", "shardId-000000000000")).toThrow(expect.objectContaining({ code: "not-found" }));
  });
});

describe("writing", () => {
  test("a partition key goes where its MD5 belongs, an explicit hash key where it says", async () => {
    await emulator.createTopic("wide", { partitions: 5 });
    const wide = new StreamCalls(kinesis, "wide");
    const ranges = (await wide.shards()).map(({ ShardId, HashKeyRange }) => ({
      ShardId,
      first: BigInt(HashKeyRange!.StartingHashKey!),
      last: BigInt(HashKeyRange!.EndingHashKey!),
    }));
    const shardOf = (hash: bigint) => ranges.find(({ first, last }) => first <= hash && hash <= last)!.ShardId;
    const keys = Array.from({ length: 200 }, (_, index) => `schlüssel-${index}`);
    const { Records = [] } = await wide.put(...keys.map((key) => [key, "x"] as const));
    const expected = keys.map((key) => shardOf(BigInt(`0x${createHash("md5").update(key).digest("hex")}`)));
    expect(Records.map(({ ShardId }) => ShardId)).toEqual(expected);
    expect(new Set(expected).size).toBe(5);
    for (const hash of [0n, (1n << 128n) - 1n, ranges[2]!.first, ranges[2]!.last]) {
      const put = new PutRecordCommand({ StreamName: "wide", PartitionKey: "a", Data: Buffer.from("x"), ExplicitHashKey: String(hash) });
      expect((await kinesis.send(put)).ShardId).toBe(shardOf(hash));
    }
    const beyond = { PartitionKey: "a", Data: Buffer.from("x"), ExplicitHashKey: String(1n << 128n) };
    await expect(kinesis.send(new PutRecordCommand({ StreamName: "wide", ...beyond }))).rejects.toMatchObject({
      name: "InvalidArgumentException",
    });
  });

  test.each([
    ["501 records", Array.from({ length: 501 }, () => ({ PartitionKey: "a", Data: Buffer.from("x") })), "ValidationException"],
    ["no records", [], "ValidationException"],
    ["an empty key", [{ PartitionKey: "", Data: Buffer.from("x") }], "ValidationException"],
    ["a key of 257 characters", [{ PartitionKey: "k".repeat(257), Data: Buffer.from("x") }], "ValidationException"],
    ["no key", [{ PartitionKey: undefined, Data: Buffer.from("x") }], "InvalidArgumentException"],
    ["a record over the limit", [{ PartitionKey: "ab", Data: Buffer.alloc(1_048_575) }], "InvalidArgumentException"],
    ["11 MiB in all", Array.from({ length: 11 }, () => ({ PartitionKey: "a", Data: Buffer.alloc(1_048_575) })), "InvalidArgumentException"],
  ])("refuses %s as a whole", async (_, Records, name) => {
    const all = [{ PartitionKey: "good", Data: Buffer.from("good") }, ...Records];
    const sent = Records.length === 0 ? [] : Records.length > 500 ? Records : all;
    await expect(kinesis.send(new PutRecordsCommand({ StreamName: "orders", Records: sent }))).rejects.toMatchObject({ name });
    expect(await orders.texts(0, "TRIM_HORIZON")).toEqual([]);
  });

  test("the largest record and the longest key are stored, and an empty record", async () => {
    const key = "k".repeat(256);
    await orders.put([key, "x".repeat(1_048_576 - 256)], ["a", ""]);
    const page = await orders.get(await orders.iterator(0, "TRIM_HORIZON"));
    expect(page.Records!.map(({ Data, PartitionKey }) => [Data!.length, PartitionKey])).toEqual([
      [1_048_576 - 256, key],
      [0, "a"],
    ]);
    const { StreamDescription } = await kinesis.send(new DescribeStreamCommand({ StreamName: "orders" }));
    await kinesis.send(new UpdateMaxRecordSizeCommand({ StreamARN: StreamDescription!.StreamARN!, MaxRecordSizeInKiB: 10_240 }));
    await expect
      .poll(async () => (await kinesis.send(new DescribeStreamCommand({ StreamName: "orders" }))).StreamDescription!.StreamStatus)
      .toBe("ACTIVE");
    expect((await orders.put(["a", "x".repeat(9_000_000)])).FailedRecordCount).toBe(0);
  });

  test("numbers for ordering must be numbers; a stream that is creating is not found", async () => {
    const put = { StreamName: "orders", PartitionKey: "a", Data: Buffer.from("x") };
    const { SequenceNumber } = await kinesis.send(new PutRecordCommand(put));
    const { SequenceNumber: next } = await kinesis.send(new PutRecordCommand({ ...put, SequenceNumberForOrdering: SequenceNumber }));
    expect(BigInt(next!)).toBeGreaterThan(BigInt(SequenceNumber!));
    await expect(kinesis.send(new PutRecordCommand({ ...put, SequenceNumberForOrdering: "7" }))).rejects.toMatchObject({
      name: "InvalidArgumentException",
    });
    const slow = close(await startEmulatedKinesis({ changeMs: 60_000 }));
    using clients = clientsOf(slow);
    await clients.kinesis.send(new CreateStreamCommand({ StreamName: "orders", ShardCount: 1 }));
    await expect(clients.kinesis.send(new PutRecordCommand(put))).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await expect(new StreamCalls(clients.kinesis, "orders").shards()).rejects.toMatchObject({ name: "ResourceInUseException" });
    const { StreamDescriptionSummary } = await clients.kinesis.send(new DescribeStreamSummaryCommand({ StreamName: "orders" }));
    expect(StreamDescriptionSummary).toMatchObject({ StreamStatus: "CREATING", OpenShardCount: 0 });
  });

  test("a dry run changes nothing", async () => {
    const put = { StreamName: "orders", PartitionKey: "a", Data: Buffer.from("x"), DryRun: true };
    await expect(kinesis.send(new PutRecordCommand(put))).rejects.toMatchObject({ name: "DryRunOperationException" });
    expect(await orders.texts(0, "TRIM_HORIZON")).toEqual([]);
    const ShardIterator = await orders.iterator(0, "TRIM_HORIZON");
    await expect(kinesis.send(new GetRecordsCommand({ ShardIterator, DryRun: true }))).rejects.toMatchObject({
      name: "DryRunOperationException",
    });
  });

  test("an on-demand stream may ignore partition keys: then records need none, and cannot be ordered", async () => {
    const StreamName = "auto";
    await kinesis.send(new CreateStreamCommand({ StreamName, StreamModeDetails: { StreamMode: "ON_DEMAND" } }));
    await waitUntilStreamExists({ client: kinesis, maxWaitTime: 10, minDelay: 0.01, maxDelay: 0.02 }, { StreamName });
    const { StreamDescriptionSummary: summary } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }));
    expect(summary).toMatchObject({ OpenShardCount: 4, RecordDistributionStrategy: "USER_PARTITION_KEY" });
    const StreamARN = summary!.StreamARN!;
    await kinesis.send(new UpdateStreamRecordDistributionStrategyCommand({ StreamARN, RecordDistributionStrategy: "AUTO" }));
    const auto = new StreamCalls(kinesis, StreamName);
    const { Records = [] } = await auto.put(...Array.from({ length: 8 }, () => ["one key", "x"] as const));
    expect(new Set(Records.map(({ ShardId }) => ShardId)).size).toBe(4);
    const put = { StreamName, Data: Buffer.from("x") };
    const { ShardId } = await kinesis.send(new PutRecordCommand({ ...put, PartitionKey: undefined }));
    expect((await auto.get(await auto.iterator(ShardId!, "TRIM_HORIZON"))).Records!.at(-1)!.PartitionKey).toBe("");
    await expect(
      kinesis.send(new PutRecordCommand({ ...put, PartitionKey: "a", SequenceNumberForOrdering: Records[0]!.SequenceNumber! })),
    ).rejects.toMatchObject({ name: "InvalidArgumentException" });
    const { StreamARN: provisioned } = (await kinesis.send(new DescribeStreamCommand({ StreamName: "orders" }))).StreamDescription!;
    await expect(
      kinesis.send(new UpdateStreamRecordDistributionStrategyCommand({ StreamARN: provisioned!, RecordDistributionStrategy: "AUTO" })),
    ).rejects.toMatchObject({ name: "InvalidArgumentException" });
    await kinesis.send(new UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode: "PROVISIONED" } }));
    expect(
      (await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary!.RecordDistributionStrategy,
    ).toBe(undefined);
  });
});
