import { setTimeout as sleep } from "node:timers/promises";
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  type PutRecordsRequestEntry,
} from "@aws-sdk/client-kinesis";
import { type Connection, type OutgoingMessage, bytes, connect } from "../../src/index.ts";
import { type Clients, clientsOf } from "../unit/localstack/kinesis/clients.ts";
import type { BatchTarget } from "./batch-strategies.ts";
import { type Consuming, byRun, byRunBatches, compareConsuming, fillTopic } from "./consume-comparison.ts";
import { type EmulatorProcess, startEmulatorProcess } from "./emulator-process.ts";
import { idleShardsCpu } from "./kinesis-idle-shards.ts";
import { compareOrdered, orderedBars } from "./ordered-publish.ts";
import { type Comparison, type Pairs, comparisonText, worstControl } from "./paired.ts";
import { providerBars } from "./provider-bars.ts";
import { comparePublishing, eachBatch } from "./publish-comparison.ts";
import { type Bar, type BenchResult, isWithinControl, median, rounded } from "./result.ts";
import { PARTITIONS, batchesOf, workload } from "./workload.ts";

/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
const MOST_ENTRIES = 500;
const LATENCY_MS = 20;
const THROTTLED_PART = 0.02;
const PUBLISH_PAIRS: Pairs = { pairs: 21, warmUp: 5 };
const PUBLISHED_BATCHES = 20;
const CONSUME_PAIRS: Pairs = { pairs: 11, warmUp: 2 };
const CONSUMED = 200_000;
const EMPTY_PAUSE_MS = 200;
const CPU_RUNS = 3;

/** The emulator in a process of its own, with what a raw program needs to use it. */
interface Target extends AsyncDisposable {
  readonly emulator: EmulatorProcess;
  readonly raw: Clients;
  readonly connection: Connection<"topicAdmin">;
}

async function startTarget(options: object = {}, settings = ""): Promise<Target> {
  const emulator = await startEmulatorProcess("kinesis", options);
  const { AWS_ENDPOINT_URL_KINESIS: endpoint = "", AWS_REGION: region = "" } = emulator.environment;
  const connection = await connect(`${emulator.url}${settings}`, { require: ["topicAdmin"] });
  const raw = clientsOf({ endpoint, region });
  return {
    emulator,
    raw,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      raw[Symbol.dispose]();
      await emulator[Symbol.asyncDispose]();
    },
  };
}

function entryOf({ key, value }: OutgoingMessage<Uint8Array>): PutRecordsRequestEntry {
  return { PartitionKey: key as string, Data: value };
}

/** @returns the indexes of the records that were refused */
async function put(client: KinesisClient, StreamName: string, Records: readonly PutRecordsRequestEntry[]): Promise<readonly number[]> {
  const answer = await client.send(new PutRecordsCommand({ StreamName, Records: [...Records] }));
  if (answer.FailedRecordCount === 0) return [];
  return answer.Records!.flatMap(({ ErrorCode }, index) => (ErrorCode === undefined ? [] : [index]));
}

/** With 20 ms to each call and 2 % of the entries throttled. */
async function ordered(tell: (text: string) => void): Promise<{ readonly bars: readonly Bar[]; readonly comparison: Comparison<"ours"> }> {
  await using target = await startTarget({ latencyMs: LATENCY_MS, throttledEntries: THROTTLED_PART });
  const { connection, raw } = target;
  const targetOf = (topic: string): BatchTarget<PutRecordsRequestEntry> => ({
    mostEntries: MOST_ENTRIES,
    put: (entries) => put(raw.kinesis, topic, entries),
  });
  const result = await compareOrdered({ connection, partitions: PARTITIONS, entryOf, target: targetOf });
  return { comparison: result.comparison, bars: orderedBars(result, MOST_ENTRIES, tell) };
}

/** Each message has a key of its own, so that nothing of ours could be packed, and no record waits for another. */
async function publish({ connection, raw }: Target): Promise<Comparison<"ours">> {
  const messages = workload(PUBLISHED_BATCHES * MOST_ENTRIES, undefined, MOST_ENTRIES);
  const producer = connection.topic("publish.ours", { codec: bytes() }).producer();
  const comparison = await comparePublishing(
    {
      ours: {
        connection,
        topic: "publish.ours",
        messages,
        publish: eachBatch(batchesOf(messages, MOST_ENTRIES), (batch) => producer.sendBatch(batch)),
      },
      raw: {
        connection,
        topic: "publish.raw",
        messages,
        publish: eachBatch(batchesOf(messages.map(entryOf), MOST_ENTRIES), (batch) => put(raw.kinesis, "publish.raw", batch)),
      },
    },
    { ...PUBLISH_PAIRS, partitions: PARTITIONS },
  );
  await producer.close();
  return comparison;
}

async function consume({ connection, raw }: Target): Promise<Comparison<"run" | "runBatches">> {
  await connection.admin.createTopic("consume", { partitions: PARTITIONS });
  const topic = connection.topic("consume", { codec: bytes() });
  const values = await fillTopic(topic, workload(CONSUMED));
  const ways = { run: byRun(topic), runBatches: byRunBatches(topic), raw: byGetRecords(raw.kinesis, "consume") };
  return compareConsuming(values, ways, CONSUME_PAIRS);
}

/** All shards at once, each from one page to the next: as fast as the service answers. */
function byGetRecords(client: KinesisClient, StreamName: string): Consuming {
  return (read) => {
    let isOver = false;
    const readShard = async (ShardId: string | undefined): Promise<void> => {
      const start = await client.send(new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" }));
      for (let iterator = start.ShardIterator; iterator !== undefined && !isOver;) {
        const { Records = [], NextShardIterator } = await client.send(new GetRecordsCommand({ ShardIterator: iterator }));
        for (const { Data } of Records) read(Data!);
        iterator = NextShardIterator;
        if (Records.length === 0) await sleep(EMPTY_PAUSE_MS);
      }
    };
    const running = (async () => {
      const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }));
      await Promise.all(Shards.map(({ ShardId }) => readShard(ShardId)));
    })();
    return async () => {
      isOver = true;
      await running;
    };
  };
}

async function percentOfIdleShards(tell: (text: string) => void): Promise<number> {
  const parts: number[] = [];
  for (let run = 0; run < CPU_RUNS; run += 1) parts.push(100 * (await idleShardsCpu()));
  tell(`1,000 idle shards: ${parts.map((part) => `${part.toFixed(2)} %`).join(", ")} of a core`);
  return median(parts);
}

/**
 * Against the AWS SDK, over HTTP/1.1 with connections kept, on the emulator in a process of its own: both pay for the same service.
 * @param tell progress, for people
 */
export async function benchKinesis(tell: (text: string) => void): Promise<BenchResult> {
  // Before anything that leaves a large heap behind: what collecting that takes is not the shards'.
  const idle = await percentOfIdleShards(tell);
  const inOrder = await ordered(tell);
  await using target = await startTarget({}, "&envelope=raw");
  const published = await publish(target);
  tell(`distinct keys: ${comparisonText(published)}`);
  const consumed = await consume(target);
  const { run, runBatches } = consumed.figures;
  tell(`consume: ${comparisonText(consumed, "raw GetRecords")}`);

  await using framed = await startTarget();
  const topic = async (name: string) => {
    await framed.connection.admin.createTopic(name, { partitions: PARTITIONS });
    return framed.connection.topic(name, { codec: bytes() });
  };
  const common = await providerBars(framed.emulator, topic);

  const { pairs } = CONSUME_PAIRS;
  const bars: readonly Bar[] = [
    ...inOrder.bars,
    {
      name: "sendBatch of 500 distinct keys, raw envelope / PutRecords",
      value: rounded(published.figures.ours.speed),
      better: "higher",
      must: 0.95,
      aim: 1,
      pairs: PUBLISH_PAIRS.pairs,
    },
    { name: "runBatches / GetRecords loop", value: rounded(runBatches.speed), better: "higher", must: 0.9, aim: 1, pairs },
    { name: "run / GetRecords loop", value: rounded(run.speed), better: "higher", must: 0.9, aim: 1, pairs },
    { name: "1,000 idle shards: % of a core, beside the calls", value: rounded(idle), better: "lower", must: 5, aim: 2, pairs: CPU_RUNS },
    ...common,
  ];
  const control = worstControl([inOrder.comparison, published, consumed]);
  return { provider: "kinesis", control: rounded(control), void: !isWithinControl(control), bars };
}
