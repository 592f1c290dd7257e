import { setTimeout as later } from "node:timers/promises";
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { DeleteStreamCommand, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { expect, test } from "vitest";
import { isStreamError } from "../../../../src/index.ts";
import { aggregateOf } from "./aggregate-of.ts";
import { WAIT, keyed, keysOf, member, stored } from "../members.ts";
import { KinesisWorld } from "./kinesis-world.ts";

const TABLE = "streamport.orders.workers";
const SHARD = (number: number): string => `shardId-${String(number).padStart(12, "0")}`;

async function leaseRow(world: KinesisWorld, shard = 0, table = TABLE): Promise<Readonly<Record<string, AttributeValue>> | undefined> {
  const input = { TableName: table, Key: { leaseKey: { S: SHARD(shard) } }, ConsistentRead: true };
  return (await world.raw.dynamo.send(new GetItemCommand(input))).Item;
}

async function putRow(world: KinesisWorld, table: string, item: Record<string, AttributeValue>): Promise<void> {
  await world.raw.dynamo.send(new PutItemCommand({ TableName: table, Item: item }));
}

/** A table of an application of the Kinesis Client Library that has been stopped. */
async function libraryTable(world: KinesisWorld, table: string, rows: readonly Record<string, AttributeValue>[]): Promise<void> {
  await world.raw.dynamo.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "leaseKey", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
    }),
  );
  for (const row of rows) await putRow(world, table, row);
}

const libraryRow = (shard: number, checkpoint: string, subSequence = 0): Record<string, AttributeValue> => ({
  leaseKey: { S: SHARD(shard) },
  leaseCounter: { N: "12" },
  checkpoint: { S: checkpoint },
  checkpointSubSequenceNumber: { N: String(subSequence) },
  ownerSwitchesSinceCheckpoint: { N: "1" },
});

test.concurrent("a write of a lease that was stored and answered with an error loses nothing, and moves nothing back", async ({
  expect,
}) => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders");
  const places: bigint[] = [];
  for (let number = 0; number < 10; number += 1) {
    if (number % 3 === 1) world.emulator.answerWith({ operation: "UpdateItem", error: "InternalServerError", isStored: true, times: 2 });
    await producer.send({ value: `a ${number}` });
    await expect.poll(() => consuming.values.length, WAIT).toBe(number + 1);
    for (const shard of [0, 1]) {
      const checkpoint = (await leaseRow(world, shard))?.["checkpoint"]?.S ?? "";
      if (/^\d+$/.test(checkpoint)) places.push(BigInt(checkpoint));
    }
  }
  expect(consuming.revoked).toEqual([]);
  expect(places).toEqual(places.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  await consuming.consumer.close();
  const next = member(connection, "orders");
  await producer.send({ value: "a 10" });
  await expect.poll(() => next.values, WAIT).toEqual(["a 10"]);
});

test.concurrent("a table that is throttled for three sessions stops nothing for good", async ({ expect }) => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 4 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders", { sessionTimeoutMs: 3_000 });
  const keys = Array.from({ length: 16 }, (_, key) => `key-${key}`);
  await producer.sendBatch(keys.map((key) => ({ value: `${key} 0` })));
  await expect.poll(() => new Set(consuming.values).size, WAIT).toBe(16);
  const error = "ProvisionedThroughputExceededException";
  for (const operation of ["UpdateItem", "PutItem", "Scan", "GetItem"]) world.emulator.answerWith({ operation, error, times: Infinity });
  await new Promise((resolve) => setTimeout(resolve, 9_500));
  world.emulator.clearFaults();
  await producer.sendBatch(keys.map((key) => ({ value: `${key} 1` })));
  await expect.poll(() => new Set(consuming.values).size, WAIT).toBe(32);
  expect(consuming.failure).toBeNull();
});

// Only the shard that cannot be renewed may be lost: nothing else takes the processor for the time of a session.
test("a lease that nobody can renew stops no other shard", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 4 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders", { sessionTimeoutMs: 3_000 });
  const values = (number: number): readonly string[] => Array.from({ length: 16 }, (_, key) => `key-${key} ${number}`);
  const receipts = await producer.sendBatch(values(0).map((value) => ({ value })));
  await expect.poll(() => new Set(consuming.values).size, WAIT).toBe(16);
  const isOfFirst = (index: number): boolean => receipts[index]!.partition === SHARD(0);
  const error = "ProvisionedThroughputExceededException";
  world.emulator.answerWith({ operation: "UpdateItem", topic: TABLE, partition: SHARD(0), error, times: Infinity });
  await later(4_500);
  await producer.sendBatch(values(1).map((value) => ({ value })));
  const others = values(1).filter((_, index) => !isOfFirst(index));
  expect(others.length).toBeLessThan(16);
  await expect.poll(() => others.every((value) => consuming.values.includes(value)), WAIT).toBe(true);
  expect(consuming.revoked).toEqual([SHARD(0)]);
  world.emulator.clearFaults();
  await expect.poll(() => new Set(consuming.values).size, WAIT).toBe(32);
  for (const [key, numbers] of keysOf(consuming.values)) expect([...new Set(numbers)], key).toEqual([0, 1]);
  expect(consuming.failure).toBeNull();
});

test.concurrent("rows that an operator deletes come back where the group is; columns and items of others stay", async ({ expect }) => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders");
  await producer.send({ value: "a 0" });
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  const { dynamo } = world.raw;
  const key = { leaseKey: { S: SHARD(0) } };
  await dynamo.send(
    new UpdateItemCommand({
      TableName: TABLE,
      Key: key,
      UpdateExpression: "SET throughputKBps = :n",
      ExpressionAttributeValues: { ":n": { N: "7" } },
    }),
  );
  const worker = { leaseKey: { S: "worker-1" }, entityType: { S: "WORKER_METRICS" }, checkpoint: { S: "no lease" } };
  await putRow(world, TABLE, worker);
  await producer.send({ value: "a 1" });
  await expect.poll(() => consuming.values.length, WAIT).toBe(2);
  expect((await leaseRow(world))?.["throughputKBps"]).toEqual({ N: "7" });
  expect((await connection.admin.describeGroup("orders", "workers")).members).toBe(1);
  await dynamo.send(new DeleteItemCommand({ TableName: TABLE, Key: key }));
  await producer.send({ value: "a 2" });
  await expect.poll(async () => (await leaseRow(world))?.["leaseOwner"]?.S ?? null, WAIT).not.toBeNull();
  await expect.poll(() => consuming.values.at(-1), WAIT).toBe("a 2");
  // Nothing from the horizon comes again: the owner knows where it is.
  expect(consuming.values.filter((value) => value === "a 0")).toHaveLength(1);
  await consuming.consumer.close();
  await connection.admin.deleteGroup("orders", "workers");
  const { Items } = await dynamo.send(new ScanCommand({ TableName: TABLE, ConsistentRead: true }));
  expect(Items).toEqual([worker]);
});

test.concurrent("a table that is deleted beside a running group is made again", async ({ expect }) => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders");
  await producer.send({ value: "a 0" });
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  await world.raw.dynamo.send(new DeleteTableCommand({ TableName: TABLE }));
  await producer.send({ value: "a 1" });
  await expect.poll(() => consuming.values.at(-1), WAIT).toBe("a 1");
  await expect.poll(async () => (await leaseRow(world).catch(() => undefined))?.["leaseOwner"]?.S ?? null, WAIT).not.toBeNull();
});

test("a stream that was created anew is another one: for readers, bookmarks and groups", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  await producer.sendBatch([{ value: "a 0" }, { value: "a 1" }]);
  const reader = keyed(connection, "orders").reader();
  for await (const _ of reader) break;
  const bookmark = await reader.bookmark();
  const first = member(connection, "orders");
  await expect.poll(() => first.values.length, WAIT).toBe(2);
  await first.consumer.close();
  await world.raw.kinesis.send(new DeleteStreamCommand({ StreamName: "orders" }));
  // While the former one is being deleted, the creation waits for its end.
  const startedMs = Date.now();
  await connection.admin.createTopic("orders", { partitions: 1 });
  expect(Date.now() - startedMs).toBeLessThan(15_000);
  const other = await world.connect();
  await keyed(other, "orders").producer().send({ value: "b 0" });
  const read = async (): Promise<void> => {
    for await (const _ of keyed(other, "orders").reader({ from: { bookmark }, until: "now" })) continue;
  };
  await expect(read()).rejects.toMatchObject({ code: "position-mismatch" });
  // The group's places mean nothing in the new stream, and what is stored there must not be skipped: who runs it decides.
  for (const initialPosition of ["earliest", "latest", "fail"]) {
    const refused = member(other, "orders", { initialPosition });
    await refused.running;
    expect(refused.failure).toMatchObject({ code: "position-mismatch", message: expect.stringContaining("resetGroup") as string });
  }
  expect(await other.admin.listGroups("orders")).toEqual(["workers"]);
  await expect(other.admin.describeGroup("orders", "workers")).rejects.toMatchObject({ code: "position-mismatch" });
  await expect(other.admin.lag("orders", "workers")).rejects.toMatchObject({ code: "position-mismatch" });
  await other.admin.resetGroup("orders", "workers", "earliest");
  const next = member(other, "orders");
  await expect.poll(() => next.values, WAIT).toEqual(["b 0"]);
  await next.consumer.close();
  expect((await other.admin.describeGroup("orders", "workers")).members).toBe(0);
});

test.concurrent("a member whose stream is created anew while it runs stops, and a group that was deleted begins", async ({ expect }) => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  const running = member(connection, "orders");
  await expect.poll(() => running.values, WAIT).toEqual(["a 0"]);
  await world.raw.kinesis.send(new DeleteStreamCommand({ StreamName: "orders" }));
  const other = await world.connect();
  await other.admin.createTopic("orders", { partitions: 1 });
  await keyed(other, "orders").producer().send({ value: "b 0" });
  await running.running;
  // It may have asked while there was no stream.
  expect(running.failure).toMatchObject({ code: expect.stringMatching(/^(position-mismatch|not-found)$/) as string });
  expect(running.values).toEqual(["a 0"]);
  await other.admin.deleteGroup("orders", "workers");
  const next = member(other, "orders", { initialPosition: "earliest" });
  await expect.poll(() => next.values, WAIT).toEqual(["b 0"]);
});

test.concurrent("an aggregate of which a part is handled goes on there, and the library may count only whole records", async ({
  expect,
}) => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  await keyed(connection, "orders").producer().send({ value: "b 0" });
  const Data = aggregateOf(Array.from({ length: 50 }, (_, number) => ["a", `a ${number}`]));
  const { Records } = await world.raw.kinesis.send(new PutRecordsCommand({ StreamName: "orders", Records: [{ PartitionKey: "a", Data }] }));
  const aggregate = Records![0]!.SequenceNumber!;
  let isStuck = true;
  const first = member(await world.connect(), "orders", { commit: { everyMs: 10, everyMessages: 1 } }, async (value) => {
    while (isStuck && value === "a 20") await new Promise((resolve) => setTimeout(resolve, 10));
  });
  await expect.poll(() => first.values.at(-1), WAIT).toBe("a 19");
  await expect.poll(async () => JSON.stringify(await leaseRow(world)), WAIT).toContain(`${aggregate}/19`);
  const row = await leaseRow(world);
  expect(BigInt(row!["checkpoint"]!.S!)).toBeLessThan(BigInt(aggregate));
  void first.consumer.close({ timeoutMs: 1 });
  isStuck = false;
  await first.running;
  const next = member(connection, "orders");
  await expect.poll(() => next.values.at(-1), WAIT).toBe("a 49");
  // The handler that was stuck may still have been in time.
  const from = next.values[0] === "a 21" ? 21 : 20;
  if (from === 21) expect(first.values).toContain("a 20");
  expect(next.values).toEqual(Array.from({ length: 50 - from }, (_, index) => `a ${index + from}`));
  // All of it is handled: now the library may count it.
  await expect.poll(async () => (await leaseRow(world))?.["checkpoint"]?.S, WAIT).toBe(aggregate);
});

test.concurrent("a table of the library is adopted: its checkpoints, its ends, its beginnings, and its latest as of now", async ({
  expect,
}) => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 4 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const receipts = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => producer.send({ value: `key-${index % 20} ${index}` })),
  );
  const ofShard = (shard: number): readonly number[] =>
    receipts.flatMap(({ partition }, index) => (partition === SHARD(shard) ? [index] : []));
  const numbers = await numbersOf(world, 1);
  const rows = [
    libraryRow(0, "TRIM_HORIZON"),
    libraryRow(1, numbers[0]!),
    libraryRow(2, "LATEST"),
    libraryRow(3, "SHARD_END"),
    { leaseKey: { S: "worker-1" }, entityType: { S: "WORKER_METRICS" } },
  ];
  await libraryTable(world, "my-application", rows);
  const adopting = await world.connect({}, { workers: "my-application" });
  const consumer = member(adopting, "orders");
  const handled = (): readonly number[] => consumer.values.map((value) => Number(value.split(" ")[1]));
  const wanted = [...ofShard(0), ...ofShard(1).slice(1)].toSorted((a, b) => a - b);
  await expect.poll(() => handled().toSorted((a, b) => a - b), WAIT).toEqual(wanted);
  await consumer.consumer.close();
  expect((await leaseRow(world, 3, "my-application"))?.["checkpoint"]).toEqual({ S: "SHARD_END" });
  const { Item } = await world.raw.dynamo.send(
    new GetItemCommand({ TableName: "my-application", Key: { leaseKey: { S: "worker-1" } }, ConsistentRead: true }),
  );
  expect(Item).toEqual(rows[4]);
});

test.concurrent("rows that know one shard of a lineage: the other parent is read, and children wait for both", async ({ expect }) => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const keys = Array.from({ length: 12 }, (_, key) => `key-${key}`);
  const send = async (number: number) => producer.sendBatch(keys.map((key) => ({ value: `${key} ${number}` })));
  const receipts = await send(0);
  const [first] = await numbersOf(world, 0);
  // Merged, then split: the table knows the first shard only.
  for (const shards of [1, 2]) {
    world.emulator.reshard("orders", shards);
    await send(shards);
  }
  await libraryTable(world, "my-application", [libraryRow(0, first!)]);
  const adopting = await world.connect({}, { workers: "my-application" });
  const consumer = member(adopting, "orders");
  await expect.poll(() => consumer.values.length, WAIT).toBeGreaterThanOrEqual(3 * keys.length - 1);
  const found = keysOf(consumer.values);
  const handled = keys.filter((key) => !found.get(key)!.includes(0));
  expect(handled.map((key) => receipts[keys.indexOf(key)]!.partition)).toEqual([SHARD(0)]);
  for (const key of keys) expect(found.get(key), key).toEqual(handled.includes(key) ? [1, 2] : [0, 1, 2]);
});

/** Two shards whose rows start at a time, which the library keeps in its settings. @returns the time, and what each shard was sent after it */
async function libraryAtTime(world: KinesisWorld): Promise<{ readonly time: Date; readonly after: readonly (readonly string[])[] }> {
  const producer = keyed(await world.connect(), "orders").producer();
  const send = async (number: number): Promise<readonly (readonly string[])[]> => {
    const values = Array.from({ length: 8 }, (_, key) => `key-${key} ${number}`);
    const receipts = await producer.sendBatch(values.map((value) => ({ value })));
    return [0, 1].map((shard) => values.filter((_, index) => receipts[index]!.partition === SHARD(shard)));
  };
  await send(0);
  await later(20);
  const time = new Date();
  await later(20);
  const after = await send(1);
  await libraryTable(world, "my-application", [libraryRow(0, "AT_TIMESTAMP"), libraryRow(1, "AT_TIMESTAMP")]);
  return { time, after };
}

test.concurrent("rows of the library that start at a time are adopted at the time that the group is given, or at the beginning", async ({
  expect,
}) => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } } });
  const { time, after } = await libraryAtTime(world);
  const adopting = await world.connect({}, { workers: "my-application" });
  const first = member(adopting, "orders", { initialPosition: { timestamp: time } });
  await expect.poll(() => first.values.toSorted(), WAIT).toEqual(after.flat().toSorted());
  await first.consumer.close();
  // Where the group is given no time, nothing may be left out.
  await adopting.admin.deleteGroup("orders", "workers");
  for (const shard of [0, 1]) await putRow(world, "my-application", libraryRow(shard, "AT_TIMESTAMP"));
  const other = member(adopting, "orders", { initialPosition: "latest" });
  await expect.poll(() => other.values.length, WAIT).toBe(16);
});

test.concurrent("where rows of the library start at a time, the first member decides it for all", async ({ expect }) => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } } });
  const { time, after } = await libraryAtTime(world);
  const adopting = await world.connect({}, { workers: "my-application" });
  const first = member(adopting, "orders", { initialPosition: { timestamp: time } });
  await expect.poll(() => first.values.length, WAIT).toBe(8);
  await first.consumer.close();
  for (const initialPosition of ["earliest", { timestamp: new Date() }]) {
    // As if the members so far had died before they came to this row.
    await putRow(world, "my-application", libraryRow(1, "AT_TIMESTAMP"));
    const next = member(adopting, "orders", { initialPosition });
    await expect.poll(() => next.values.toSorted(), WAIT).toEqual(after[1]!.toSorted());
    await next.consumer.close();
  }
});

/** The sequence numbers of a shard, by another client. */
async function numbersOf(world: KinesisWorld, shard: number): Promise<readonly string[]> {
  const { GetRecordsCommand, GetShardIteratorCommand } = await import("@aws-sdk/client-kinesis");
  const input = { StreamName: "orders", ShardId: SHARD(shard), ShardIteratorType: "TRIM_HORIZON" } as const;
  const { ShardIterator } = await world.raw.kinesis.send(new GetShardIteratorCommand(input));
  const { Records = [] } = await world.raw.kinesis.send(new GetRecordsCommand({ ShardIterator }));
  return Records.map(({ SequenceNumber }) => SequenceNumber!);
}

test.concurrent("a group of another stream with the same table is a conflict", async ({ expect }) => {
  await using world = await KinesisWorld.start({ topics: { "a.b": {}, a: {} } });
  const connection = await world.connect();
  await keyed(connection, "a.b").producer().send({ value: "x 0" });
  const first = member(connection, "a.b", { group: "c" });
  await expect.poll(() => first.values, WAIT).toEqual(["x 0"]);
  const second = member(connection, "a", { group: "b.c" });
  await second.running;
  expect(isStreamError(second.failure, "conflict")).toBe(true);
  expect(await stored(connection, "a")).toEqual([]);
});

test.concurrent("the table of a group that has never begun goes with its deletion", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect();
  await libraryTable(world, TABLE, []);
  await expect(connection.admin.deleteGroup("orders", "workers")).rejects.toMatchObject({ code: "not-found" });
  await expect(leaseRow(world)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
});
