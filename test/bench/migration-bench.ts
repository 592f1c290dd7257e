import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, type Producer as RawProducer, Partitioners, logLevel } from "kafkajs";
import { murmur2 } from "../../adapters/kafka/produce/murmur2.ts";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { type Connection, type DeliverEvent, bytes, connect } from "../../src/index.ts";
import { type CheckpointStore, copy, verify } from "../../src/migration/index.ts";
import { openSide } from "../../src/migration/side.ts";
import { RecordReader } from "../../src/replay/record-reader.ts";
import { fillTopic } from "./consume-comparison.ts";
import { collectGarbage } from "./cpu.ts";
import { type Comparison, type Contestant, type Sample, compare, sampleTexts, startWatch, worstControl } from "./paired.ts";
import { type Bar, type BenchResult, isWithinControl, rounded } from "./result.ts";
import { PARTITIONS, batchesOf, workload } from "./workload.ts";

/** Of the value of a message, with how many messages are copied in a round. */
const SIZES = [
  { name: "100 B", valueBytes: 100, messages: 150_000 },
  { name: "1 KB", valueBytes: 1_000, messages: 50_000 },
] as const;
const PAIRS = { pairs: 11, warmUp: 1 };
const NOTHING_KEPT: CheckpointStore = { read: async () => null, write: async () => undefined };
const RAW_BATCH = 5_000;
const ALL_REPLICAS = -1;
/** Of a copier, where two are compared with one. */
const RATE_PER_SECOND = 5_000;
const RATED_MESSAGES = 60_000;

type TopicConnection = Connection<"topicAdmin">;

/**
 * From Kafka to Kafka on one broker with the server's own settings, in one process.
 * @param tell progress, for people
 */
export async function benchMigration(tell: (text: string) => void): Promise<BenchResult> {
  await using cluster = await startKafka({ profile: "default" });
  await using connection = await connect(cluster.url, { require: ["topicAdmin"] });
  const kafka = new Kafka({ clientId: "bench", brokers: [cluster.bootstrapServers], logLevel: logLevel.ERROR });
  const raw = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false });
  await raw.connect();
  const bars: Bar[] = [];
  const comparisons: Comparison<string>[] = [];
  for (const size of SIZES) {
    const heap = new HeapWatch();
    const comparison = await compareCopy({ connection, kafka, raw }, size, heap);
    comparisons.push(comparison);
    const { copied, verified, read } = comparison.figures;
    tell(`${size.name}: ${sampleTexts({ copy: copied.challenger, verify: verified.challenger, "both read": read.challenger })}`);
    tell(`  ${sampleTexts({ "raw read and raw write": comparison.raw })}; control ${comparison.control.toFixed(3)}`);
    // Both keep one thread busy; how long the broker takes for two readings of the same is no part of it.
    const beyondReading = verified.challenger.cpuMicroseconds - read.challenger.cpuMicroseconds;
    const pairs = PAIRS.pairs;
    bars.push(
      { name: `copy of ${size.name} / one-thread bound`, value: rounded(copied.speed), better: "higher", must: 0.65, aim: 0.85, pairs },
      {
        name: `CPU of verify of ${size.name} beyond reading / copy`,
        value: rounded(beyondReading / copied.challenger.cpuMicroseconds),
        better: "lower",
        must: 0.15,
        aim: 0.05,
        pairs,
      },
      {
        name: `heap that copies of ${size.name} leave: MB`,
        value: rounded(heap.growthMegabytes),
        better: "lower",
        must: 10,
        aim: 2,
        pairs,
      },
    );
  }
  await raw.disconnect();
  const rates = { one: await ratedSeconds(connection, 1), two: await ratedSeconds(connection, 2) };
  tell(`${RATED_MESSAGES} messages at ${RATE_PER_SECOND}/s: one copier ${rates.one.toFixed(1)} s, two ${rates.two.toFixed(1)} s`);
  bars.push({
    name: "two copiers at a rate / one",
    value: rounded(rates.one / rates.two),
    better: "higher",
    must: 1.8,
    aim: 1.95,
    pairs: 1,
  });
  const control = worstControl(comparisons);
  return { provider: "migration", control: rounded(control), void: !isWithinControl(control), bars };
}

interface Clients {
  readonly connection: TopicConnection;
  readonly kafka: Kafka;
  readonly raw: RawProducer;
}

/** Each copy has a target of its own, which is verified; raw is a reading and a writing of the same messages, one behind the other. */
async function compareCopy(
  { connection, kafka, raw }: Clients,
  { valueBytes, messages }: (typeof SIZES)[number],
  heap: HeapWatch,
): Promise<Comparison<"copied" | "verified" | "read">> {
  const sent = workload(messages, valueBytes);
  const source = { connection, topic: await newTopic(connection) };
  await fillTopic(connection.topic(source.topic, { codec: bytes() }), sent);
  let target = { connection, topic: await newTopic(connection) };
  const toBeWritten = batchesOf(
    sent.map(({ key, value }) => ({
      key: key ?? null,
      value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
      partition: murmur2(Buffer.from(key ?? "")) % PARTITIONS,
    })),
    RAW_BATCH,
  );
  const copied = async (): Promise<Sample> => {
    const topic = await newTopic(connection);
    const group = randomUUID();
    const watch = firstDelivery(group);
    const result = await copy(source, { connection, topic }, { group, checkpoints: NOTHING_KEPT });
    const sample = (await watch)(messages);
    if (result.copied !== messages) throw new Error(`${result.copied} of ${messages} messages were copied`);
    target = { connection, topic };
    heap.look();
    return sample;
  };
  // The first rounds go forwards and backwards: there is always a target.
  await copied();
  const verified = async (): Promise<Sample> => {
    const watch = startWatch();
    const result = await verify(source, target);
    const sample = watch(messages);
    if (!result.equal || result.targetMessages !== messages) throw new Error(`the copy differs: ${JSON.stringify(result)}`);
    return sample;
  };
  const read = async (): Promise<Sample> => {
    const watch = startWatch();
    const count = (await countOf(source)) + (await countOf(target));
    if (count !== 2 * messages) throw new Error(`${count} messages were read`);
    return watch(messages);
  };
  const rawReading = rawReader(kafka, source.topic, messages);
  const rawTopic = await newTopic(connection);
  const rawReadAndWrite = async (): Promise<Sample> => {
    const reading = await rawReading();
    const watch = startWatch();
    for (const batch of toBeWritten) await raw.send({ topic: rawTopic, acks: ALL_REPLICAS, messages: batch as [] });
    const writing = watch(messages);
    return {
      microseconds: reading.microseconds + writing.microseconds,
      cpuMicroseconds: reading.cpuMicroseconds + writing.cpuMicroseconds,
    };
  };
  return compare<"copied" | "verified" | "read">({ copied, verified, read }, rawReadAndWrite, PAIRS);
}

async function newTopic(connection: TopicConnection): Promise<string> {
  const topic = randomUUID();
  await connection.admin.createTopic(topic, { partitions: PARTITIONS });
  return topic;
}

/** Waits until the first messages of a group have come. The joining of the group, which a server delays by some seconds, is behind it then. */
function firstDelivery(group: string): Promise<ReturnType<typeof startWatch>> {
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof startWatch>>();
  const begin = (event: unknown): void => {
    if ((event as DeliverEvent).group !== group) return;
    unsubscribe("streamport:deliver", begin);
    resolve(startWatch());
  };
  subscribe("streamport:deliver", begin);
  return promise;
}

async function countOf({ connection, topic }: { readonly connection: Connection; readonly topic: string }): Promise<number> {
  const { context } = await openSide({ connection, topic }, "bench");
  let count = 0;
  let contents = 0;
  for await (const { records } of new RecordReader(context, { until: "now" }).batches(new AbortController().signal)) {
    count += records.length;
    // A record makes its key, value and headers when it is asked for them: that belongs to reading.
    for (const { key, value, headers } of records) contents += (key?.length ?? 0) + (value?.length ?? 0) + headers.length;
  }
  if (contents === 0) throw new Error("the messages are empty");
  return count;
}

/** From the first message to the last. */
function rawReader(kafka: Kafka, topic: string, messages: number): Contestant {
  return async () => {
    const consumer = kafka.consumer({ groupId: randomUUID() });
    const done = Promise.withResolvers<Sample>();
    let watch: ReturnType<typeof startWatch> | undefined;
    let count = 0;
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachBatch: async ({ batch }) => {
        watch ??= startWatch();
        count += batch.messages.length;
        if (count === messages) done.resolve(watch(messages));
      },
    });
    const sample = await done.promise;
    await consumer.disconnect();
    return sample;
  };
}

/** Seconds that copiers take which may copy so many messages a second, each, and which have joined before. */
async function ratedSeconds(connection: TopicConnection, copiers: number): Promise<number> {
  const [source, target] = [await newTopic(connection), await newTopic(connection)];
  const controller = new AbortController();
  const states = Array.from({ length: copiers }, () => ({ copied: 0, partitions: 0 }));
  const running = states.map((state) =>
    copy(
      { connection, topic: source },
      { connection, topic: target },
      {
        continuous: true,
        ratePerSecond: RATE_PER_SECOND,
        signal: controller.signal,
        onProgress: ({ copied, partitions }) => {
          state.copied = copied;
          state.partitions = partitions.length;
        },
      },
    ),
  );
  while (states.some(({ partitions }) => partitions !== PARTITIONS / copiers)) await sleep(100);
  // Each with a key of its own: as many come to the one half of the partitions as to the other.
  await fillTopic(connection.topic(source, { codec: bytes() }), workload(RATED_MESSAGES, undefined, RATED_MESSAGES));
  const startedAt = performance.now();
  while (states.reduce((sum, { copied }) => sum + copied, 0) < RATED_MESSAGES) await sleep(100);
  const seconds = (performance.now() - startedAt) / 1_000;
  controller.abort();
  await Promise.all(running);
  return seconds;
}

/** What stays in the heap from one copy to another, behind the first ones. */
class HeapWatch {
  readonly #used: number[] = [];

  look(): void {
    collectGarbage();
    this.#used.push(process.memoryUsage().heapUsed);
  }

  /** From the third look on, in which everything is warm. */
  get growthMegabytes(): number {
    return Math.max(0, this.#used.at(-1)! - this.#used[2]!) / 1e6;
  }
}
