import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { KafkaAdmin } from "../../../../../adapters/kafka/admin.ts";
import { MetadataBound } from "../../../../../adapters/kafka/group/metadata-bound.ts";
import { type KafkaClient, KafkaLostConnectionError, KafkaProtocolError } from "../../../../../adapters/kafka/client/kafka-client.ts";
import { classify } from "../../../../../adapters/kafka/errors.ts";
import { TopicDirectory } from "../../../../../adapters/kafka/topic-directory.ts";
import type { AdminDriver, DriverReport, Report, StartPoint } from "../../../../../src/driver/index.ts";

const NAME = { group: "workers", nativeGroup: undefined };
const { signal: never } = new AbortController();
const COORDINATOR_NOT_AVAILABLE = new KafkaProtocolError("FindCoordinator", 15);

/** A group with a committed offset in one partition, in a cluster of one broker. `fault` is called before each answer. */
function cluster(fault: (call: keyof KafkaClient, signal: AbortSignal) => Promise<void>, others: Partial<KafkaClient> = {}) {
  const answer =
    <Answer>(call: keyof KafkaClient, result: Answer) =>
    async (...request: readonly unknown[]): Promise<Answer> => {
      await fault(call, request.at(-1) as AbortSignal);
      return result;
    };
  const place = { topic: "orders", partition: 0, errorCode: 0 };
  const described = { errorCode: 0, state: "Empty", protocolType: "consumer", protocol: "", members: [] };
  const partitions = [{ errorCode: 0, partition: 0, leaderId: 1 }];
  const calls: Partial<KafkaClient> = {
    metadata: answer("metadata", {
      brokers: [{ brokerId: 1, host: "b", port: 1 }],
      clusterId: "c",
      controllerId: 1,
      topics: [{ errorCode: 0, topic: "orders", topicId: "a".repeat(32), isInternal: false, partitions }],
    }),
    findCoordinator: answer("findCoordinator", 1),
    listGroups: answer("listGroups", [{ group: "orders.workers", protocolType: "consumer" }]),
    describeGroup: answer("describeGroup", described),
    offsetFetch: answer("offsetFetch", [{ ...place, offset: 3n, leaderEpoch: 0, metadata: null }]),
    offsetCommit: answer("offsetCommit", [place]),
    deleteGroup: answer("deleteGroup", undefined),
    listOffsets: answer("listOffsets", [{ ...place, offset: 10n, timestamp: -1n, leaderEpoch: 0 }]),
    ...others,
  };
  const client = calls as KafkaClient;
  const reports: DriverReport[] = [];
  const report: Report = Object.assign((reported: DriverReport) => void reports.push(reported), { wants: () => true });
  const service = {
    client,
    directory: new TopicDirectory(client),
    report,
    metadataBound: new MetadataBound(),
    compression: "none",
    idempotent: false,
  } as const;
  return { admin: new KafkaAdmin(service), reports };
}

const CALLS: readonly (readonly [string, (admin: AdminDriver, signal: AbortSignal) => Promise<unknown>])[] = [
  ["listGroups", (admin, signal) => admin.listGroups("orders", signal)],
  ["describeGroup", (admin, signal) => admin.describeGroup("orders", NAME, signal)],
  ["resetGroup", (admin, signal) => admin.resetGroup("orders", NAME, { kind: "earliest" }, signal)],
  ["deleteGroup", (admin, signal) => admin.deleteGroup("orders", NAME, signal)],
  ["lag", (admin, signal) => admin.lag("orders", NAME, { partitions: null, initialPosition: null }, signal)],
];

test("groups with members on other topics only are not listed, also while the server does not report the topics of members", async () => {
  // Version 0 of another client: a version, its topics, its own data.
  const reading = (topic: string): Buffer => Buffer.from([0, 0, 0, 0, 0, 1, 0, topic.length, ...Buffer.from(topic), 0, 0, 0, 0]);
  const listed = async (group: string, metadata: Buffer): Promise<readonly string[]> => {
    const members = [{ memberId: "m", clientId: "c", metadata, assignment: Buffer.alloc(0) }];
    const { admin } = cluster(async () => undefined, {
      listGroups: async () => [{ group, protocolType: "consumer" }],
      describeGroup: async () => ({ errorCode: 0, state: "Stable", protocolType: "consumer", protocol: "range", members }),
      offsetFetch: async () => [],
    });
    return (await admin.listGroups("orders", never)).map(({ nativeGroup }) => nativeGroup);
  };
  expect(await listed("billing", reading("orders"))).toEqual(["billing"]);
  expect(await listed("billing", reading("flights"))).toEqual([]);
  expect(await listed("billing", Buffer.alloc(0))).toEqual([]);
  expect(await listed("orders.workers", Buffer.alloc(0))).toEqual(["orders.workers"]);
});

test("all groups of the cluster are looked up, several at once and each one once, even if two brokers list them", async () => {
  const names = Array.from({ length: 200 }, (_, index) => `orders.group-${index}`);
  let atOnce = 0;
  let most = 0;
  const { admin } = cluster(
    async (asked) => {
      if (asked !== "describeGroup") return;
      most = Math.max(most, ++atOnce);
      await delay(1);
      atOnce -= 1;
    },
    { listGroups: async () => [...names, ...names].map((group) => ({ group, protocolType: "consumer" })) },
  );
  const listed = await admin.listGroups("orders", never);
  expect(listed.map(({ nativeGroup }) => nativeGroup).toSorted()).toEqual(names.toSorted());
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(16);
});

test("the plan of a reset equals the reset: unlisted partitions start at their beginning, and for a position the others keep their offsets", async () => {
  const partitions = [0, 1].map((partition) => ({ errorCode: 0, partition, leaderId: 1 }));
  const topics = [{ errorCode: 0, topic: "orders", topicId: "a".repeat(32), isInternal: false, partitions }];
  const committed: Map<number, bigint>[] = [];
  const answersFor = (standing: readonly number[]): Partial<KafkaClient> => ({
    metadata: async () => ({ brokers: [{ brokerId: 1, host: "b", port: 1 }], clusterId: "c", controllerId: 1, topics }),
    offsetFetch: async () =>
      standing.map((partition) => ({ topic: "orders", partition, errorCode: 0, offset: 9n, leaderEpoch: 0, metadata: null })),
    // The log of each partition goes from 2 to 10.
    listOffsets: async (_broker, { partitions: asked }) =>
      asked.map(({ partition, timestamp }) => ({
        partition,
        errorCode: 0,
        offset: timestamp === -2n ? 2n : 10n,
        timestamp,
        leaderEpoch: 0,
      })),
    offsetCommit: async (_broker, request) => {
      committed.push(new Map(request.partitions.map(({ partition, offset }) => [partition, offset])));
      return request.partitions.map(({ partition }) => ({ topic: "orders", partition, errorCode: 0 }));
    },
  });
  const expectReset = async (standing: readonly number[], to: StartPoint, expected: Readonly<Record<string, string>>): Promise<void> => {
    const { admin } = cluster(async () => undefined, answersFor(standing));
    const planned = await admin.planReset("orders", NAME, to, never);
    expect(committed).toEqual([]);
    expect(planned).toEqual(new Map(Object.entries(expected).map(([partition, position]) => [partition, { kind: "at", position }])));
    await admin.resetGroup("orders", NAME, to, never);
    expect(committed.splice(0)).toEqual([
      new Map(Object.entries(expected).map(([partition, position]) => [Number(partition), BigInt(position)])),
    ]);
  };
  const bookmark: StartPoint = { kind: "places", places: new Map([["0", { kind: "at", position: "5" }]]) };
  await expectReset([0, 1], bookmark, { 0: "5", 1: "2" });
  await expectReset([], bookmark, { 0: "5", 1: "2" });
  const position: StartPoint = { kind: "position", partition: "1", place: { kind: "after", position: "5" } };
  await expectReset([0, 1], position, { 1: "6" });
  await expectReset([0], position, { 1: "6" });
  await expectReset([], position, { 0: "2", 1: "6" });
});

test.each(CALLS)("%s leaves the retry to the core if there is no coordinator", async (_name, call) => {
  let asked = 0;
  const { admin } = cluster(async (api) => {
    if (api !== "findCoordinator") return;
    asked += 1;
    throw COORDINATOR_NOT_AVAILABLE;
  });
  const failure = await call(admin, never).catch(classify);
  expect(failure).toMatchObject({ code: "unavailable", retryable: true, message: expect.stringContaining("COORDINATOR_NOT_AVAILABLE") });
  expect(asked).toBe(1);
});

test.each(["resetGroup", "lag"])("%s leaves the retry to the core if a partition has no leader", async (name) => {
  const { admin } = cluster(async (asked) => {
    if (asked === "listOffsets") throw new KafkaProtocolError("ListOffsets", 5);
  });
  const [, call] = CALLS.find(([called]) => called === name)!;
  expect(await call(admin, never).catch(classify)).toMatchObject({ code: "unavailable", retryable: true });
});

test.each([
  ["resetGroup", "offsetCommit"],
  ["deleteGroup", "deleteGroup"],
] as const)("%s reports a change without an answer as an unknown outcome that can be retried", async (name, api) => {
  const { admin } = cluster(async (asked) => {
    if (asked === api) throw new KafkaLostConnectionError("b:1", new Error("the server closed the connection"));
  });
  const [, call] = CALLS.find(([called]) => called === name)!;
  expect(await call(admin, never).catch(classify)).toMatchObject({
    code: "outcome-unknown",
    retryable: true,
    message: expect.stringContaining("b:1"),
  });
});

test.each(CALLS)("%s ends at once when the caller aborts", { timeout: 20_000 }, async (_name, call) => {
  const { admin } = cluster(async (asked) => {
    if (asked === "findCoordinator") throw COORDINATOR_NOT_AVAILABLE;
  });
  const gone = new AbortController();
  const calling = call(admin, gone.signal);
  const reason = new Error("gone");
  gone.abort(reason);
  await expect(calling).rejects.toBe(reason);
});
