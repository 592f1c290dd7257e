import { DynamoDBClient, ListTablesCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { KinesisClient, ListStreamsCommand } from "@aws-sdk/client-kinesis";
import { expect, test } from "vitest";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { BUSY_CASE_MS, expectSuite } from "./expect-suite.ts";

test("an emulated Kinesis passes completely", { timeout: 600_000 }, async () => {
  await using emulator = await startEmulatedKinesis();
  await expectSuite("kinesis-emulator", { url: emulator.url, emulator }, { timeoutMs: BUSY_CASE_MS });
  expect(await whatIsLeft(emulator)).toEqual({ streams: [], tables: ["streamport.groups"], groups: 0 });
});

/** As another client sees it. */
async function whatIsLeft({ endpoint, region }: EmulatedKinesis): Promise<object> {
  const settings = { endpoint, region, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  const dynamo = new DynamoDBClient(settings);
  // The requests of its own transport need HTTP/2.
  const kinesis = new KinesisClient({ ...settings, requestHandler: dynamo.config.requestHandler as never });
  try {
    const { StreamNames } = await kinesis.send(new ListStreamsCommand({}));
    const { TableNames } = await dynamo.send(new ListTablesCommand({}));
    const { Count } = await dynamo.send(new ScanCommand({ TableName: "streamport.groups", ConsistentRead: true }));
    return { streams: StreamNames, tables: TableNames, groups: Count };
  } finally {
    kinesis.destroy();
    dynamo.destroy();
  }
}
