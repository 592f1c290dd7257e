import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { ListShardsCommand, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { describe, expect, test } from "vitest";
import { startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { clientsOf } from "../unit/localstack/kinesis/clients.ts";
import { checkOrder } from "./kcl/check-order.ts";
import { KclWorker, kclRequirements } from "./kcl/kcl-worker.ts";

const missing = kclRequirements();
const WAIT = { timeout: 120_000, interval: 200 };
const application = "billing";

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
describe.each(missing === null ? [] : [missing])("the Kinesis Client Library on the emulated Kinesis", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(KclWorker.start({ endpoint: "http://127.0.0.1:1", stream: "a", application: "b", start: "LATEST" })).rejects.toThrow(
      reason,
    );
  });
});

test.each(missing === null ? ["Kinesis Client Library for Java"] : [])(
  "an application on the %s reads through splits, merges, a stolen lease and a crash, each key in order, on the emulated Kinesis",
  async () => {
    await using emulator = await startEmulatedKinesis({ topics: { orders: { partitions: 2 } } });
    using clients = clientsOf(emulator);
    const sent: string[] = [];
    const publish = async (): Promise<void> => {
      const records = Array.from({ length: 20 }, (_, index) => ({
        key: `key-${index % 5}`,
        text: `key-${index % 5} ${sent.length + index}`,
      }));
      // One record of a key in a call: a call does not keep the order of a key.
      for (let from = 0; from < records.length; from += 5) {
        const Records = records.slice(from, from + 5).map(({ key, text }) => ({ PartitionKey: key, Data: Buffer.from(text) }));
        await clients.kinesis.send(new PutRecordsCommand({ StreamName: "orders", Records }));
      }
      sent.push(...records.map(({ text }) => text));
    };
    const settings = { endpoint: emulator.endpoint, stream: "orders", application, start: "TRIM_HORIZON" } as const;
    await publish();
    await using first = await KclWorker.start(settings);
    const complete = async (): Promise<void> => expect.poll(() => new Set(first.texts).size, WAIT).toBe(sent.length);
    await complete();
    for (const shards of [4, 3, 2]) {
      emulator.reshard("orders", shards);
      await publish();
      await complete();
    }
    // The library renews the leases of ended shards too, until it removes them, and a processor hears only of the loss of an open one.
    const { Shards = [] } = await clients.kinesis.send(new ListShardsCommand({ StreamName: "orders" }));
    const open = Shards.find(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined);
    emulator.inject({ kind: "steal-partition", topic: application, partition: open?.ShardId });
    await expect.poll(() => first.events.some(({ what }) => what === "lost"), WAIT).toBe(true);
    await publish();
    await complete();
    checkOrder(first.texts);

    await first.kill();
    await publish();
    await using other = await KclWorker.start(settings);
    await expect.poll(() => new Set([...first.texts, ...other.texts]).size, WAIT).toBe(sent.length);
    checkOrder(other.texts);
    // It goes on where the first one was, and does not begin anew.
    expect(other.texts.length).toBeLessThan(sent.length / 2);
    const { Items = [] } = await clients.dynamo.send(new ScanCommand({ TableName: application, ConsistentRead: true }));
    expect(Items.length).toBeGreaterThan(2);
    expect(Items.every(({ checkpoint, leaseCounter }) => checkpoint?.S !== undefined && leaseCounter?.N !== undefined)).toBe(true);
  },
);
