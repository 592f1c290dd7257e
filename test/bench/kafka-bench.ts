import { Kafka, Partitioners, logLevel } from "kafkajs";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { bytes, connect } from "../../src/index.ts";
import { commitBytesOf } from "./commit-bytes.ts";
import { firstReplayedOf } from "./first-replayed.ts";
import { heapOfSends } from "./in-flight-heap.ts";
import { CONSUME_PAIRS, compareConsume } from "./kafka-consume.ts";
import { PUBLISH_PAIRS, type PublishSetting, comparePublish } from "./kafka-publish.ts";
import { inversionsOf } from "./key-inversions.ts";
import { type Comparison, sampleTexts, worstControl } from "./paired.ts";
import { type Bar, type BenchResult, isWithinControl, rounded } from "./result.ts";
import { PARTITIONS } from "./workload.ts";

type Figure = PublishSetting & Pick<Bar, "better" | "must" | "aim">;

const PUBLISH: readonly Figure[] = [
  {
    name: "sendBatch of 100 / raw",
    bytes: 100,
    together: 100,
    times: { ours: 20, raw: 20 },
    call: "batch",
    better: "higher",
    must: 1.4,
    aim: 2,
  },
  {
    name: "sendBatch of 1,000 / raw",
    bytes: 100,
    together: 1_000,
    times: { ours: 4, raw: 4 },
    call: "batch",
    better: "higher",
    must: 2,
    aim: 3,
  },
  {
    name: "512 concurrent send of 100 B / raw",
    bytes: 100,
    together: 512,
    times: { ours: 16, raw: 8 },
    call: "single",
    better: "higher",
    must: 12,
    aim: 25,
  },
  {
    name: "512 concurrent send of 1 KB / raw",
    bytes: 1_000,
    together: 512,
    times: { ours: 16, raw: 8 },
    call: "single",
    better: "higher",
    must: 8,
    aim: 15,
  },
  {
    name: "latency of sequential send / raw",
    bytes: 100,
    together: 1,
    times: { ours: 150, raw: 150 },
    call: "single",
    better: "lower",
    must: 1.05,
    aim: 0.95,
  },
];

/**
 * Against kafkajs, on a broker with the server's own settings.
 * @param tell progress, for people
 */
export async function benchKafka(tell: (text: string) => void): Promise<BenchResult> {
  await using cluster = await startKafka({ profile: "default" });
  await using connection = await connect(cluster.url, { require: ["topicAdmin"] });
  const kafka = new Kafka({ clientId: "bench", brokers: [cluster.bootstrapServers], logLevel: logLevel.ERROR });
  const raw = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false });
  await raw.connect();
  const comparisons: Comparison<string>[] = [];
  const bars: Bar[] = [];
  for (const [index, { name, better, must, aim, ...setting }] of PUBLISH.entries()) {
    const comparison = await comparePublish({ connection, raw }, { ...setting, name: `publish-${index}` });
    const { ours, naive } = comparison.figures;
    bars.push({ name, value: rounded(better === "higher" ? ours.speed : 1 / ours.speed), better, must, aim, pairs: PUBLISH_PAIRS.pairs });
    comparisons.push(comparison);
    tell(`${name}: ${sampleTexts({ ours: ours.challenger, raw: comparison.raw, "raw by key": naive.challenger })}`);
    tell(`  ours ${rounded(ours.speed / naive.speed)} times as fast as raw by key; control ${comparison.control.toFixed(3)}`);
  }
  await raw.disconnect();

  const consume = await compareConsume(connection, kafka);
  const { run, runBatches } = consume.figures;
  comparisons.push(consume);
  tell(`consume: ${sampleTexts({ run: run.challenger, runBatches: runBatches.challenger, "raw eachBatch": consume.raw })}`);
  tell(`  control ${consume.control.toFixed(3)}`);
  bars.push(
    {
      name: "runBatches / raw eachBatch",
      value: rounded(runBatches.speed),
      better: "higher",
      must: 1,
      aim: 1.4,
      pairs: CONSUME_PAIRS.pairs,
    },
    { name: "run / raw eachBatch", value: rounded(run.speed), better: "higher", must: 1.1, aim: 1.6, pairs: CONSUME_PAIRS.pairs },
  );

  const topic = async (name: string) => {
    await connection.admin.createTopic(name, { partitions: PARTITIONS });
    return connection.topic(name, { codec: bytes() });
  };
  const once = { better: "lower", pairs: 1 } as const;
  const [broker] = cluster.brokers;
  if (broker === undefined) throw new Error("the cluster has no broker");
  const replayed = await firstReplayedOf(await topic("replay"));
  const heap = await heapOfSends(
    (await topic("heap")).producer(),
    () => broker.freeze(),
    () => broker.thaw(),
  );
  const restart = async (): Promise<void> => {
    await broker.kill();
    await broker.start();
  };
  const commitBytes = {
    withAhead: await commitBytesOf(cluster, connection, true),
    without: await commitBytesOf(cluster, connection, false),
  };
  const inversions = await inversionsOf(await topic("inversions"), {}, restart);
  bars.push(
    { name: "key inversions, broker killed, same tick or not", value: inversions, must: 0, aim: 0, ...once },
    { name: "first replayed message: ms", value: rounded(replayed), must: 300, aim: 20, ...once },
    { name: "commits of a group, 1 % slow handlers: bytes/s", value: rounded(commitBytes.withAhead), must: 5_000, aim: 2_500, ...once },
    { name: "the same with ahead: false: bytes/s", value: rounded(commitBytes.without), must: 1_500, aim: 1_000, ...once },
    { name: "heap of an in-flight send: kB", value: rounded(heap / 1_000), must: 0.5, aim: 0.3, ...once },
  );
  const control = worstControl(comparisons);
  return { provider: "kafka", control: rounded(control), void: !isWithinControl(control), bars };
}
