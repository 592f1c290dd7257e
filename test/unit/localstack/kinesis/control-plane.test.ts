import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DecreaseStreamRetentionPeriodCommand,
  DeleteStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeLimitsCommand,
  DescribeStreamCommand,
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListShardsCommand,
  ListStreamConsumersCommand,
  ListStreamsCommand,
  ListTagsForResourceCommand,
  ListTagsForStreamCommand,
  MergeShardsCommand,
  RegisterStreamConsumerCommand,
  RemoveTagsFromStreamCommand,
  SplitShardCommand,
  UpdateShardCountCommand,
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
const StreamName = "orders";

beforeEach(async () => {
  emulator = close(await startEmulatedKinesis({ changeMs: 0, topics: { orders: { partitions: 2 } } }));
  kinesis = close(clientsOf(emulator)).kinesis;
  orders = new StreamCalls(kinesis, "orders");
});

const shardId = (index: number): string => `shardId-${String(index).padStart(12, "0")}`;
const halfOf = async (index: number): Promise<string> => {
  const { HashKeyRange } = (await orders.shards()).find(({ ShardId }) => ShardId === shardId(index))!;
  return String((BigInt(HashKeyRange!.StartingHashKey!) + BigInt(HashKeyRange!.EndingHashKey!)) / 2n);
};
const split = async (index: number) =>
  kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: shardId(index), NewStartingHashKey: await halfOf(index) }));
const merge = async (one: number, other: number) =>
  kinesis.send(new MergeShardsCommand({ StreamName, ShardToMerge: shardId(one), AdjacentShardToMerge: shardId(other) }));
const scale = async (TargetShardCount: number) =>
  kinesis.send(new UpdateShardCountCommand({ StreamName, TargetShardCount, ScalingType: "UNIFORM_SCALING" }));

describe("resharding", () => {
  test("a split and a merge close the parents, and their readers learn of the children at the end", async () => {
    await orders.put(...["a", "b", "c", "d", "e", "f"].map((key) => [key, key] as const));
    await split(0);
    const [parent, , low, high] = await orders.shards();
    expect(low).toMatchObject({ ParentShardId: shardId(0), HashKeyRange: { StartingHashKey: "0" } });
    expect(low!.AdjacentParentShardId).toBeUndefined();
    expect(high!.HashKeyRange!.EndingHashKey).toBe(parent!.HashKeyRange!.EndingHashKey);
    expect(parent!.SequenceNumberRange!.EndingSequenceNumber).toMatch(/^\d{56}$/);
    expect(BigInt(low!.SequenceNumberRange!.StartingSequenceNumber!)).toBeGreaterThan(
      BigInt(parent!.SequenceNumberRange!.EndingSequenceNumber!),
    );
    const end = await orders.get(await orders.iterator(0, "TRIM_HORIZON"));
    expect(end.NextShardIterator).toBeUndefined();
    expect(end.MillisBehindLatest).toBe(0);
    expect(end.ChildShards).toEqual(
      [low, high].map((child) => ({ ShardId: child!.ShardId, ParentShards: [shardId(0)], HashKeyRange: child!.HashKeyRange })),
    );
    await merge(2, 3);
    const merged = (await orders.shards()).at(-1)!;
    expect(merged).toMatchObject({ ShardId: shardId(4), ParentShardId: shardId(2), AdjacentParentShardId: shardId(3) });
    expect(merged.HashKeyRange).toEqual(parent!.HashKeyRange);
    const { ChildShards } = await orders.get(await orders.iterator(3, "LATEST"));
    expect(ChildShards).toMatchObject([{ ShardId: shardId(4), ParentShards: [shardId(2), shardId(3)] }]);
  });

  test("with the option, the end of a shard comes in an answer of its own, with the children", async () => {
    const other = close(await startEmulatedKinesis({ endsEmpty: true, topics: { orders: {} } }));
    const stream = new StreamCalls(close(clientsOf(other)).kinesis, "orders");
    await stream.put(["a", "one"]);
    other.reshard("orders", 2);
    const last = await stream.get(await stream.iterator(0, "TRIM_HORIZON"));
    expect(textsOf(last)).toEqual(["one"]);
    expect(last.ChildShards ?? []).toEqual([]);
    const end = await stream.get(last.NextShardIterator!);
    expect(end).toMatchObject({ Records: [], ChildShards: [{ ShardId: shardId(1) }, { ShardId: shardId(2) }] });
    expect(end.NextShardIterator).toBeUndefined();
  });

  test("every record is read once through the lineage, in the order of its key, whatever the steps were", async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    for (const [round, shards] of [2, 4, 3, 1, 5].entries()) {
      emulator.reshard("orders", shards);
      await orders.put(...keys.map((key) => [key, `${key} ${round}`] as const));
    }
    const listed = await orders.shards();
    const read = new Map<string, readonly string[]>();
    const ends = new Set<string>();
    for (const { ShardId, ParentShardId, AdjacentParentShardId } of listed) {
      // A shard is listed behind its parents.
      expect([ParentShardId, AdjacentParentShardId].every((parent) => parent === undefined || ends.has(parent))).toBe(true);
      ends.add(ShardId!);
      for (const text of await orders.texts(ShardId!, "TRIM_HORIZON")) {
        const [key] = text.split(" ");
        read.set(key!, [...(read.get(key!) ?? []), text]);
      }
    }
    for (const key of keys) expect(read.get(key)).toEqual([0, 1, 2, 3, 4].map((round) => `${key} ${round}`));
    const open = await orders.shards({ ShardFilter: { Type: "AT_LATEST" } });
    expect(open).toHaveLength(5);
    expect(open.map(({ HashKeyRange }) => BigInt(HashKeyRange!.StartingHashKey!)).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
      [0n, 1n, 2n, 3n, 4n].map((index) => ((1n << 128n) * index) / 5n),
    );
  });

  test("filters list the shards of a time, and what follows a shard", async () => {
    const before = new Date();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await split(0);
    const between = new Date(Date.now() + 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await merge(2, 3);
    const listed = async (filter: object) => orders.shardIds({ ShardFilter: filter as never });
    expect(await orders.shardIds()).toEqual([0, 1, 2, 3, 4]);
    expect(await listed({ Type: "FROM_TRIM_HORIZON" })).toEqual([0, 1, 2, 3, 4]);
    expect(await listed({ Type: "AT_TRIM_HORIZON" })).toEqual([0, 1]);
    expect(await listed({ Type: "AT_LATEST" })).toEqual([1, 4]);
    expect(await listed({ Type: "AT_TIMESTAMP", Timestamp: between })).toEqual([1, 2, 3]);
    expect(await listed({ Type: "FROM_TIMESTAMP", Timestamp: between })).toEqual([1, 2, 3, 4]);
    expect(await listed({ Type: "FROM_TIMESTAMP", Timestamp: before })).toEqual([0, 1, 2, 3, 4]);
    expect(await listed({ Type: "AFTER_SHARD_ID", ShardId: shardId(1) })).toEqual([2, 3, 4]);
    expect(await orders.shardIds({ ExclusiveStartShardId: shardId(2) })).toEqual([3, 4]);
    await expect(listed({ Type: "AT_TIMESTAMP" })).rejects.toMatchObject({ name: "InvalidArgumentException" });
  });

  test("retention removes closed shards from the listing; their records and iterators are not found", async () => {
    await orders.put(["a", "one"], ["b", "two"]);
    const old = await orders.iterator(0, "TRIM_HORIZON");
    await split(0);
    await emulator.expire("orders");
    expect(await orders.shardIds()).toEqual([1, 2, 3]);
    expect(await orders.shardIds({ ShardFilter: { Type: "AT_TRIM_HORIZON" } })).toEqual([1, 2, 3]);
    await expect(orders.iterator(0, "TRIM_HORIZON")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await expect(orders.get(old)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    // The children still name their parent.
    expect((await orders.shards())[1]).toMatchObject({ ParentShardId: shardId(0) });
  });

  test("pages of the listing are followed by a token, which belongs to nothing else", async () => {
    emulator.reshard("orders", 7);
    const all = await orders.shardIds();
    const found: string[] = [];
    let page = await kinesis.send(new ListShardsCommand({ StreamName, MaxResults: 3 }));
    for (;;) {
      expect(page.Shards!.length).toBeLessThanOrEqual(3);
      found.push(...page.Shards!.map(({ ShardId }) => ShardId!));
      if (page.NextToken === undefined) break;
      page = await kinesis.send(new ListShardsCommand({ NextToken: page.NextToken, MaxResults: 3 }));
    }
    expect(found).toEqual(all.map(shardId));
    const { NextToken } = await kinesis.send(new ListShardsCommand({ StreamName, MaxResults: 1 }));
    await expect(kinesis.send(new ListShardsCommand({ StreamName, NextToken }))).rejects.toMatchObject({
      name: "InvalidArgumentException",
    });
    await expect(kinesis.send(new ListShardsCommand({ NextToken: "x" }))).rejects.toMatchObject({ name: "InvalidArgumentException" });
    const described = await kinesis.send(new DescribeStreamCommand({ StreamName, Limit: 2 }));
    expect(described.StreamDescription).toMatchObject({ HasMoreShards: true, Shards: [{ ShardId: shardId(0) }, { ShardId: shardId(1) }] });
  });

  test("the number of shards at most doubles or halves, ten times a day, and not in an on-demand stream", async () => {
    await expect(scale(5)).rejects.toMatchObject({ name: "InvalidArgumentException" });
    expect(await scale(4)).toMatchObject({ CurrentShardCount: 2, TargetShardCount: 4 });
    await expect(scale(1)).rejects.toMatchObject({ name: "InvalidArgumentException" });
    for (let count = 0; count < 9; count += 1) await scale(count % 2 === 0 ? 3 : 4);
    await expect(scale(4)).rejects.toMatchObject({ name: "LimitExceededException" });
    await kinesis.send(new CreateStreamCommand({ StreamName: "demand", StreamModeDetails: { StreamMode: "ON_DEMAND" } }));
    const change = new UpdateShardCountCommand({ StreamName: "demand", TargetShardCount: 8, ScalingType: "UNIFORM_SCALING" });
    await expect(kinesis.send(change)).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining("On-Demand mode"),
    });
    emulator.reshard("demand", 8);
    expect(await new StreamCalls(kinesis, "demand").shards({ ShardFilter: { Type: "AT_LATEST" } })).toHaveLength(8);
  });

  test.each([
    ["a merge of shards that are no neighbours", async () => split(0).then(() => merge(1, 2)), "InvalidArgumentException"],
    ["a split of a closed shard", async () => split(0).then(() => split(0)), "InvalidArgumentException"],
    [
      "a split of a shard that does not exist",
      async () => kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: shardId(9), NewStartingHashKey: "7" })),
      "ResourceNotFoundException",
    ],
    [
      "a split at the edge",
      async () => kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: shardId(0), NewStartingHashKey: "1" })),
      "InvalidArgumentException",
    ],
  ] as const)("refuses %s", async (_, call, name) => {
    await expect(call()).rejects.toMatchObject({ name });
  });

  test("a stream that is updating can be read and written, and not changed", async () => {
    const slow = close(await startEmulatedKinesis({ changeMs: 60_000, topics: { orders: {} } }));
    const clients = close(clientsOf(slow));
    const stream = new StreamCalls(clients.kinesis, "orders");
    const change = async () =>
      clients.kinesis.send(new UpdateShardCountCommand({ StreamName, TargetShardCount: 2, ScalingType: "UNIFORM_SCALING" }));
    await change();
    await stream.put(["a", "one"]);
    const { ShardId } = (await stream.put(["a", "two"])).Records![0]!;
    expect(textsOf(await stream.get(await stream.iterator(ShardId!, "TRIM_HORIZON")))).toEqual(["one", "two"]);
    await expect(change()).rejects.toMatchObject({ name: "ResourceInUseException" });
    await clients.kinesis.send(new DeleteStreamCommand({ StreamName }));
    await stream.put(["a", "still there"]);
  });
});

describe("streams", () => {
  test("are created once, listed, named by name or ARN, and deleted", async () => {
    const summary = async (input: { StreamName?: string; StreamARN?: string }) =>
      (await kinesis.send(new DescribeStreamSummaryCommand(input))).StreamDescriptionSummary!;
    const { StreamARN } = await summary({ StreamName });
    expect(StreamARN).toBe("arn:aws:kinesis:us-east-1:000000000000:stream/orders");
    expect((await summary({ StreamARN: StreamARN! })).StreamName).toBe("orders");
    await expect(summary({ StreamARN: StreamARN!.replace("us-east-1", "eu-west-1") })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    await expect(summary({})).rejects.toMatchObject({ name: "InvalidArgumentException" });
    await expect(kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }))).rejects.toMatchObject({
      name: "ResourceInUseException",
    });
    await expect(kinesis.send(new CreateStreamCommand({ StreamName: "no/name", ShardCount: 0 }))).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringMatching(
        /^2 validation errors detected: .*'streamName'.*regular expression.*'shardCount'.*greater than or equal to 1/,
      ),
    });
    for (const name of ["a", "b", "c"]) await kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: 1 }));
    const first = await kinesis.send(new ListStreamsCommand({ Limit: 2 }));
    expect(first).toMatchObject({ StreamNames: ["a", "b"], HasMoreStreams: true });
    const rest = await kinesis.send(new ListStreamsCommand({ NextToken: first.NextToken }));
    expect(rest).toMatchObject({ StreamNames: ["c", "orders"], HasMoreStreams: false });
    await kinesis.send(new DeleteStreamCommand({ StreamName: "a" }));
    expect((await kinesis.send(new ListStreamsCommand({}))).StreamNames).toEqual(["b", "c", "orders"]);
    await expect(kinesis.send(new DeleteStreamCommand({ StreamName: "a" }))).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  test("keep their retention within its bounds", async () => {
    const hours = async () =>
      (await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary!.RetentionPeriodHours;
    const increase = async (RetentionPeriodHours: number) =>
      kinesis.send(new IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours }));
    const decrease = async (RetentionPeriodHours: number) =>
      kinesis.send(new DecreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours }));
    await increase(48);
    expect(await hours()).toBe(48);
    for (const refused of [() => increase(47), () => decrease(49), () => decrease(23), () => increase(8_761)]) {
      await expect(refused()).rejects.toMatchObject({ name: "InvalidArgumentException" });
    }
    await decrease(24);
    expect(await hours()).toBe(24);
  });

  test("are bounded by the account, and their tags and consumers are kept", async () => {
    const small = close(await startEmulatedKinesis({ shardLimit: 3, changeMs: 0, topics: { orders: { partitions: 2 } } }));
    const clients = close(clientsOf(small));
    await expect(clients.kinesis.send(new CreateStreamCommand({ StreamName: "more", ShardCount: 2 }))).rejects.toMatchObject({
      name: "LimitExceededException",
    });
    expect(await clients.kinesis.send(new DescribeLimitsCommand({}))).toMatchObject({ ShardLimit: 3, OpenShardCount: 2 });
    await kinesis.send(new AddTagsToStreamCommand({ StreamName, Tags: { team: "a", stage: "test" } }));
    await kinesis.send(new RemoveTagsFromStreamCommand({ StreamName, TagKeys: ["stage"] }));
    expect((await kinesis.send(new ListTagsForStreamCommand({ StreamName }))).Tags).toEqual([{ Key: "team", Value: "a" }]);
    const StreamARN = `arn:aws:kinesis:us-east-1:${emulator.accountId}:stream/orders`;
    expect((await kinesis.send(new ListTagsForResourceCommand({ ResourceARN: StreamARN }))).Tags).toHaveLength(1);
    const { Consumer } = await kinesis.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "reader" }));
    expect((await kinesis.send(new ListStreamConsumersCommand({ StreamARN }))).Consumers).toMatchObject([{ ConsumerName: "reader" }]);
    const { ConsumerARN } = Consumer!;
    expect((await kinesis.send(new DescribeStreamConsumerCommand({ ConsumerARN }))).ConsumerDescription).toMatchObject({
      ConsumerName: "reader",
      StreamARN,
    });
    await expect(kinesis.send(new DeleteStreamCommand({ StreamName }))).rejects.toMatchObject({ name: "ResourceInUseException" });
    await kinesis.send(new DeregisterStreamConsumerCommand({ ConsumerARN }));
    await kinesis.send(new DeleteStreamCommand({ StreamName }));
  });

  test("the rates of the developer guide are enforced on demand", async () => {
    const strict = close(await startEmulatedKinesis({ enforceRates: true, topics: { orders: {} } }));
    const clients = close(clientsOf(strict));
    const stream = new StreamCalls(clients.kinesis, "orders");
    const records = Array.from({ length: 500 }, () => ["a", "x"] as const);
    const puts = [await stream.put(...records), await stream.put(...records), await stream.put(...records)];
    const errors = puts.flatMap(({ Records = [] }) => Records.flatMap(({ ErrorCode }) => ErrorCode ?? []));
    expect(errors.length).toBeGreaterThan(0);
    expect(new Set(errors)).toEqual(new Set(["ProvisionedThroughputExceededException"]));
    const iterator = await stream.iterator(0, "TRIM_HORIZON");
    const reads = await Promise.allSettled(Array.from({ length: 12 }, async () => stream.get(iterator, 1)));
    const refused = reads.filter((read): read is PromiseRejectedResult => read.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]!.reason).toMatchObject({ name: "ProvisionedThroughputExceededException" });
    const looks = await Promise.allSettled(
      Array.from({ length: 60 }, async () => clients.kinesis.send(new DescribeStreamSummaryCommand({ StreamName }))),
    );
    expect(looks.find((look) => look.status === "rejected")).toMatchObject({ reason: { name: "LimitExceededException" } });
    const throttling = close(await startEmulatedKinesis({ throttledEntries: 0.1, topics: { orders: {} } }));
    const other = new StreamCalls(close(clientsOf(throttling)).kinesis, "orders");
    const { FailedRecordCount } = await other.put(...records);
    expect(FailedRecordCount).toBeGreaterThan(20);
    expect(FailedRecordCount).toBeLessThan(100);
    expect(await other.texts(0, "TRIM_HORIZON")).toHaveLength(500 - FailedRecordCount!);
  });
});
