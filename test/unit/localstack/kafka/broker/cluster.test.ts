import { expect, test } from "vitest";
import { type EmulatedKafka, startEmulatedKafka } from "../../../../../localstack/kafka/broker/emulated-kafka.ts";
import { findCoordinatorApi } from "../../../../../localstack/kafka/broker/requests/find-coordinator.ts";
import { metadataApi } from "../../../../../localstack/kafka/broker/requests/metadata.ts";
import { produceApi } from "../../../../../localstack/kafka/broker/requests/produce.ts";
import { connect, text } from "../../../../../src/index.ts";
import { batch } from "../../../../kafka/comparison/batches.ts";
import { RawClient } from "../../../../kafka/comparison/raw-client.ts";

// Several brokers: leaders, answers of brokers that do not lead, and changes of the leader.

const TOPIC = "flights";

function start(properties: Readonly<Record<string, string>> = {}): Promise<EmulatedKafka> {
  return startEmulatedKafka({ brokers: 3, topics: { [TOPIC]: { partitions: 3 } }, properties });
}

async function at(kafka: EmulatedKafka, nodeId: number): Promise<RawClient> {
  return RawClient.open(`127.0.0.1:${kafka.brokers[nodeId - 1]!.port}`);
}

/** @returns the error code of the broker for a record of the partition */
async function produceAt(kafka: EmulatedKafka, nodeId: number, index: number, version = 10) {
  await using client = await at(kafka, nodeId);
  const topicData = [{ name: TOPIC, topicId: "", partitionData: [{ index, records: [batch([{ value: "x" }])] }] }];
  const { responses } = await client.call(produceApi, version, { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData });
  const { errorCode, baseOffset, currentLeader } = responses[0]!.partitionResponses[0]!;
  return { errorCode, baseOffset, currentLeader };
}

async function metadataOf(kafka: EmulatedKafka, nodeId: number) {
  await using client = await at(kafka, nodeId);
  const request = {
    topics: [{ topicId: "", name: TOPIC }],
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  };
  const { brokers, topics } = await client.call(metadataApi, 8, request);
  const partitions = topics[0]!.partitions.map(({ leaderId, leaderEpoch, isrNodes, errorCode }) => ({
    leaderId,
    leaderEpoch,
    isrNodes,
    errorCode,
  }));
  return { brokers: brokers.map(({ nodeId: id }) => id), partitions };
}

test("clients are sent to the advertised name, whichever broker and request they ask", async () => {
  await using kafka = await startEmulatedKafka({ brokers: 2, topics: { [TOPIC]: {} }, host: "0.0.0.0", advertisedHost: "kafka.example" });
  const [first, second] = kafka.brokers.map(({ port }) => port);
  expect(kafka.url).toBe(`kafka://kafka.example:${first},kafka.example:${second}`);
  await using client = await at(kafka, 2);
  const request = { topics: [], includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false };
  const { brokers } = await client.call(metadataApi, 8, request);
  expect(brokers.map(({ host, port }) => `${host}:${port}`)).toEqual([`kafka.example:${first}`, `kafka.example:${second}`]);
  const { coordinators } = await client.call(findCoordinatorApi, 4, { key: "", keyType: 0, coordinatorKeys: ["group"] });
  expect(coordinators[0]).toMatchObject({ host: "kafka.example" });
});

test("leaders take turns, and only they answer", async () => {
  await using kafka = await start();
  const { brokers, partitions } = await metadataOf(kafka, 2);
  expect(brokers).toEqual([1, 2, 3]);
  expect(partitions.map(({ leaderId }) => leaderId)).toEqual([1, 2, 3]);
  expect(await produceAt(kafka, 1, 0)).toMatchObject({ errorCode: 0, baseOffset: 0n });
  expect(await produceAt(kafka, 2, 0)).toMatchObject({ errorCode: 6, currentLeader: { leaderId: 1, leaderEpoch: 0 } });
});

test("a leader moves with its log", async () => {
  await using kafka = await start();
  await produceAt(kafka, 1, 0);
  kafka.moveLeader(TOPIC, 0, 3);
  expect(await produceAt(kafka, 1, 0)).toMatchObject({ errorCode: 6, currentLeader: { leaderId: 3, leaderEpoch: 1 } });
  expect(await produceAt(kafka, 3, 0)).toMatchObject({ errorCode: 0, baseOffset: 1n });
  expect((await metadataOf(kafka, 1)).partitions[0]).toMatchObject({ leaderId: 3, leaderEpoch: 1 });
  expect(() => kafka.moveLeader(TOPIC, 0, 9)).toThrow(expect.objectContaining({ code: "conflict" }));
  expect(() => kafka.moveLeader(TOPIC, 7)).toThrow(expect.objectContaining({ code: "not-found" }));
});

test("when a broker stops, others lead; it starts again without its leaderships", async () => {
  await using kafka = await start({ "min.insync.replicas": "2" });
  await kafka.brokers[0]!.stop();
  const without = await metadataOf(kafka, 2);
  expect(without.brokers).toEqual([2, 3]);
  expect(without.partitions[0]).toMatchObject({ leaderId: 2, isrNodes: [2, 3], errorCode: 0 });
  expect(await produceAt(kafka, 2, 0)).toMatchObject({ errorCode: 0 });
  await kafka.brokers[2]!.stop();
  // One replica is left, and two are needed.
  expect(await produceAt(kafka, 2, 0)).toMatchObject({ errorCode: 19 });
  await kafka.brokers[0]!.start();
  expect(await produceAt(kafka, 2, 0)).toMatchObject({ errorCode: 0, baseOffset: 1n });
  expect((await metadataOf(kafka, 1)).partitions[0]).toMatchObject({ leaderId: 2, isrNodes: [1, 2] });
});

test("a partition whose brokers are all stopped has no leader", async () => {
  await using kafka = await start({ "default.replication.factor": "1" });
  await kafka.brokers[2]!.stop();
  expect((await metadataOf(kafka, 1)).partitions[2]).toMatchObject({ leaderId: -1, isrNodes: [], errorCode: 5 });
});

test("a group whose coordinator is lost gets another one", async () => {
  await using kafka = await start();
  const find = async (group: string): Promise<number> => {
    await using client = await at(kafka, 1);
    return (await client.call(findCoordinatorApi, 2, { key: group, keyType: 0, coordinatorKeys: [] })).nodeId;
  };
  const former = [await find("flights.delays"), await find("other")];
  await using connection = await connect(kafka.url);
  const flights = connection.topic(TOPIC, { codec: text(), key: (value) => value });
  const handled: string[] = [];
  const consumer = connection.topic(TOPIC, { codec: text() }).consumer({ group: "delays" });
  const running = consumer.run(({ value }) => void handled.push(value));
  await flights.producer().send({ value: "one" });
  await expect.poll(() => handled).toEqual(["one"]);
  kafka.inject({ kind: "lose-coordinator", topic: TOPIC });
  await flights.producer().send({ value: "two" });
  await expect.poll(() => handled, { timeout: 10_000 }).toContain("two");
  await consumer.close();
  await running;
  expect(await find("flights.delays")).not.toBe(former[0]);
  expect(await find("other")).toBe(former[1]);
});

test("sending continues while leaders move", async () => {
  await using kafka = await start();
  await using connection = await connect(kafka.url);
  const flights = connection.topic(TOPIC, { codec: text(), key: (value) => value.slice(0, 1) });
  const producer = flights.producer({ retry: { initialDelayMs: 1, maxDelayMs: 20 } });
  const sends: Promise<unknown>[] = [];
  for (let round = 0; round < 30; round += 1) {
    for (const key of ["a", "b", "c", "d"]) sends.push(producer.send({ value: `${key}${String(round).padStart(2, "0")}` }));
    if (round % 5 === 0) for (const partition of [0, 1, 2]) kafka.moveLeader(TOPIC, partition);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
  await Promise.all(sends);
  const stored = new Map<string, string[]>();
  for await (const { key, value } of flights.reader({ until: "now" })) stored.set(key!, [...(stored.get(key!) ?? []), value]);
  for (const [key, values] of stored) {
    expect(values).toEqual(Array.from({ length: 30 }, (_, round) => `${key}${String(round).padStart(2, "0")}`));
  }
  expect(stored.size).toBe(4);
});
