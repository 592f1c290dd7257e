import { DynamoDBClient, ListTablesCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { KinesisClient, ListStreamsCommand } from "@aws-sdk/client-kinesis";
import { expect, test } from "vitest";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { compareWithExpected, conformanceCases, runCases, staleEntries } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "./expected-results.ts";

test("an emulated Kinesis passes completely", { timeout: 600_000 }, async () => {
  await using emulator = await startEmulatedKinesis();
  const target = { connect: async () => connect(emulator.url), emulator };
  const notCleanedUp: string[] = [];
  const reports = await runCases(conformanceCases(), target, {
    // Both sides are in this process, and a case of faults makes a thousand calls: on a busy machine that takes longer.
    timeoutMs: 90_000,
    onNotCleanedUp: (names) => void notCleanedUp.push(...names),
  });
  const expected = await expectedResults("kinesis-emulator");
  expect(compareWithExpected(reports, expected)).toEqual([]);
  expect(staleEntries(conformanceCases(), expected)).toEqual([]);
  expect(reports).toHaveLength(conformanceCases().length);
  expect(notCleanedUp).toEqual([]);
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
