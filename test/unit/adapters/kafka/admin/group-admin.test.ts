import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { KafkaAdmin } from "../../../../../adapters/kafka/admin.ts";
import { writeMetadata } from "../../../../../adapters/kafka/group/commit-metadata.ts";
import { MetadataBound } from "../../../../../adapters/kafka/group/metadata-bound.ts";
import {
  type KafkaClient,
  KafkaLostConnectionError,
  KafkaProtocolError,
  KafkaUnsupportedError,
  LATEST,
  type ListedEpochEnd,
} from "../../../../../adapters/kafka/client/kafka-client.ts";
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

describe("the lag of a group that has handled messages ahead", () => {
  const topicId = "a".repeat(32);
  /** Of the offsets 3 to 9, a group has handled 5 and 6, in the epochs 1 and 2. Partitions 0 and 1 have the leader 1, the others the leader 2. */
  function handledAhead(epochEnds: KafkaClient["epochEnds"], aheadIn: readonly number[] = [0]) {
    const epochs = [
      { leaderEpoch: 1, endOffset: 6n },
      { leaderEpoch: 2, endOffset: 7n },
    ];
    const content = { note: null, ahead: { upTo: 3, except: [0, 1], epochs } };
    const metadata = writeMetadata({ clusterId: "c", topicId }, 3n, content, 4_096);
    const partitions = [0, 1, 2, 3].map((partition) => ({ errorCode: 0, partition, leaderId: partition < 2 ? 1 : 2 }));
    const { admin } = cluster(async () => undefined, {
      metadata: async () => ({
        brokers: [],
        clusterId: "c",
        controllerId: 1,
        topics: [{ errorCode: 0, topic: "orders", topicId, isInternal: false, partitions }],
      }),
      offsetFetch: async () =>
        partitions.map(({ partition, errorCode }) => ({
          topic: "orders",
          partition,
          errorCode,
          offset: 3n,
          leaderEpoch: 0,
          metadata: aheadIn.includes(partition) ? metadata : null,
        })),
      listOffsets: async (_broker, { partitions: asked }) =>
        asked.map(({ partition, timestamp }) => ({
          partition,
          errorCode: 0,
          offset: timestamp === LATEST ? 10n : 0n,
          timestamp: -1n,
          leaderEpoch: 0,
        })),
      epochEnds,
    });
    return async (...wanted: readonly string[]) => admin.lag("orders", NAME, { partitions: wanted, initialPosition: null }, never);
  }
  const found = (partition: number, leaderEpoch: number, endOffset: bigint): ListedEpochEnd => ({
    partition,
    errorCode: 0,
    leaderEpoch,
    endOffset,
  });

  test.each<readonly [string, readonly ListedEpochEnd[], number]>([
    ["leaves out all if the log has the last epoch up to there", [found(0, 2, 10n)], 5],
    ["leaves out what is before the end of the last epoch", [found(0, 2, 6n)], 6],
    ["leaves out what is before the end of an earlier epoch", [found(0, 1, 6n)], 6],
    ["leaves out none of an earlier epoch that has gone on elsewhere", [found(0, 1, 9n)], 6],
    ["counts all if an earlier epoch ends before what is handled", [found(0, 1, 5n)], 7],
    ["counts all if only an older epoch is found", [found(0, 0, 9n)], 7],
    ["counts all if the server does not know the epoch", [found(0, -1, -1n)], 7],
    ["counts all if the server answers nothing", [], 7],
  ])("%s", async (_name, ends, messages) => {
    expect(await handledAhead(async () => ends)("0")).toMatchObject({ messages });
  });

  test("counts all if the server does not support the request", async () => {
    const lag = handledAhead(async () => {
      throw new KafkaUnsupportedError("OffsetForLeaderEpoch", [3]);
    });
    expect(await lag("0")).toMatchObject({ messages: 7 });
  });

  test("asks each leader once, for the newest epoch where something is handled ahead", async () => {
    const asked: unknown[] = [];
    const lag = handledAhead(
      async (brokerId, { partitions }) => {
        asked.push([brokerId, partitions]);
        return partitions.map(({ partition }) => found(partition, 2, 10n));
      },
      [0, 1, 3],
    );
    expect((await lag("0", "1", "2", "3")).partitions.map(({ messages }) => messages)).toEqual([5, 5, 7, 5]);
    const wanted = (...partitions: readonly number[]) => partitions.map((partition) => ({ partition, leaderEpoch: 2 }));
    expect(asked).toEqual([
      [1, wanted(0, 1)],
      [2, wanted(3)],
    ]);
    asked.length = 0;
    expect(await lag("2")).toMatchObject({ messages: 7 });
    expect(asked).toEqual([]);
  });

  test("leaves the retry to the core if the leader has moved", async () => {
    const lag = handledAhead(async () => [{ ...found(0, -1, -1n), errorCode: 6 }]);
    expect(await lag("0").catch(classify)).toMatchObject({ code: "unavailable", retryable: true });
  });
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
