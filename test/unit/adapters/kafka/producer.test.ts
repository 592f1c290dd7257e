import { expect, test } from "vitest";
import {
  type ClusterMetadata,
  type KafkaClient,
  KafkaConnectError,
  type ProduceRequest,
  type ProducedPartition,
} from "../../../../adapters/kafka/client/kafka-client.ts";
import { MetadataBound } from "../../../../adapters/kafka/group/metadata-bound.ts";
import { KafkaProducer } from "../../../../adapters/kafka/producer.ts";
import { TopicDirectory } from "../../../../adapters/kafka/topic-directory.ts";
import type { CallSlice, OutgoingRecord, Report, SliceResult } from "../../../../src/driver/index.ts";

const never = new AbortController().signal;
const silent: Report = Object.assign(() => undefined, { wants: () => false });

interface SentBatch {
  readonly broker: number;
  readonly partition: number;
  readonly producerId: bigint;
  readonly sequence: number;
  readonly count: number;
}

/** A client that answers each partition with a code, or fails as a whole. */
type Answer = (partition: number) => number | Error;

class FakeCluster {
  leaders: number[] = [1, 1, 2];
  topicId = "a".repeat(32);
  exists = true;
  readonly sent: SentBatch[] = [];
  requests = 0;
  producerIds = 0n;
  answer: Answer = () => 0;
  /** -1: the producer's time is stored. */
  appendTimeMs = -1;
  describeTopicConfig: KafkaClient["describeTopicConfig"] = async () => new Map([["max.message.bytes", "1000"]]);
  /** Answers wait for this promise, if it is set. */
  gate: Promise<void> = Promise.resolve();

  get client(): KafkaClient {
    const fake: Partial<KafkaClient> = {
      metadata: async () => this.#metadata(),
      describeTopicConfig: (...asked) => this.describeTopicConfig(...asked),
      initProducerId: async () => ({ producerId: ++this.producerIds, epoch: 0 }),
      produce: (broker, request) => this.#produce(broker, request),
    };
    return fake as KafkaClient;
  }

  #metadata(): ClusterMetadata {
    const partitions = this.leaders.map((leaderId, partition) => ({ errorCode: 0, partition, leaderId }));
    const topic = { errorCode: this.exists ? 0 : 3, topic: "t", topicId: this.topicId, isInternal: false, partitions };
    return { brokers: [], clusterId: "c", controllerId: 1, topics: [topic] };
  }

  async #produce(broker: number, { partitions }: ProduceRequest): Promise<readonly ProducedPartition[]> {
    this.requests += 1;
    for (const { partition, batch } of partitions) {
      const bytes = Buffer.concat(batch);
      const [producerId, sequence, count] = [bytes.readBigInt64BE(43), bytes.readInt32BE(53), bytes.readInt32BE(57)];
      this.sent.push({ broker, partition, producerId, sequence, count });
    }
    await this.gate;
    return partitions.map(({ partition }) => {
      const answer = this.answer(partition);
      if (answer instanceof Error) throw answer;
      return { partition, errorCode: answer, baseOffset: 100n, logAppendTimeMs: this.appendTimeMs };
    });
  }
}

async function prepared(cluster: FakeCluster, idempotent = false): Promise<KafkaProducer> {
  const { client } = cluster;
  const service = {
    client,
    directory: new TopicDirectory(client),
    report: silent,
    metadataBound: new MetadataBound(),
    compression: "none",
    idempotent,
  } as const;
  const producer = new KafkaProducer(service, "t");
  await producer.prepare(never);
  return producer;
}

const records = (count: number): OutgoingRecord[] =>
  Array.from({ length: count }, () => ({ key: null, value: Uint8Array.of(1), headers: [], timestampMs: null, toPartition: undefined }));
const slice = (lane: string | null, of: readonly OutgoingRecord[] = records(1)): CallSlice => ({ lane, records: of, bytes: of.length });
const write = (producer: KafkaProducer, ...slices: CallSlice[]): Promise<readonly SliceResult[]> =>
  producer.write({ slices, bytes: 1 }, never);
const outcomes = (results: readonly SliceResult[]): string[] =>
  results.map((result) => ("error" in result ? `${result.outcome} ${result.error.code}` : result.outcome));

test("one request for each broker carries all its partitions; each partition has its own result", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster);
  cluster.answer = (partition) => [0, 6, 10][partition]!;
  const results = await write(producer, slice("0", records(3)), slice("1"), slice("2"));
  expect(cluster.requests).toBe(2);
  expect(cluster.sent.map(({ broker, partition }) => [broker, partition])).toEqual([
    [1, 0],
    [1, 1],
    [2, 2],
  ]);
  expect(outcomes(results)).toEqual(["stored", "unknown unavailable", "refused too-large"]);
  const [stored] = results;
  expect(stored?.outcome === "stored" ? [stored.partition, stored.positionOf(2)] : null).toEqual(["0", "102"]);
});

test.each([
  [5, "retryable unavailable"],
  [6, "unknown unavailable"],
  [56, "unknown unavailable"],
  [19, "retryable unavailable"],
  [20, "unknown unavailable"],
  [7, "unknown timeout"],
  [29, "refused permission-denied"],
  [46, "stored"],
  [89, "retryable throttled"],
])("code %i means %s", async (code, outcome) => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster);
  cluster.answer = () => code;
  expect(outcomes(await write(producer, slice("0")))).toEqual([outcome]);
});

test("records that were not sent are not stored; the outcome of sent ones is unknown", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster);
  cluster.answer = () => new KafkaConnectError("b:1", "connect", {}, Object.assign(new Error("no"), { code: "ECONNREFUSED" }));
  expect(outcomes(await write(producer, slice("0")))).toEqual(["retryable unavailable"]);
  cluster.answer = () => Object.assign(new Error("closed"), { name: "KafkaJSConnectionClosedError" });
  expect(outcomes(await write(producer, slice("0")))).toEqual(["unknown unavailable"]);
});

test("a topic with server times has no times of producers", async () => {
  const cluster = new FakeCluster();
  cluster.describeTopicConfig = async (_topic, names) => new Map((names ?? []).map((name) => [name, "LogAppendTime"]));
  expect((await prepared(cluster)).capabilities.producerTimestamps).toBe(false);
});

test.each([
  ["without the right to see the settings of the topic", Object.assign(new Error("no"), { type: "TOPIC_AUTHORIZATION_FAILED", code: 29 })],
  ["where the setting is changed", null],
])("the answers show whose time is stored, %s", async (_, error) => {
  const cluster = new FakeCluster();
  if (error !== null) cluster.describeTopicConfig = () => Promise.reject(error);
  const producer = await prepared(cluster);
  const own = records(2).map((record) => ({ ...record, timestampMs: 5 }));
  const timesOf = async (): Promise<unknown> => {
    const [result] = await write(producer, slice("0", own));
    return result?.outcome === "stored" ? result.timestampMs : result?.outcome === "each" ? result.results : result;
  };
  expect(producer.capabilities.producerTimestamps).toBe(true);
  cluster.appendTimeMs = 77;
  expect(await timesOf()).toBe(77);
  expect(producer.capabilities.producerTimestamps).toBe(false);
  cluster.appendTimeMs = -1;
  expect(await timesOf()).toMatchObject([{ timestampMs: 5 }, { timestampMs: 5 }]);
  expect(producer.capabilities.producerTimestamps).toBe(true);
});

test("the time in the answer to a batch that was stored before is its largest time, and says nothing about the topic", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster, true);
  const own = records(2).map((record, index) => ({ ...record, timestampMs: index }));
  cluster.answer = () => 7;
  expect(outcomes(await write(producer, slice("0", own)))).toEqual(["unknown timeout"]);
  cluster.answer = () => 0;
  cluster.appendTimeMs = 1;
  const [result] = await write(producer, slice("0", own));
  expect(result).toMatchObject({ outcome: "each", results: [{ timestampMs: 0 }, { timestampMs: 1 }] });
  expect(producer.capabilities.producerTimestamps).toBe(true);
});

test("a leader that has moved is looked up before the next call", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster);
  cluster.answer = () => 6;
  cluster.leaders = [2, 2, 2];
  await write(producer, slice("0"));
  cluster.answer = () => 0;
  await write(producer, slice("0"));
  expect(cluster.sent.map(({ broker }) => broker)).toEqual([1, 2]);
  expect(producer.destinationOf("0")).toBe("2");
});

test("a deleted topic is not-found; one that was created again is another log with other lanes", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster);
  const generation = producer.laneGeneration;
  cluster.answer = () => 100;
  cluster.topicId = "b".repeat(32);
  expect(outcomes(await write(producer, slice("0")))).toEqual(["retryable unavailable"]);
  cluster.answer = () => 0;
  expect(outcomes(await write(producer, slice("0")))).toEqual(["stored"]);
  expect(producer.identity.incarnation).toBe("b".repeat(32));
  expect(producer.laneGeneration).toBeGreaterThan(generation);
  cluster.answer = () => 3;
  cluster.exists = false;
  expect(outcomes(await write(producer, slice("0")))).toEqual(["retryable unavailable"]);
  expect(outcomes(await write(producer, slice("0")))).toEqual(["refused not-found"]);
});

test("lanes are partitions: by the hash of a key, or as requested; without both there is no lane", async () => {
  const producer = await prepared(new FakeCluster());
  expect(["a", "b", "c"].map((key) => producer.laneOf(Buffer.from(key), undefined))).toEqual(["1", "2", "1"]);
  expect(producer.laneOf(Buffer.from("a"), "0")).toBe("0");
  expect(producer.laneOf(null, undefined)).toBeNull();
  expect(() => producer.laneOf(null, "first")).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  expect(producer.limits.messageBytes).toBe(1_000 - 61);
});

test("an unknown partition is looked up before it is refused, because it may have been added", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster);
  expect(outcomes(await write(producer, slice(producer.laneOf(null, "3"))))).toEqual(["refused invalid-argument"]);
  cluster.leaders.push(2);
  expect(outcomes(await write(producer, slice(producer.laneOf(null, "3"))))).toEqual(["stored"]);
});

test("a topic that was deleted and created again is written to at once", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster);
  cluster.answer = () => 3;
  cluster.exists = false;
  await write(producer, slice("0"));
  expect(outcomes(await write(producer, slice("0")))).toEqual(["refused not-found"]);
  cluster.exists = true;
  cluster.topicId = "b".repeat(32);
  cluster.answer = () => 0;
  expect(outcomes(await write(producer, slice("0")))).toEqual(["stored"]);
});

test("slices without a lane go to one partition after the other, and never share one with another slice of a request", async () => {
  const cluster = new FakeCluster();
  cluster.leaders = [1, 1];
  const producer = await prepared(cluster);
  for (let call = 0; call < 4; call += 1) await write(producer, slice(null));
  expect(cluster.sent.map(({ partition }) => partition)).toEqual([0, 1, 0, 1]);
  cluster.sent.length = 0;
  const results = await write(producer, slice(null), slice("0"), slice("1"));
  expect(outcomes(results)).toEqual(["stored", "stored", "stored"]);
  expect(cluster.requests).toBe(6);
});

test("receipts of records with their own times have these times", async () => {
  const producer = await prepared(new FakeCluster());
  const [first, second] = records(2);
  const [result] = await write(producer, slice("0", [{ ...first!, timestampMs: 5 }, second!]));
  expect(result).toMatchObject({ outcome: "each", results: [{ timestampMs: 5, position: "100" }, { position: "101" }] });
});

test("stored records use up sequence numbers; records that are not stored leave them free", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster, true);
  await write(producer, slice("0", records(3)), slice("2", records(2)));
  cluster.answer = () => 19;
  await write(producer, slice("0"));
  cluster.answer = () => 0;
  await write(producer, slice("0", records(4)));
  const of = (partition: number) => cluster.sent.filter((batch) => batch.partition === partition).map(({ sequence }) => sequence);
  expect(of(0)).toEqual([0, 3, 3]);
  expect(of(2)).toEqual([0]);
});

test("a batch of unknown outcome is retried alone and unchanged, with the same sequence numbers", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster, true);
  const all = records(5);
  cluster.answer = () => 7;
  await write(producer, slice("0", all.slice(0, 3)));
  cluster.answer = () => 0;
  const [result] = await write(producer, slice("0", all));
  expect(result).toMatchObject({
    outcome: "each",
    results: [{ outcome: "stored" }, { outcome: "stored" }, { outcome: "stored" }, { outcome: "retryable" }, { outcome: "retryable" }],
  });
  await write(producer, slice("0", all.slice(3)));
  expect(cluster.sent.map(({ sequence, count }) => [sequence, count])).toEqual([
    [0, 3],
    [0, 3],
    [3, 2],
  ]);
});

test("when such a batch has been abandoned, or the server has lost its sequence, there is a new producer id", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster, true);
  cluster.answer = () => 7;
  await write(producer, slice("0", records(2)));
  cluster.answer = () => 0;
  await write(producer, slice("0", records(2)));
  cluster.answer = () => 45;
  expect(outcomes(await write(producer, slice("0")))).toEqual(["retryable unavailable"]);
  cluster.answer = () => 0;
  await write(producer, slice("0"));
  expect(cluster.sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
    [1n, 0],
    [2n, 0],
    [2n, 2],
    [3n, 0],
  ]);
});

test("a leader that loses the leadership while it appends leaves the outcome unknown: the same batch is retried", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster, true);
  const all = records(5);
  cluster.answer = () => 6;
  await write(producer, slice("0", all.slice(0, 3)));
  cluster.answer = () => 0;
  await write(producer, slice("0", all));
  expect(cluster.sent.map(({ sequence, count }) => [sequence, count])).toEqual([
    [0, 3],
    [0, 3],
  ]);
});

test("a new producer id for one partition does not change the others: their batches of unknown outcome are still recognised", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster, true);
  const other = records(2);
  cluster.answer = () => 7;
  await write(producer, slice("0"), slice("2", other));
  cluster.answer = () => 0;
  await write(producer, slice("0"));
  cluster.answer = (partition) => (partition === 1 ? 45 : 0);
  await write(producer, slice("1"));
  await write(producer, slice("2", other));
  const of = (partition: number) =>
    cluster.sent.filter((batch) => batch.partition === partition).map(({ producerId, sequence, count }) => [producerId, sequence, count]);
  expect(of(0)).toEqual([
    [1n, 0, 1],
    [2n, 0, 1],
  ]);
  expect(of(2)).toEqual([
    [1n, 0, 2],
    [1n, 0, 2],
  ]);
});

test("the result of a batch that was stored long ago is for its own records only: later records in the same slice were not sent", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster, true);
  const all = records(3);
  cluster.answer = () => 7;
  await write(producer, slice("0", all.slice(0, 2)));
  cluster.answer = () => 46;
  expect(await write(producer, slice("0", all))).toMatchObject([
    { outcome: "each", results: [{ outcome: "stored", position: null }, { outcome: "stored" }, { outcome: "retryable" }] },
  ]);
});

test("records without a lane avoid a partition that waits for the retry of a batch", async () => {
  const cluster = new FakeCluster();
  cluster.leaders = [1, 1];
  const producer = await prepared(cluster, true);
  const keyed = records(2);
  cluster.answer = () => 7;
  await write(producer, slice("0", keyed), slice("1", keyed));
  expect(outcomes(await write(producer, slice(null)))).toEqual(["retryable unavailable"]);
  cluster.answer = () => 0;
  await write(producer, slice("1", keyed));
  for (let call = 0; call < 3; call += 1) expect(outcomes(await write(producer, slice(null)))).toEqual(["stored"]);
  await write(producer, slice("0", keyed));
  const of = (partition: number) =>
    cluster.sent.filter((batch) => batch.partition === partition).map(({ producerId, sequence, count }) => [producerId, sequence, count]);
  expect(of(0)).toEqual([
    [1n, 0, 2],
    [1n, 0, 2],
  ]);
  expect(of(1).map(([, sequence]) => sequence)).toEqual([0, 0, 2, 3, 4]);
});

test("records without a lane whose outcome is unknown are retried in the same partition, with the same sequence numbers", async () => {
  const cluster = new FakeCluster();
  const producer = await prepared(cluster, true);
  const keyless = records(2);
  cluster.answer = () => 7;
  await write(producer, slice(null, keyless));
  cluster.answer = () => 0;
  await write(producer, slice(null));
  await write(producer, slice(null, keyless));
  const [first, other, again] = cluster.sent;
  expect(again).toEqual(first);
  expect(other?.partition).not.toBe(first?.partition);
});

test("two calls for one partition of an idempotent producer do not use its sequence at the same time", async () => {
  const cluster = new FakeCluster();
  cluster.leaders = [1];
  const producer = await prepared(cluster, true);
  const gate = Promise.withResolvers<void>();
  cluster.gate = gate.promise;
  const first = write(producer, slice("0", records(2)));
  const second = write(producer, slice(null, records(3)));
  await new Promise((resolve) => setImmediate(resolve));
  expect(cluster.requests).toBe(1);
  gate.resolve();
  await Promise.all([first, second]);
  expect(cluster.sent.map(({ sequence }) => sequence)).toEqual([0, 2]);
});
