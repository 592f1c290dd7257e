import { EventHubConsumerClient, type ReceivedEventData } from "@azure/event-hubs";
import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { expect, test } from "vitest";
import { loadEventHubsOpener } from "../../../../adapters/event-hubs/open.ts";
import { partitionIndexOf } from "../../../../adapters/event-hubs/produce/partition-key-hash.ts";
import { startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { connect, text } from "../../../../src/index.ts";

const GENEROUS = { timeout: 60_000 };
const VALUES = ["first", "", null, "last"];

test(
  "what is sent is read by streamport, by a group, and by the vendor's client; and the checkpoint is where its processors look",
  GENEROUS,
  async () => {
    await using emulator = await startEmulatedEventHubs({ topics: { Flights: { partitions: 4, groups: ["delays"] } } });
    const openDriver = await loadEventHubsOpener();
    await using connection = await connect(openDriver(emulator.url));
    const topic = connection.topic("Flights", { codec: text(), tombstones: true });
    const producer = topic.producer();
    await producer.sendBatch(VALUES.map((value) => ({ key: "LH400", value, headers: { kind: "ü" } })));
    await producer.close();

    const partition = String(partitionIndexOf(Buffer.from("LH400"), 4));
    const read: (string | null)[] = [];
    for await (const message of topic.reader({ from: "earliest", until: "now" })) {
      expect(message).toMatchObject({ partition, key: "LH400", headers: { kind: "ü" } });
      read.push(message.value);
    }
    expect(read).toEqual(VALUES);

    const foreign = await readByVendor(emulator.connectionString, partition, VALUES.length);
    expect(foreign.map(({ partitionKey }) => partitionKey)).toEqual(VALUES.map(() => "LH400"));
    expect(foreign.map(({ properties }) => properties)).toEqual(
      VALUES.map((value) => (value === null ? { kind: "ü", "streamport-tombstone": "1" } : { kind: "ü" })),
    );

    const handled: (string | null)[] = [];
    const done = Promise.withResolvers<void>();
    const consumer = topic.consumer({ group: "delays", initialPosition: "earliest", sessionTimeoutMs: 6_000 });
    const running = consumer.run(async ({ value }) => {
      handled.push(value);
      if (handled.length === VALUES.length) done.resolve();
    });
    await Promise.race([done.promise, running]);
    await consumer.close();
    expect(handled).toEqual(VALUES);

    const metadata = await checkpointOf(emulator.checkpoints, `127.0.0.1/flights/delays/checkpoint/${partition}`);
    expect(metadata).toMatchObject({ sequencenumber: "3", offset: foreign.at(-1)!.offset });
  },
);

async function readByVendor(connectionString: string, partition: string, count: number): Promise<readonly ReceivedEventData[]> {
  const client = new EventHubConsumerClient("$Default", connectionString, "Flights");
  const found: ReceivedEventData[] = [];
  const failure = Promise.withResolvers<void>();
  const subscription = client.subscribe(
    partition,
    {
      processEvents: async (events) => {
        found.push(...events);
        if (found.length >= count) failure.resolve();
      },
      processError: async (error) => failure.reject(error),
    },
    { startPosition: { offset: "-1" }, maxBatchSize: 10 },
  );
  await failure.promise;
  await subscription.close();
  await client.close();
  return found;
}

async function checkpointOf(checkpoints: string, name: string): Promise<Record<string, string> | undefined> {
  const url = new URL(checkpoints);
  const key = new StorageSharedKeyCredential(url.username, decodeURIComponent(url.password));
  return (await new ContainerClient(`${url.origin}${url.pathname}`, key).getBlobClient(name).getProperties()).metadata;
}
