import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type * as EventHubs from "@azure/event-hubs";
import type * as StorageBlob from "@azure/storage-blob";
import { expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../localstack/event-hubs/emulated-event-hubs.ts";
import { connect, text } from "../../src/index.ts";
import { npmFolder, pythonFolder, pythonRequirements } from "./fetched-packages.ts";

// Checkpoints of the vendor's processors are resumed by streamport, and those of streamport by them.

const OFFICIAL_STORE = "@azure/eventhubs-checkpointstore-blob@2.0.0";
const PYTHON_PACKAGES = ["azure-eventhub==5.15.1", "azure-eventhub-checkpointstoreblob==1.2.0"];
const PYTHON_PROCESSOR = fileURLToPath(new URL("event-hubs-processor.py", import.meta.url));
const PARTITIONS = 4;
const ROUND = 12;
/** Of AMQP: the client for Python names its blobs by the host with the port, unless that is left out, as it is on the service. */
const AMQP_PORT = 5672;

/** Handles so many events of the group `billing`, stores its checkpoints, and ends. */
type Processor = (emulator: EmulatedEventHubs, count: number) => Promise<readonly string[]>;

const missing = pythonRequirements();

test.each(missing === null ? [] : [missing])("environment-missing: %s", (reason) => {
  expect(reason).toMatch(/python3/);
});

interface OfficialSdk {
  readonly BlobCheckpointStore: new (container: object) => object;
}

async function officialProcessor(): Promise<Processor> {
  const load = createRequire(join(await npmFolder([OFFICIAL_STORE]), "package.json"));
  const { BlobCheckpointStore } = load("@azure/eventhubs-checkpointstore-blob") as OfficialSdk;
  // Its own copies: it pins a version of the SDK.
  const own = createRequire(load.resolve("@azure/eventhubs-checkpointstore-blob"));
  const { EventHubConsumerClient } = own("@azure/event-hubs") as typeof EventHubs;
  const { BlobServiceClient } = own("@azure/storage-blob") as typeof StorageBlob;
  return async ({ connectionString, storageConnectionString, checkpointContainer }, count) => {
    const container = BlobServiceClient.fromConnectionString(storageConnectionString).getContainerClient(checkpointContainer);
    const client = new EventHubConsumerClient("billing", connectionString, "orders", new BlobCheckpointStore(container) as never, {
      loadBalancingOptions: { strategy: "greedy", updateIntervalInMs: 200, partitionOwnershipExpirationIntervalInMs: 3_000 },
    });
    const handled: string[] = [];
    const done = Promise.withResolvers<void>();
    const subscription = client.subscribe(
      {
        processEvents: async (events, context) => {
          handled.push(...events.map(({ body }) => String(body)));
          const last = events.at(-1);
          if (last !== undefined) await context.updateCheckpoint(last);
          if (handled.length >= count) done.resolve();
        },
        processError: async (error) => done.reject(error),
      },
      { startPosition: { offset: "-1" }, maxWaitTimeInSeconds: 0.2 },
    );
    await done.promise;
    await subscription.close();
    await client.close();
    return handled;
  };
}

async function pythonProcessor(): Promise<Processor> {
  const folder = await pythonFolder(PYTHON_PACKAGES);
  return async ({ connectionString, storageConnectionString, checkpointContainer }, count) => {
    const addresses = {
      EVENT_HUBS: connectionString.replace(`:${AMQP_PORT};`, ";"),
      STORAGE: storageConnectionString,
      CONTAINER: checkpointContainer,
    };
    const env = { ...process.env, ...addresses, PYTHONPATH: folder };
    const { stdout } = await promisify(execFile)("python3", [PYTHON_PROCESSOR, String(count)], { env });
    return stdout.trim().split("\n");
  };
}

const ours: Processor = async ({ url }, count) => {
  await using connection = await connect(url);
  const handled: string[] = [];
  const done = Promise.withResolvers<void>();
  const consumer = connection
    .topic("orders", { codec: text() })
    .consumer({ group: "billing", initialPosition: "earliest", sessionTimeoutMs: 6_000, commit: { everyMs: 10 } });
  const running = consumer.run(({ value }) => {
    handled.push(value);
    if (handled.length >= count) done.resolve();
  });
  await Promise.race([done.promise, running]);
  await consumer.close();
  return handled;
};

test.each([
  ["the official store of JavaScript", officialProcessor],
  ...(missing === null ? [["Python's store", pythonProcessor] as const] : []),
] as const)("checkpoints of %s are resumed by streamport, and the reverse", { timeout: 600_000 }, async (_, prepare) => {
  const foreign = await prepare();
  await using emulator = await startEmulatedEventHubs({
    port: AMQP_PORT,
    topics: { orders: { partitions: PARTITIONS, groups: ["billing"] } },
  });
  await using connection = await connect(emulator.url);
  const producer = connection.topic("orders", { codec: text() }).producer();
  for (const [round, process] of [foreign, ours, foreign, ours].entries()) {
    const values = Array.from({ length: ROUND }, (__, index) => String(1_000 + round * ROUND + index));
    await producer.sendBatch(values.map((value, index) => ({ key: null, value, toPartition: String(index % PARTITIONS) })));
    const handled = await process(emulator, ROUND);
    // Exactly what was sent since the other one has stored its checkpoints.
    expect(handled.toSorted(), `round ${round}`).toEqual(values);
  }
});
