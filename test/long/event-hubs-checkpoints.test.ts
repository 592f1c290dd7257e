import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../localstack/event-hubs/emulated-event-hubs.ts";
import { connect, text } from "../../src/index.ts";
import { npmFolder, pythonFolder, pythonRequirements } from "./fetched-packages.ts";
import { OFFICIAL_STORE, officialProcessor } from "./official-processor.ts";

// Checkpoints of the vendor's processors are resumed by streamport, and those of streamport by them.

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

async function javaScriptProcessor(): Promise<Processor> {
  const { handle } = officialProcessor(await npmFolder([OFFICIAL_STORE]));
  return async (emulator, count) => (await handle(emulator, count)).map(String);
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
  ["the official store of JavaScript", javaScriptProcessor],
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
