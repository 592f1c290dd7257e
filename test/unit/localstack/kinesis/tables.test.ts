import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../../../localstack/kinesis/emulated-kinesis.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { closing } from "./closing.ts";

const close = closing();
let shared: EmulatedKinesis;
let emulator: EmulatedKinesis;
let dynamo: Clients["dynamo"];
let topics = 0;
let topic: string;
let TableName: string;

beforeAll(async () => {
  shared = await startEmulatedKinesis();
});

afterAll(async () => {
  await shared.close();
});

beforeEach(async () => {
  emulator = shared;
  dynamo = close(clientsOf(emulator)).dynamo;
  topics += 1;
  topic = `orders-${topics}`;
  TableName = `streamport.${topic}.billing`;
  await createTable(TableName);
});

afterEach(() => {
  shared.clearFaults();
});

async function createTable(name: string): Promise<void> {
  await dynamo.send(
    new CreateTableCommand({
      TableName: name,
      KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
      AttributeDefinitions: ["leaseKey", "leaseOwner"].map((AttributeName) => ({ AttributeName, AttributeType: "S" as const })),
      GlobalSecondaryIndexes: [
        { IndexName: "byOwner", KeySchema: [{ AttributeName: "leaseOwner", KeyType: "HASH" }], Projection: { ProjectionType: "ALL" } },
      ],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  const status = async () => (await dynamo.send(new DescribeTableCommand({ TableName: name }))).Table!.TableStatus;
  await expect.poll(status).toBe("ACTIVE");
}

const keyOf = (shard: string) => ({ leaseKey: { S: shard } });
const put = async (shard: string, owner: string | null, counter: number) =>
  dynamo.send(
    new PutItemCommand({
      TableName,
      Item: { ...keyOf(shard), leaseCounter: { N: String(counter) }, ...(owner === null ? {} : { leaseOwner: { S: owner } }) },
    }),
  );
const renew = async (shard: string, owner: string, counter: number) =>
  dynamo.send(
    new UpdateItemCommand({
      TableName,
      Key: keyOf(shard),
      UpdateExpression: "SET leaseCounter = :next",
      ConditionExpression: "leaseOwner = :owner AND leaseCounter = :counter",
      ExpressionAttributeValues: { ":owner": { S: owner }, ":counter": { N: String(counter) }, ":next": { N: String(counter + 1) } },
    }),
  );
const read = async (shard: string, ConsistentRead = true) => {
  const { Item } = await dynamo.send(new GetItemCommand({ TableName, Key: keyOf(shard), ConsistentRead }));
  return Item === undefined ? undefined : { owner: Item["leaseOwner"]?.S, counter: Number(Item["leaseCounter"]!.N) };
};

test("of several conditional writes one wins", async () => {
  await put("shard-1", "a", 1);
  const results = await Promise.allSettled(Array.from({ length: 6 }, async () => renew("shard-1", "a", 1)));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const failed = results.find((result): result is PromiseRejectedResult => result.status === "rejected");
  expect(failed!.reason).toMatchObject({ name: "ConditionalCheckFailedException" });
  expect(await read("shard-1")).toEqual({ owner: "a", counter: 2 });
});

test("a read that does not ask for consistency returns what was before the last write, and later catches up", async () => {
  const quick = close(await startEmulatedKinesis({ staleReadMs: 300 }));
  dynamo = close(clientsOf(quick)).dynamo;
  await createTable(TableName);
  await put("shard-1", "a", 1);
  await expect.poll(async () => read("shard-1", false)).toEqual({ owner: "a", counter: 1 });
  await renew("shard-1", "a", 1);
  expect(await read("shard-1", false)).toEqual({ owner: "a", counter: 1 });
  expect(await read("shard-1", true)).toEqual({ owner: "a", counter: 2 });
  const scan = async (ConsistentRead: boolean) => (await dynamo.send(new ScanCommand({ TableName, ConsistentRead }))).Items!;
  expect((await scan(false))[0]!["leaseCounter"]).toEqual({ N: "1" });
  expect((await scan(true))[0]!["leaseCounter"]).toEqual({ N: "2" });
  const byOwner = new QueryCommand({
    TableName,
    IndexName: "byOwner",
    KeyConditionExpression: "leaseOwner = :owner",
    ExpressionAttributeValues: { ":owner": { S: "a" } },
  });
  expect((await dynamo.send(byOwner)).Items![0]!["leaseCounter"]).toEqual({ N: "1" });
  await expect.poll(async () => read("shard-1", false)).toEqual({ owner: "a", counter: 2 });
  expect((await dynamo.send(byOwner)).Items![0]!["leaseCounter"]).toEqual({ N: "2" });
  await dynamo.send(new DeleteItemCommand({ TableName, Key: keyOf("shard-1") }));
  expect(await read("shard-1", false)).toEqual({ owner: "a", counter: 2 });
  await expect.poll(async () => read("shard-1", false)).toBeUndefined();
  await dynamo.send(
    new BatchWriteItemCommand({
      RequestItems: { [TableName]: [{ PutRequest: { Item: { ...keyOf("shard-2"), leaseCounter: { N: "7" } } } }] },
    }),
  );
  expect(await read("shard-2", false)).toBeUndefined();
  await expect.poll(async () => read("shard-2", false)).toEqual({ owner: undefined, counter: 7 });
});

test("steal-partition gives the lease of the next renewal to another owner, who lets it go", async () => {
  await put("shard-1", "a", 1);
  await put("shard-2", "a", 1);
  emulator.inject({ kind: "steal-partition", topic, partition: "shard-2" });
  // A free lease cannot be stolen: the fault waits.
  await put("shard-3", null, 1);
  await renew("shard-1", "a", 1);
  await expect(renew("shard-2", "a", 1)).rejects.toMatchObject({ name: "ConditionalCheckFailedException" });
  const stolen = await read("shard-2");
  expect(stolen!.owner).not.toBe("a");
  expect(stolen!.counter).toBeGreaterThan(1);
  await expect.poll(async () => (await read("shard-2"))!.owner).toBeUndefined();
  expect(await read("shard-1")).toEqual({ owner: "a", counter: 2 });
});

test("lose-coordinator and a restart take all leases of a topic from their owners", async () => {
  for (const shard of ["shard-1", "shard-2"]) await put(shard, "a", 1);
  emulator.inject({ kind: "lose-coordinator", topic: "payments" });
  await renew("shard-1", "a", 1);
  emulator.clearFaults();
  emulator.inject({ kind: "lose-coordinator", topic });
  await expect(renew("shard-1", "a", 2)).rejects.toMatchObject({ name: "ConditionalCheckFailedException" });
  expect([await read("shard-1"), await read("shard-2")]).toEqual([
    { owner: undefined, counter: 3 },
    { owner: undefined, counter: 2 },
  ]);
  await put("shard-1", "b", 5);
  await emulator.restart();
  expect(await read("shard-1")).toEqual({ owner: undefined, counter: 6 });
});

test("faults meet the commits of a topic: refused, answered after the write, throttled, cut off", async () => {
  await put("shard-1", "a", 1);
  emulator.inject({ kind: "fail-after-write", topic, operation: "commit", times: 2 });
  await expect(renew("shard-1", "a", 1)).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } });
  await expect(renew("shard-1", "a", 2)).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(await read("shard-1")).toEqual({ owner: "a", counter: 3 });
  emulator.inject({ kind: "disconnect", topic, operation: "commit" });
  await read("shard-1");
  await expect(renew("shard-1", "a", 3)).rejects.toMatchObject({ code: "ECONNRESET" });
  emulator.inject({ kind: "throttle", topic, operation: "commit" });
  await expect(renew("shard-1", "a", 3)).rejects.toMatchObject({ name: "ProvisionedThroughputExceededException" });
  expect(await read("shard-1")).toEqual({ owner: "a", counter: 3 });
});

test("any error, delay or loss is planned by table and operation", async () => {
  await createTable("other");
  emulator.answerWith({ operation: "GetItem", topic: TableName, error: "ThrottlingException", times: 2 });
  await dynamo.send(new GetItemCommand({ TableName: "other", Key: keyOf("shard-1") }));
  await put("shard-1", "a", 1);
  for (let count = 0; count < 2; count += 1) await expect(read("shard-1")).rejects.toMatchObject({ name: "ThrottlingException" });
  expect(await read("shard-1")).toEqual({ owner: "a", counter: 1 });
  emulator.answerWith({ operation: "UpdateItem", topic: TableName, partition: "shard-1", error: "InternalServerError", isStored: true });
  await expect(renew("shard-1", "a", 1)).rejects.toMatchObject({ name: "InternalServerError" });
  expect(await read("shard-1")).toEqual({ owner: "a", counter: 2 });
  emulator.answerWith({ operation: "Scan", topic: TableName, delayMs: 150 });
  const startedAt = performance.now();
  await dynamo.send(new ScanCommand({ TableName }));
  expect(performance.now() - startedAt).toBeGreaterThan(140);
});

test("a table that is deleted is gone, and can be created again", async () => {
  await put("shard-1", "a", 1);
  emulator.inject({ kind: "fail-after-write", topic, operation: "admin" });
  await expect(dynamo.send(new DeleteTableCommand({ TableName }))).rejects.toMatchObject({ code: "ECONNRESET" });
  await expect.poll(async () => read("shard-1").catch((error: Error) => error.name)).toBe("ResourceNotFoundException");
  await createTable(TableName);
  expect(await read("shard-1")).toBeUndefined();
  expect(await read("shard-1", false)).toBeUndefined();
});
