import { describe, expect, test } from "vitest";
import { EARLIEST, type KafkaClient, type OffsetCommitRequest } from "../../../../../adapters/kafka/client/kafka-client.ts";
import { OffsetLookup } from "../../../../../adapters/kafka/fetch/offset-lookup.ts";
import { Coordinator } from "../../../../../adapters/kafka/group/coordinator.ts";
import { GroupOffsets } from "../../../../../adapters/kafka/group/group-offsets.ts";
import { MetadataBound } from "../../../../../adapters/kafka/group/metadata-bound.ts";
import { type StartContext, startOffsets } from "../../../../../adapters/kafka/group/start-positions.ts";
import type { StartPoint } from "../../../../../src/driver/index.ts";
import { batchHeader, fetchedBatches } from "../batch-headers.ts";

const { signal } = new AbortController();
const TOPIC_ID = "0123456789abcdef".repeat(2);

/** Three partitions with the offsets 10 to 99, and the committed offsets of a group. */
class Log {
  readonly committed = new Map<number, { readonly offset: bigint; readonly metadata: string | null }>();
  readonly commits: OffsetCommitRequest[] = [];
  commitCode = 0;
  looks = 0;

  get client(): KafkaClient {
    const calls: Partial<KafkaClient> = {
      findCoordinator: async () => 1,
      offsetFetch: async (_broker, _group, topics) => {
        this.looks += 1;
        return (topics ?? []).flatMap(({ topic, partitions }) =>
          partitions.map((partition) => {
            const { offset, metadata } = this.committed.get(partition) ?? { offset: -1n, metadata: null };
            return { topic, partition, errorCode: 0, offset, leaderEpoch: 2, metadata };
          }),
        );
      },
      offsetCommit: async (_broker, request) => {
        this.commits.push(request);
        if (this.commitCode === 0)
          for (const { partition, offset, metadata } of request.partitions) this.committed.set(partition, { offset, metadata });
        return request.partitions.map(({ partition }) => ({ topic: request.topic, partition, errorCode: this.commitCode }));
      },
      listOffsets: async (_broker, { partitions }) =>
        partitions.map(({ partition, timestamp }) => ({
          partition,
          errorCode: 0,
          offset: timestamp === EARLIEST ? 10n : timestamp < 0n ? 100n : timestamp > 5_000n ? -1n : 50n,
          timestamp: -1n,
          leaderEpoch: -1,
        })),
      fetch: async (_broker, { partitions }) =>
        partitions.map(({ partition, fetchOffset }) => fetchedBatches(partition, batchHeader(fetchOffset, 5_000n))),
    };
    return calls as KafkaClient;
  }

  context(initialPosition: StartPoint | "fail", more: Partial<StartContext> = {}): StartContext {
    const { client } = this;
    const topic = { topic: "orders", topicId: TOPIC_ID, clusterId: "c" };
    const offsets = new GroupOffsets(client, new Coordinator(client, "orders.workers"), "orders.workers", topic, new MetadataBound());
    return {
      lookup: new OffsetLookup(client),
      offsets,
      settings: { group: "workers", nativeGroup: undefined, initialPosition, sessionTimeoutMs: 10_000, maxBufferedBytes: 1_000 },
      known: () => ({
        topic: "orders",
        topicId: TOPIC_ID,
        identity: { cluster: "c", topic: "orders", incarnation: TOPIC_ID },
        partitions: [0, 1, 2],
        clusterId: "c",
        leaderOf: () => 1,
      }),
      member: () => ({ group: "orders.workers", generation: 4, memberId: "me" }),
      isFirst: () => true,
      isWanted: () => true,
      ...more,
    };
  }

  get places(): Record<number, bigint> {
    return Object.fromEntries([...this.committed].map(([partition, { offset }]) => [partition, offset]));
  }
}

describe("where a member starts", () => {
  test("a new group: all partitions are resolved and committed in one request, also those of others", async () => {
    const log = new Log();
    const starts = await startOffsets(log.context({ kind: "latest" }), [1], signal);
    expect(starts.get(1)?.offset).toBe(100n);
    expect(log.commits.length).toBe(1);
    expect(log.commits[0]).toMatchObject({ generation: 4, memberId: "me", group: "orders.workers", topic: "orders" });
    expect(log.places).toEqual({ 0: 100n, 1: 100n, 2: 100n });
  });

  test.each<[string, StartPoint, Record<number, bigint>]>([
    ["earliest", { kind: "earliest" }, { 0: 10n, 1: 10n, 2: 10n }],
    ["a time", { kind: "timestamp", timestampMs: 4_000 }, { 0: 50n, 1: 50n, 2: 50n }],
    ["a time after all records", { kind: "timestamp", timestampMs: 9_000 }, { 0: 100n, 1: 100n, 2: 100n }],
    [
      "places",
      {
        kind: "places",
        places: new Map([
          ["0", { kind: "after", position: "41" }],
          ["2", { kind: "at", position: "7" }],
        ]),
      },
      { 0: 42n, 1: 10n, 2: 7n },
    ],
  ])("a new group starts at %s", async (_name, start, places) => {
    const log = new Log();
    await startOffsets(log.context(start), [0], signal);
    expect(log.places).toEqual(places);
  });

  test("a member without the first partition waits until the group has committed offsets", async () => {
    const log = new Log();
    const waiting = startOffsets(log.context({ kind: "latest" }, { isFirst: () => false }), [1], signal);
    await expect.poll(() => log.looks).toBeGreaterThan(1);
    expect(log.commits).toEqual([]);
    log.committed.set(0, { offset: 70n, metadata: null }).set(1, { offset: 71n, metadata: null }).set(2, { offset: 72n, metadata: null });
    expect((await waiting).get(1)?.offset).toBe(71n);
    expect(log.commits).toEqual([]);
  });

  test("it waits only while it owns partitions", async () => {
    const log = new Log();
    const context = log.context({ kind: "latest" }, { isFirst: () => false, isWanted: () => log.looks < 2 });
    expect(await startOffsets(context, [1], signal)).toEqual(new Map());
  });

  test("a partition that is newer than the group starts at its beginning, which is committed too", async () => {
    const log = new Log();
    log.committed.set(0, { offset: 70n, metadata: null });
    const starts = await startOffsets(log.context({ kind: "latest" }, { isFirst: () => false }), [0, 2], signal);
    expect([starts.get(0)?.offset, starts.get(2)?.offset]).toEqual([70n, 10n]);
    expect(log.places).toEqual({ 0: 70n, 2: 10n });
  });

  test("offsets of an earlier topic of the same name do not count", async () => {
    const log = new Log();
    log.committed.set(0, { offset: 70n, metadata: `streamport topic ${"f".repeat(32)}` });
    await startOffsets(log.context({ kind: "earliest" }), [0], signal);
    expect(log.places).toEqual({ 0: 10n, 1: 10n, 2: 10n });
    log.committed.set(0, { offset: 80n, metadata: `streamport topic ${TOPIC_ID}` });
    expect((await startOffsets(log.context({ kind: "earliest" }), [0], signal)).get(0)).toMatchObject({ offset: 80n, leaderEpoch: 2 });
    log.committed.set(0, { offset: 81n, metadata: "another client's own" });
    expect((await startOffsets(log.context({ kind: "earliest" }), [0], signal)).get(0)).toMatchObject({
      offset: 81n,
      leaderEpoch: -1,
      isForeign: true,
    });
  });

  test("a group that must exist but does not is not-found", async () => {
    const log = new Log();
    await expect(startOffsets(log.context("fail"), [0], signal)).rejects.toMatchObject({ code: "not-found" });
    expect(log.commits).toEqual([]);
  });

  test.each([22, 25, 27])("a member that is no longer current (code %i) decides nothing", async (errorCode) => {
    const log = new Log();
    log.commitCode = errorCode;
    await expect(startOffsets(log.context({ kind: "latest" }), [0], signal)).rejects.toMatchObject({ errorCode });
    expect(log.places).toEqual({});
  });

  test("a place after the end, or in a partition that does not exist, is refused", async () => {
    const at = (partition: string, position: string): StartPoint => ({
      kind: "places",
      places: new Map([[partition, { kind: "at", position }]]),
    });
    const log = new Log();
    await expect(startOffsets(log.context(at("0", "101")), [0], signal)).rejects.toMatchObject({ code: "position-out-of-range" });
    await expect(startOffsets(log.context(at("3", "1")), [0], signal)).rejects.toMatchObject({ code: "invalid-argument" });
    expect(log.commits).toEqual([]);
  });
});
