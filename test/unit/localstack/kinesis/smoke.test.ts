import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  waitUntilStreamExists,
} from "@aws-sdk/client-kinesis";
import { CreateTableCommand, GetItemCommand, UpdateItemCommand, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { startEmulatedKinesis } from "../../../../localstack/kinesis/emulated-kinesis.ts";
import { clientsOf } from "./clients.ts";

test("streams are created, written and read, and tables beside them", async () => {
  await using emulator = await startEmulatedKinesis();
  using clients = clientsOf(emulator);
  const { kinesis, dynamo } = clients;
  const StreamName = "orders";
  await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 2 }));
  await waitUntilStreamExists({ client: kinesis, maxWaitTime: 10, minDelay: 0.01, maxDelay: 0.02 }, { StreamName });
  const { StreamDescriptionSummary: summary } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName }));
  expect(summary).toMatchObject({ StreamStatus: "ACTIVE", OpenShardCount: 2, RetentionPeriodHours: 24 });
  const one = await kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: "a", Data: Buffer.from("one") }));
  const many = await kinesis.send(
    new PutRecordsCommand({ StreamName, Records: ["two", "three"].map((text) => ({ PartitionKey: "a", Data: Buffer.from(text) })) }),
  );
  expect(many.FailedRecordCount).toBe(0);
  const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName }));
  expect(Shards).toHaveLength(2);
  const { ShardIterator } = await kinesis.send(
    new GetShardIteratorCommand({ StreamName, ShardId: one.ShardId!, ShardIteratorType: "TRIM_HORIZON" }),
  );
  const { Records = [], MillisBehindLatest } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
  expect(Records.map(({ Data }) => Buffer.from(Data!).toString())).toEqual(["one", "two", "three"]);
  expect(MillisBehindLatest).toBe(0);

  const TableName = "leases";
  await dynamo.send(
    new CreateTableCommand({
      TableName,
      KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "leaseKey", AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  await waitUntilTableExists({ client: dynamo, maxWaitTime: 10, minDelay: 0.01, maxDelay: 0.02 }, { TableName });
  const Key = { leaseKey: { S: "shardId-000000000000" } };
  const take = (owner: string) =>
    dynamo.send(
      new UpdateItemCommand({
        TableName,
        Key,
        UpdateExpression: "SET leaseOwner = :owner",
        ConditionExpression: "attribute_not_exists(leaseOwner)",
        ExpressionAttributeValues: { ":owner": { S: owner } },
      }),
    );
  await take("a");
  await expect(take("b")).rejects.toMatchObject({ name: "ConditionalCheckFailedException" });
  const read = async (ConsistentRead: boolean) => (await dynamo.send(new GetItemCommand({ TableName, Key, ConsistentRead }))).Item;
  expect(await read(true)).toMatchObject({ leaseOwner: { S: "a" } });
  expect(await read(false)).toBeUndefined();
});
