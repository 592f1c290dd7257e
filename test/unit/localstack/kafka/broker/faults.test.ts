import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedKafka, startEmulatedKafka } from "../../../../../localstack/kafka/broker/emulated-kafka.ts";
import { fetchApi } from "../../../../../localstack/kafka/broker/requests/fetch.ts";
import { listOffsetsApi } from "../../../../../localstack/kafka/broker/requests/list-offsets.ts";
import { metadataApi } from "../../../../../localstack/kafka/broker/requests/metadata.ts";
import { produceApi } from "../../../../../localstack/kafka/broker/requests/produce.ts";
import type { Fault } from "../../../../../src/driver/index.ts";
import { batch, valuesIn } from "../../../../kafka/comparison/batches.ts";
import { GroupProbe } from "../../../../kafka/comparison/group-probe.ts";
import { Target } from "../../../../kafka/comparison/operation.ts";
import { HungUp, RawClient } from "../../../../kafka/comparison/raw-client.ts";

// The faults as they show on the wire.

const TOPIC = "flights";
let kafka: EmulatedKafka;
let client: RawClient;

beforeEach(async () => {
  kafka = await startEmulatedKafka({ topics: { [TOPIC]: { partitions: 2 }, other: {} } });
  client = await RawClient.open(kafka.bootstrapServers);
});

afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await kafka.close();
});

/** One record for each of these partitions. @returns the error code of each */
async function produce(partitions: readonly number[], value = "value", topic = TOPIC): Promise<readonly number[]> {
  const partitionData = partitions.map((index) => ({ index, records: [batch([{ key: "k", value }])] }));
  const topicData = [{ name: topic, topicId: "", partitionData }];
  const { responses } = await client.call(produceApi, 8, { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData });
  return responses[0]!.partitionResponses.map(({ errorCode }) => errorCode);
}

async function fetch(partition = 0, offset = 0n): Promise<{ readonly errorCode: number; readonly values: readonly string[] }> {
  const answer = await client.call(fetchApi, 11, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1_000_000,
    isolationLevel: 0,
    sessionId: 0,
    topics: [{ topic: TOPIC, topicId: "", partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 1_000_000 }] }],
    forgottenTopicsData: [],
    rackId: "",
  });
  const { errorCode, records } = answer.responses[0]!.partitions[0]!;
  return { errorCode, values: valuesIn(records) };
}

async function describeTopic(name = TOPIC): Promise<number> {
  const request = { topics: [{ topicId: "", name }], includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false };
  return (await client.call(metadataApi, 5, request)).topics[0]!.errorCode;
}

describe("an error code for chosen requests", () => {
  test("on the n-th, as often as planned, before anything is stored", async () => {
    kafka.answerWith({ api: "Produce", errorCode: 19, after: 1, times: 2 });
    expect([await produce([0]), await produce([0]), await produce([0]), await produce([0])]).toEqual([[0], [19], [19], [0]]);
    expect((await fetch()).values).toHaveLength(2);
  });

  test("after it was stored", async () => {
    kafka.answerWith({ api: "Produce", errorCode: 7, isStored: true });
    expect(await produce([0], "stored")).toEqual([7]);
    expect((await fetch()).values).toEqual(["0 stored"]);
  });

  test("of one partition, of one topic", async () => {
    kafka.answerWith({ api: "Produce", errorCode: 6, topic: TOPIC, partition: 1 });
    expect(await produce([0], "value", "other")).toEqual([0]);
    expect(await produce([0])).toEqual([0]);
    expect(await produce([0, 1])).toEqual([0, 6]);
    expect(await produce([0, 1])).toEqual([0, 0]);
  });

  test("of any other request", async () => {
    kafka.answerWith({ api: "ListOffsets", errorCode: 78 });
    const ask = async (): Promise<number> => {
      const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
      const answer = await client.call(listOffsetsApi, 5, { replicaId: -1, isolationLevel: 0, topics, timeoutMs: 1_000 });
      return answer.topics[0]!.partitions[0]!.errorCode;
    };
    expect([await ask(), await ask()]).toEqual([78, 0]);
  });
});

describe("the vocabulary that all emulators share", () => {
  const ofProduce: readonly (readonly [Fault["kind"], number, boolean])[] = [
    ["throttle", 89, false],
    ["fail-before-write", 19, false],
    ["fail-after-write", 7, true],
    ["refuse-authorization", 29, false],
    ["fail-entry", 87, false],
  ];

  test.each(ofProduce)("%s", async (kind, errorCode, isStored) => {
    kafka.inject({ kind, topic: TOPIC, partition: "1" });
    expect(await produce([0, 1], "failed")).toEqual([0, errorCode]);
    expect(await produce([0, 1], "spared")).toEqual([0, 0]);
    expect((await fetch(1)).values).toEqual(isStored ? ["0 failed", "1 spared"] : ["0 spared"]);
  });

  test("fail-entry: the record stays invalid in every batch, until it is alone", async () => {
    kafka.inject({ kind: "fail-entry", topic: TOPIC });
    const send = async (values: readonly string[]) => {
      const records = batch(values.map((value) => ({ key: "k", value })));
      const topicData = [{ name: TOPIC, topicId: "", partitionData: [{ index: 0, records: [records] }] }];
      const { responses } = await client.call(produceApi, 8, { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData });
      const { errorCode, recordErrors } = responses[0]!.partitionResponses[0]!;
      return [errorCode, recordErrors.map(({ batchIndex }) => batchIndex)];
    };
    expect(await send(["a", "b", "c"])).toEqual([87, [1]]);
    expect(await send(["b", "c"])).toEqual([87, [0]]);
    expect(await send(["a"])).toEqual([0, []]);
    expect(await send(["b"])).toEqual([87, [0]]);
    expect(await send(["b"])).toEqual([0, []]);
  });

  test("expire-cursor", async () => {
    await produce([0]);
    kafka.inject({ kind: "expire-cursor", topic: TOPIC });
    expect(await fetch()).toEqual({ errorCode: 1, values: [] });
    expect(await fetch()).toEqual({ errorCode: 0, values: ["0 value"] });
  });

  test("disconnect: the next request about the topic is not carried out", async () => {
    kafka.inject({ kind: "disconnect", topic: TOPIC });
    expect(await describeTopic("other")).toBe(0);
    await expect(produce([0])).rejects.toThrow(HungUp);
    client = await RawClient.open(kafka.bootstrapServers);
    expect((await fetch()).values).toEqual([]);
  });

  test("stall: the request takes the given time, and so do the later ones on its connection", async () => {
    kafka.inject({ kind: "stall", topic: TOPIC, durationMs: 150 });
    const startedAt = performance.now();
    expect(await produce([0])).toEqual([0]);
    expect(performance.now() - startedAt).toBeGreaterThan(140);
  });

  test("restart: all connections are closed, and the stored records are kept", async () => {
    await produce([0], "before");
    await using idle = await RawClient.open(kafka.bootstrapServers);
    kafka.inject({ kind: "restart", topic: TOPIC });
    await expect(produce([0])).rejects.toThrow(HungUp);
    await expect(idle.frame()).rejects.toThrow(HungUp);
    await expect
      .poll(() =>
        RawClient.open(kafka.bootstrapServers).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    client = await RawClient.open(kafka.bootstrapServers);
    expect((await fetch()).values).toEqual(["0 before"]);
  });

  test("an unknown kind of fault is refused", () => {
    expect(() => kafka.inject({ kind: "flood" as Fault["kind"] })).toThrow(/there is no fault "flood"; there are throttle, /);
  });
});

describe("variants in which Kafka shows a fault, in turn", () => {
  const PARTITION = { topic: TOPIC, partition: "0" };

  async function restartWith(brokers: number, firstFaultTurn: number): Promise<void> {
    await client[Symbol.asyncDispose]();
    await kafka.close();
    kafka = await startEmulatedKafka({ brokers, firstFaultTurn, topics: { [TOPIC]: { partitions: 2 }, other: {} } });
    client = await RawClient.open(addressOf(1));
  }

  const addressOf = (nodeId: number): string => kafka.bootstrapServers.split(",")[nodeId - 1]!;

  async function leaders(): Promise<readonly number[]> {
    const request = {
      topics: [{ topicId: "", name: TOPIC }],
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    };
    const { partitions } = (await client.call(metadataApi, 5, request)).topics[0]!;
    return partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex).map(({ leaderId }) => leaderId);
  }

  /** Speaks with the leader of partition 0 from now on. */
  async function toLeader(): Promise<number> {
    const leaderId = (await leaders())[0]!;
    await client[Symbol.asyncDispose]();
    client = await RawClient.open(addressOf(leaderId));
    return leaderId;
  }

  test("fail-before-write: too few replicas, then a moved leader; nothing is stored", async () => {
    await restartWith(3, 0);
    const before = await toLeader();
    kafka.inject({ kind: "fail-before-write", ...PARTITION, times: 2 });
    expect([await produce([0]), await leaders(), await produce([0])]).toEqual([[19], [before, expect.any(Number)], [6]]);
    expect(await produce([0])).toEqual([6]);
    expect(await toLeader()).not.toBe(before);
    expect([await produce([0], "later"), (await fetch()).values]).toEqual([[0], ["0 later"]]);
  });

  test("fail-after-write: a time-out, a closed connection, a moved leader; all is stored", async () => {
    await restartWith(3, 0);
    const before = await toLeader();
    kafka.inject({ kind: "fail-after-write", ...PARTITION, times: 3 });
    expect(await produce([0], "a")).toEqual([7]);
    await expect(produce([0], "b")).rejects.toThrow(HungUp);
    client = await RawClient.open(addressOf(before));
    expect(await toLeader()).toBe(before);
    expect(await produce([0], "c")).toEqual([6]);
    expect(await toLeader()).not.toBe(before);
    expect((await fetch()).values).toEqual(["0 a", "1 b", "2 c"]);
  });

  test("disconnect: the second time the broker has lost the leadership, and answers that to other readers", async () => {
    await restartWith(3, 1);
    const before = await toLeader();
    const other = (await leaders())[1]!;
    kafka.inject({ kind: "disconnect", ...PARTITION });
    await expect(produce([0])).rejects.toThrow(HungUp);
    client = await RawClient.open(addressOf(before));
    expect((await fetch()).errorCode).toBe(6);
    expect(await leaders()).toEqual([expect.not.toBeOneOf([before]), other]);
    expect((await toLeader(), await fetch())).toEqual({ errorCode: 0, values: [] });
  });

  test("without another replica, the codes of a single broker", async () => {
    await restartWith(1, 1);
    kafka.inject({ kind: "fail-before-write", ...PARTITION });
    expect(await produce([0])).toEqual([19]);
    await restartWith(1, 2);
    kafka.inject({ kind: "fail-after-write", ...PARTITION });
    expect(await produce([0])).toEqual([7]);
    kafka.inject({ kind: "disconnect", ...PARTITION, after: 1 });
    expect(await leaders()).toEqual([1, 1]);
    await expect(fetch()).rejects.toThrow(HungUp);
    client = await RawClient.open(addressOf(1));
    expect([await leaders(), (await fetch()).values]).toEqual([[1, 1], ["0 value"]]);
  });

  test("each plan of a kind for a topic begins with the next variant, and each spared request advances it", async () => {
    kafka.inject({ kind: "fail-after-write", ...PARTITION });
    kafka.inject({ kind: "fail-after-write", topic: "other" });
    expect([await produce([0]), await produce([0], "value", "other")]).toEqual([[7], [7]]);
    kafka.inject({ kind: "fail-after-write", ...PARTITION });
    await expect(produce([0])).rejects.toThrow(HungUp);
    client = await RawClient.open(kafka.bootstrapServers);
    kafka.inject({ kind: "fail-after-write", ...PARTITION, after: 2 });
    expect([await produce([0]), await produce([0])]).toEqual([[0], [0]]);
    await expect(produce([0])).rejects.toThrow(HungUp);
    client = await RawClient.open(kafka.bootstrapServers);
  });
});

describe("members of a group", () => {
  async function member(group: string): Promise<GroupProbe> {
    const probe = await GroupProbe.open(new Target(kafka.bootstrapServers), group);
    await probe.join();
    await probe.sync();
    return probe;
  }

  test("steal-partition: the member is removed, in the groups of that topic", async () => {
    await using probe = await member("group");
    await using bystander = await member("bystander");
    kafka.inject({ kind: "steal-partition", topic: probe.topic });
    expect(await bystander.heartbeat()).toBe(0);
    expect(await probe.heartbeat()).toBe(25);
    probe.memberId = "";
    await probe.join();
    expect(probe.generation).toBeGreaterThan(1);
  });

  test("lose-coordinator: another coordinator knows no members", async () => {
    await using probe = await member("group");
    kafka.inject({ kind: "lose-coordinator" });
    expect(await probe.commit(1n)).toBe(16);
    expect(await probe.heartbeat()).toBe(25);
  });

  test("refuse-authorization", async () => {
    await using probe = await member("group");
    kafka.inject({ kind: "refuse-authorization", topic: probe.topic });
    expect(await probe.heartbeat()).toBe(30);
    expect(await probe.heartbeat()).toBe(0);
  });

  test("a fault does not apply to other requests", async () => {
    await using probe = await member("group");
    kafka.inject({ kind: "steal-partition", topic: "elsewhere" });
    await delay(10);
    expect([await probe.heartbeat(), await probe.commit(1n), await describeTopic()]).toEqual([0, 0, 0]);
  });
});
