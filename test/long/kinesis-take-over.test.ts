import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { describe, expect, test } from "vitest";
import { startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { connect, text } from "../../src/index.ts";
import { clientsOf } from "../unit/localstack/kinesis/clients.ts";
import { checkOrder } from "./kcl/check-order.ts";
import { KclWorker, kclRequirements } from "./kcl/kcl-worker.ts";

const missing = kclRequirements();
const WAIT = { timeout: 180_000, interval: 200 };
const APPLICATION = "billing-application";
const KEYS = Array.from({ length: 8 }, (_, key) => `key-${key}`);

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
describe.each(missing === null ? [] : [missing])("an application of the Kinesis Client Library that is taken over", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(
      KclWorker.start({ endpoint: "http://127.0.0.1:1", stream: "a", application: APPLICATION, start: "LATEST" }),
    ).rejects.toThrow(reason);
  });
});

test.each(missing === null ? ["Kinesis Client Library for Java"] : [])(
  "a group goes on where an application on the %s has stopped, over a reshard, and the application goes on where the group has",
  async () => {
    await using emulator = await startEmulatedKinesis({ topics: { orders: { partitions: 2 } } });
    using clients = clientsOf(emulator);
    let sent = 0;
    const publish = async (): Promise<void> => {
      const Records = KEYS.map((key, index) => ({ PartitionKey: key, Data: Buffer.from(`${key} ${sent + index}`) }));
      await clients.kinesis.send(new PutRecordsCommand({ StreamName: "orders", Records }));
      sent += KEYS.length;
    };
    const settings = { endpoint: emulator.endpoint, stream: "orders", application: APPLICATION, start: "TRIM_HORIZON" } as const;
    for (let round = 0; round < 3; round += 1) await publish();
    const worker = await KclWorker.start(settings);
    await expect.poll(() => new Set(worker.texts).size, WAIT).toBe(sent);
    await worker.kill();
    const byWorker = new Set(worker.texts);
    emulator.reshard("orders", 3);
    for (let round = 0; round < 3; round += 1) await publish();

    await using connection = await connect(emulator.url, { groups: { billing: APPLICATION } });
    const handled: string[] = [];
    const consumer = connection
      .topic("orders", { codec: text() })
      .consumer({ group: "billing", sessionTimeoutMs: 6_000, initialPosition: "latest", commit: { everyMs: 50 } });
    void consumer.run((message) => void handled.push(message.value));
    await expect.poll(() => new Set([...byWorker, ...handled]).size, WAIT).toBe(sent);
    checkOrder(handled);
    // The worker had stored its checkpoints: at most what came after the last of them comes again.
    expect(handled.filter((value) => byWorker.has(value)).length).toBeLessThan(byWorker.size);
    await consumer.close();

    for (let round = 0; round < 2; round += 1) await publish();
    const shard = { leaseKey: { S: "shardId-000000000000" } };
    const { Item } = await clients.dynamo.send(new GetItemCommand({ TableName: APPLICATION, Key: shard, ConsistentRead: true }));
    expect(Item?.["leaseCounter"]?.N).toBeDefined();
    await using back = await KclWorker.start(settings);
    const byGroup = new Set(handled);
    await expect.poll(() => new Set([...byWorker, ...byGroup, ...back.texts]).size, WAIT).toBe(sent);
    checkOrder(back.texts);
    expect(back.texts.filter((value) => byWorker.has(value))).toEqual([]);
  },
);
