import { EventHubConsumerClient, EventHubProducerClient, type Subscription } from "@azure/event-hubs";
import { partitionIndexOf } from "../../adapters/event-hubs/produce/partition-key-hash.ts";
import { type Connection, type OutgoingMessage, bytes, connect } from "../../src/index.ts";
import { type Consuming, byRun, byRunBatches, compareConsuming, fillTopic } from "./consume-comparison.ts";
import { startEmulatorProcess } from "./emulator-process.ts";
import { idleMemoryOf, rawIdleMemoryOf } from "./event-hubs-idle-memory.ts";
import { type Comparison, type Pairs, comparisonText, worstControl } from "./paired.ts";
import { providerBars } from "./provider-bars.ts";
import { comparePublishing, eachBatch } from "./publish-comparison.ts";
import { type Bar, type BenchResult, isWithinControl, rounded } from "./result.ts";
import { batchesOf, workload } from "./workload.ts";

const PARTITIONS = 4;
const VALUE_BYTES = 1_024;
const BATCH = 1_000;
const PUBLISHED = 20_000;
const CONCURRENT = 512;
const SENT_ONE_BY_ONE = CONCURRENT * 10;
const CONSUMED = 50_000;
const PAIRS: Pairs = { pairs: 11, warmUp: 2 };
/** A control that leaves its bounds repeats all rounds, three times at most. */
const MOST_GROUPS = 3 * 2 * (PAIRS.pairs + PAIRS.warmUp);
/** The fastest that was found for the raw consumer. */
const RAW_SETTINGS = { maxBatchSize: 200, prefetchCount: 2_000 };
const MIB = 1_048_576;

const groups = Array.from({ length: MOST_GROUPS }, (_, index) => `group-${index}`);
const topics = {
  "batch.ours": { partitions: PARTITIONS },
  "batch.raw": { partitions: PARTITIONS },
  "one.ours": { partitions: PARTITIONS },
  "one.raw": { partitions: PARTITIONS },
  consume: { partitions: PARTITIONS, groups },
  replay: { partitions: PARTITIONS },
  heap: { partitions: PARTITIONS },
  inversions: { partitions: PARTITIONS },
  "idle.ours": { partitions: 1, groups: ["idle"] },
  "idle.raw": { partitions: 1 },
};

type Event = { readonly body: Uint8Array };
/** Of one partition. */
type Part = readonly [partitionId: string, events: readonly Event[]];

/** As the documentation says: a batch for each partition, filled until it is full. All partitions at once. */
async function sendParts(client: EventHubProducerClient, parts: readonly Part[]): Promise<void> {
  await Promise.all(
    parts.map(async ([partitionId, events]) => {
      let batch = await client.createBatch({ partitionId });
      for (const event of events) {
        if (batch.tryAdd(event)) continue;
        await client.sendBatch(batch);
        batch = await client.createBatch({ partitionId });
        batch.tryAdd(event);
      }
      await client.sendBatch(batch);
    }),
  );
}

function partsOf(messages: readonly OutgoingMessage<Uint8Array>[]): readonly Part[] {
  const byPartition = Map.groupBy(messages, ({ key }) => String(partitionIndexOf(Buffer.from(key as string), PARTITIONS)));
  return [...byPartition].map(([partition, own]) => [partition, own.map(({ value }) => ({ body: value }))] as const);
}

async function inBatches(connection: Connection, connectionString: string): Promise<Comparison<"ours">> {
  const messages = workload(PUBLISHED, VALUE_BYTES);
  const producer = connection.topic("batch.ours", { codec: bytes() }).producer();
  const client = new EventHubProducerClient(connectionString, "batch.raw");
  const batches = batchesOf(messages, BATCH);
  const ways = {
    ours: { connection, topic: "batch.ours", messages, publish: eachBatch(batches, (batch) => producer.sendBatch(batch)) },
    raw: { connection, topic: "batch.raw", messages, publish: eachBatch(batches.map(partsOf), (parts) => sendParts(client, parts)) },
  };
  const comparison = await comparePublishing(ways, { ...PAIRS, partitions: null });
  await client.close();
  await producer.close();
  return comparison;
}

/** So many sends are under way, each of one message. */
async function oneByOne(connection: Connection, connectionString: string): Promise<Comparison<"ours">> {
  const messages = workload(SENT_ONE_BY_ONE, VALUE_BYTES);
  const producer = connection.topic("one.ours", { codec: bytes() }).producer();
  const client = new EventHubProducerClient(connectionString, "one.raw");
  const all = batchesOf(messages, CONCURRENT);
  const ways = {
    ours: {
      connection,
      topic: "one.ours",
      messages,
      publish: eachBatch(all, (some) => Promise.all(some.map((message) => producer.send(message)))),
    },
    raw: {
      connection,
      topic: "one.raw",
      messages,
      publish: eachBatch(all, (some) =>
        Promise.all(some.map(({ key, value }) => client.sendBatch([{ body: value }], { partitionKey: key as string }))),
      ),
    },
  };
  const comparison = await comparePublishing(ways, { ...PAIRS, partitions: null });
  await client.close();
  await producer.close();
  return comparison;
}

function byVendor(connectionString: string): Consuming {
  return (read) => {
    const client = new EventHubConsumerClient("$Default", connectionString, "consume");
    const subscriptions = Array.from({ length: PARTITIONS }, (_, partition): Subscription => {
      return client.subscribe(
        String(partition),
        {
          processEvents: async (events) => {
            for (const { body } of events) read(body as Uint8Array);
          },
          processError: async (error) => {
            throw error;
          },
        },
        { startPosition: { offset: "-1" }, maxWaitTimeInSeconds: 1, skipParsingBodyAsJson: true, ...RAW_SETTINGS },
      );
    });
    return async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
      await client.close();
    };
  };
}

async function consume(connection: Connection, connectionString: string): Promise<Comparison<"run" | "runBatches">> {
  const topic = connection.topic("consume", { codec: bytes() });
  const values = await fillTopic(topic, workload(CONSUMED, VALUE_BYTES));
  const left = groups.values();
  const newGroup = (): string => {
    const { value } = left.next();
    if (value === undefined) throw new Error("there are no more groups");
    return value;
  };
  const ways = { run: byRun(topic, newGroup), runBatches: byRunBatches(topic, newGroup), raw: byVendor(connectionString) };
  return compareConsuming(values, ways, PAIRS);
}

/**
 * Against the Azure SDK on the emulator in a process of its own: both pay for the same service. Four partitions, 1 KB.
 * @param tell progress, for people
 */
export async function benchEventHubs(tell: (text: string) => void): Promise<BenchResult> {
  await using emulator = await startEmulatorProcess("event-hubs", { topics });
  const connectionString = emulator.environment["EVENT_HUBS_CONNECTION_STRING"] ?? "";
  await using connection = await connect(emulator.url);
  const batches = await inBatches(connection, connectionString);
  tell(`batches: ${comparisonText(batches)}`);
  const ones = await oneByOne(connection, connectionString);
  tell(`one by one: ${comparisonText(ones)}`);
  const consumed = await consume(connection, connectionString);
  const { run, runBatches } = consumed.figures;
  tell(`consume: ${comparisonText(consumed)}`);
  const common = await providerBars(emulator, (name) => connection.topic(name, { codec: bytes() }));
  const rawIdle = await rawIdleMemoryOf(connection, connectionString, "idle.raw");
  const idle = await idleMemoryOf(connection, "idle.ours", "idle");
  tell(`idle, then a flood and a slow handler: ours ${(idle / MIB).toFixed(1)} MiB, raw ${(rawIdle / MIB).toFixed(1)} MiB`);

  const { pairs } = PAIRS;
  const once = { better: "lower", pairs: 1 } as const;
  const idleBars: readonly Bar[] = [
    { name: "memory after idle cycles and a flood: MiB", value: rounded(idle / MIB), must: 64, aim: 32, ...once },
    // Where the SDK no longer leaks credit the comparison goes.
    { name: "the same, raw SDK: MiB", value: rounded(rawIdle / MIB), better: "higher", must: 64, aim: 64, pairs: 1 },
  ];
  const bars: readonly Bar[] = [
    {
      name: "sendBatch of 1,000 / EventDataBatch",
      value: rounded(batches.figures.ours.speed),
      better: "higher",
      must: 0.95,
      aim: 1,
      pairs,
    },
    { name: "512 concurrent send / sendBatch([one])", value: rounded(ones.figures.ours.speed), better: "higher", must: 5, aim: 10, pairs },
    { name: "runBatches / raw consumer at its best", value: rounded(runBatches.speed), better: "higher", must: 0.9, aim: 1, pairs },
    { name: "run / raw consumer at its best", value: rounded(run.speed), better: "higher", must: 0.9, aim: 1, pairs },
    ...common,
    ...idleBars,
  ];
  const control = worstControl([batches, ones, consumed]);
  return { provider: "event-hubs", control: rounded(control), void: !isWithinControl(control), bars };
}
