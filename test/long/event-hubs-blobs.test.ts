import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as EventHubs from "@azure/event-hubs";
import type * as StorageBlob from "@azure/storage-blob";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../localstack/event-hubs/emulated-event-hubs.ts";
import { blobOutcomes } from "./blob-outcomes.ts";
import { npmFolder } from "./fetched-packages.ts";

// The blobs of the emulated Event Hubs against azurite, Microsoft's emulator of Azure Storage, and under the official store of checkpoints.

const AZURITE = "azurite@3.37.0";
const OFFICIAL_STORE = "@azure/eventhubs-checkpointstore-blob@2.0.0";

/** Where azurite says 412, the service says 404: https://github.com/Azure/azure-sdk-for-net/issues/29068 */
const OF_THE_SERVICE = { "metadata under a condition": "404 BlobNotFound" };

let emulator: EmulatedEventHubs;
let folder: string;

beforeAll(async () => {
  folder = await npmFolder([AZURITE, OFFICIAL_STORE]);
  emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 4, groups: ["billing"] } }, blobsPerPage: 3 });
}, 600_000);

afterAll(async () => {
  await emulator.close();
});

/** Its account is the same for everybody: https://learn.microsoft.com/azure/storage/common/storage-use-azurite */
async function startAzurite(): Promise<{ readonly connectionString: string; stop(): void }> {
  const program = join(folder, "node_modules", "azurite", "dist", "src", "blob", "main.js");
  const options = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"];
  const azurite = spawn(process.execPath, [program, ...options], {
    env: { ...process.env, AZURITE_ACCOUNTS: "judge:a2V5" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    azurite.stdout.on("data", (bytes: Buffer) => {
      said += bytes.toString("utf8");
      const found = /successfully listens on (http:\/\/\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    azurite.once("exit", (code) => reject(new Error(`azurite ended with ${code}: ${said}`)));
  });
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=judge;AccountKey=a2V5;BlobEndpoint=${url}/judge;`;
  return { connectionString, stop: () => void azurite.kill("SIGTERM") };
}

test("what stores of checkpoints do has the same outcomes on azurite", { timeout: 120_000 }, async () => {
  const azurite = await startAzurite();
  try {
    const expected = await blobOutcomes(azurite.connectionString, "judged");
    expect(Object.keys(expected).length).toBeGreaterThan(35);
    await using plain = await startEmulatedEventHubs();
    expect(await blobOutcomes(plain.storageConnectionString, "judged")).toEqual({ ...expected, ...OF_THE_SERVICE });
  } finally {
    azurite.stop();
  }
});

interface OfficialSdk {
  readonly BlobCheckpointStore: new (container: unknown) => object;
}

test("the official store of checkpoints runs processors on the emulator", { timeout: 120_000 }, async () => {
  const load = createRequire(join(folder, "package.json"));
  const { BlobCheckpointStore } = load("@azure/eventhubs-checkpointstore-blob") as OfficialSdk;
  // Its own copies: it pins a version of the SDK.
  const own = createRequire(load.resolve("@azure/eventhubs-checkpointstore-blob"));
  const { EventHubConsumerClient, EventHubProducerClient } = own("@azure/event-hubs") as typeof EventHubs;
  const { BlobServiceClient } = own("@azure/storage-blob") as typeof StorageBlob;
  const container = BlobServiceClient.fromConnectionString(emulator.storageConnectionString).getContainerClient(
    emulator.checkpointContainer,
  );
  const producer = new EventHubProducerClient(emulator.connectionString, "orders");
  const publish = async (from: number, to: number): Promise<void> => {
    for (let count = from; count < to; count += 1) await producer.sendBatch([{ body: count }], { partitionId: String(count % 4) });
  };
  const process = async (until: number): Promise<readonly number[]> => {
    const handled: number[] = [];
    const client = new EventHubConsumerClient("billing", emulator.connectionString, "orders", new BlobCheckpointStore(container) as never, {
      loadBalancingOptions: { strategy: "greedy", updateIntervalInMs: 200, partitionOwnershipExpirationIntervalInMs: 3_000 },
    });
    const done = Promise.withResolvers<void>();
    const subscription = client.subscribe(
      {
        processEvents: async (events, context) => {
          handled.push(...events.map(({ body }) => body as number));
          const last = events.at(-1);
          if (last !== undefined) await context.updateCheckpoint(last);
          if (handled.length >= until) done.resolve();
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
  await publish(0, 20);
  expect([...(await process(20))].sort((left, right) => left - right)).toEqual(Array.from({ length: 20 }, (_, count) => count));
  await publish(20, 30);
  // The second processor resumes behind the checkpoints of the first.
  expect([...(await process(10))].sort((left, right) => left - right)).toEqual(Array.from({ length: 10 }, (_, count) => count + 20));
  await producer.close();
});
