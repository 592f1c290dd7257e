import { spawn } from "node:child_process";
import { join } from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventHubs } from "../../adapters/event-hubs/index.ts";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../localstack/event-hubs/emulated-event-hubs.ts";
import { OpenConnection } from "../../src/connection.ts";
import { connect, text } from "../../src/index.ts";
import { blobOutcomes } from "./blob-outcomes.ts";
import { npmFolder } from "./fetched-packages.ts";
import { OFFICIAL_STORE, officialProcessor } from "./official-processor.ts";

// The blobs of the emulated Event Hubs against azurite, Microsoft's emulator of Azure Storage, and under the official store of checkpoints.

const AZURITE = "azurite@3.37.0";

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

test(
  "groups of streamport share partitions, hand over, are reset and deleted on azurite, and rights are found there",
  { timeout: 120_000 },
  async () => {
    const azurite = await startAzurite();
    try {
      const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient("groups");
      await container.create();
      const url = new URL(container.url);
      [url.username, url.password] = ["judge", encodeURIComponent("a2V5")];
      await using own = await startEmulatedEventHubs({ topics: { orders: { partitions: 4, groups: ["billing"] } } });
      const { connectionString } = own;
      const options = { connectionString, checkpoints: url.href, developmentEmulator: true };
      await using connection = await connect(eventHubs(options), { require: ["groupAdmin", "groupReset", "lagInMessages"] });
      const { admin } = connection;
      const topic = connection.topic("orders", { codec: text() });
      const producer = topic.producer();
      const publish = async (from: number, to: number): Promise<void> => {
        for (let count = from; count < to; count += 1)
          await producer.send({ key: null, value: String(count), toPartition: String(count % 4) });
      };
      const numbers = (from: number, to: number): string[] =>
        Array.from({ length: to - from }, (_, index) => String(from + index)).toSorted();
      const handled: string[] = [];
      const member = () => {
        const consumer = topic.consumer({
          group: "billing",
          initialPosition: "earliest",
          sessionTimeoutMs: 3_000,
          commit: { everyMs: 10 },
        });
        const running = consumer.run(({ value }) => void handled.push(value));
        running.catch(() => undefined);
        return async (): Promise<void> => {
          await consumer.close();
          await running;
        };
      };
      const stops = [member(), member()];
      await publish(0, 20);
      await expect.poll(() => handled.toSorted(), { timeout: 30_000 }).toEqual(numbers(0, 20));
      await stops[0]!();
      await publish(20, 40);
      await expect.poll(() => handled.toSorted(), { timeout: 30_000 }).toEqual(numbers(0, 40));
      await stops[1]!();
      expect(await admin.listGroups("orders")).toEqual(["billing"]);
      expect((await admin.lag("orders", "billing")).messages).toBe(0);
      await admin.resetGroup("orders", "billing", "earliest");
      expect((await admin.lag("orders", "billing")).messages).toBe(40);
      const inspection = OpenConnection.inspectionOf(connection);
      for (const permission of (await inspection.permissions("orders", "billing", AbortSignal.timeout(30_000))) ?? [])
        expect(permission).toMatchObject({ isAllowed: true, lacking: [] });
      await admin.deleteGroup("orders", "billing");
      expect(await admin.listGroups("orders")).toEqual([]);
      for await (const { name } of container.listBlobsFlat()) expect.unreachable(`${name} is left`);
    } finally {
      azurite.stop();
    }
  },
);

test("the official store of checkpoints runs processors on the emulator", { timeout: 120_000 }, async () => {
  const { EventHubProducerClient, handle } = officialProcessor(folder);
  const producer = new EventHubProducerClient(emulator.connectionString, "orders");
  const publish = async (from: number, to: number): Promise<void> => {
    for (let count = from; count < to; count += 1) await producer.sendBatch([{ body: count }], { partitionId: String(count % 4) });
  };
  const process = async (count: number): Promise<readonly number[]> => (await handle(emulator, count)) as readonly number[];
  await publish(0, 20);
  expect([...(await process(20))].sort((left, right) => left - right)).toEqual(Array.from({ length: 20 }, (_, count) => count));
  await publish(20, 30);
  // The second processor resumes behind the checkpoints of the first.
  expect([...(await process(10))].sort((left, right) => left - right)).toEqual(Array.from({ length: 10 }, (_, count) => count + 20));
  await producer.close();
});
