import { beforeEach, describe, expect, test } from "vitest";
import type { GroupMember, KafkaClient, OffsetCommitRequest } from "../../../../../adapters/kafka/client/kafka-client.ts";
import { FetchCursor } from "../../../../../adapters/kafka/fetch/fetch-cursor.ts";
import { Coordinator } from "../../../../../adapters/kafka/group/coordinator.ts";
import type { GroupMembership } from "../../../../../adapters/kafka/group/group-membership.ts";
import { GroupOffsets } from "../../../../../adapters/kafka/group/group-offsets.ts";
import { MetadataBound } from "../../../../../adapters/kafka/group/metadata-bound.ts";
import { OwnedDelivery } from "../../../../../adapters/kafka/group/owned-delivery.ts";
import { OwnedPartition, OwnedPartitions } from "../../../../../adapters/kafka/group/owned-partitions.ts";
import { settleOffsets } from "../../../../../adapters/kafka/group/settle-offsets.ts";
import type { Assignment, Settlement, StreamError } from "../../../../../src/driver/index.ts";

const { signal } = new AbortController();

describe("commits", () => {
  let owned: OwnedPartitions;
  let commits: OffsetCommitRequest[];
  let codes: Map<number, number>;
  let member: GroupMember;
  let isStable: boolean;
  let hasSession: boolean;
  let fencedBy: number[];
  let whileAsking: () => void;
  let topicId: string | null;
  let bound: MetadataBound;
  /** The longest metadata that the server accepts. */
  let maxMetadata: number;

  beforeEach(() => {
    topicId = null;
    bound = new MetadataBound();
    maxMetadata = 4_096;
    owned = new OwnedPartitions();
    commits = [];
    codes = new Map();
    member = { group: "orders.workers", generation: 4, memberId: "me" };
    isStable = true;
    hasSession = true;
    fencedBy = [];
    whileAsking = () => undefined;
  });

  function own(partition: number, generation = 4): Assignment {
    const assignment: Assignment = {
      partition: String(partition),
      identity: { cluster: "c", topic: "orders", incarnation: "i" },
      start: null,
      epoch: String(generation),
      ahead: null,
      resumes: null,
    };
    const handler = {
      deliver: async () => true,
      advanced: () => true,
      caughtUp: () => true,
      gap: async () => true,
      unreadable: async () => true,
    };
    const taken = new OwnedPartition(partition, generation);
    const place = { offset: 0n, leaderEpoch: 3 };
    const stored = { ...place, metadata: null };
    const cursor = new FetchCursor(partition, place, handler);
    taken.delivering(new OwnedDelivery(assignment, cursor, { ...place, note: null, ahead: null, stored }));
    owned.add(taken);
    return assignment;
  }

  const upTo = (assignment: Assignment, through: string | null): Settlement => ({
    assignment,
    through,
    records: [],
    ended: false,
    ahead: null,
  });

  function settle(...settlements: readonly Settlement[]): Promise<readonly (StreamError | null)[]> {
    const calls: Partial<KafkaClient> = {
      findCoordinator: async () => 1,
      offsetCommit: async (_broker, request) => {
        commits.push(request);
        whileAsking();
        return request.partitions.map(({ partition, metadata }) => {
          const errorCode = (metadata?.length ?? 0) > maxMetadata ? 12 : (codes.get(partition) ?? 0);
          return { topic: "orders", partition, errorCode };
        });
      },
    };
    const client = calls as KafkaClient;
    const coordinator = new Coordinator(client, "orders.workers");
    const topic = { topic: "orders", topicId, clusterId: "cluster" };
    const offsets = new GroupOffsets(client, coordinator, "orders.workers", topic, bound);
    const membership = {
      get member() {
        return member;
      },
      get isStable() {
        return isStable;
      },
      get hasSession() {
        return hasSession;
      },
      fenced: (errorCode: number) => void fencedBy.push(errorCode),
    };
    return settleOffsets(membership as unknown as GroupMembership, owned, offsets, settlements, signal);
  }

  test("name the next offset and the epoch of the record before it, in the member's generation, in one request", async () => {
    const [first, other] = [own(0), own(3)];
    owned.of(first)!.delivery!.cursor.epochs.read([
      { leaderEpoch: 3, endOffset: 40n },
      { leaderEpoch: 5, endOffset: 42n },
      { leaderEpoch: 8, endOffset: 99n },
    ]);
    expect(await settle(upTo(first, "41"), upTo(other, "9007199254740993"))).toEqual([null, null]);
    expect(commits).toEqual([
      {
        ...member,
        topic: "orders",
        partitions: [
          { partition: 0, offset: 42n, leaderEpoch: 5, metadata: null },
          { partition: 3, offset: 9_007_199_254_740_994n, leaderEpoch: -1, metadata: null },
        ],
      },
    ]);
  });

  test("of a lost ownership are ownership-lost, without a request, even if the member owns the partition again", async () => {
    const old = own(0, 3);
    const again = own(0, 4);
    const [error] = await settle(upTo(old, "41"));
    expect(error).toMatchObject({ code: "ownership-lost", partition: "0", topic: "orders" });
    expect(commits).toEqual([]);
    expect(await settle(upTo(old, "50"), upTo(again, "45"))).toMatchObject([{ code: "ownership-lost" }, null]);
    expect(commits[0]?.partitions).toEqual([{ partition: 0, offset: 46n, leaderEpoch: -1, metadata: null }]);
  });

  test("after a session without an answer of the group are retried later, and not sent", async () => {
    const mine = own(0);
    const former = own(1);
    own(1, 5);
    hasSession = false;
    const [uncertain, lost] = await settle(upTo(mine, "7"), upTo(former, "7"));
    expect(uncertain).toMatchObject({ code: "unavailable", retryable: true });
    expect(lost).toMatchObject({ code: "ownership-lost" });
    expect(commits).toEqual([]);
    hasSession = true;
    expect(await settle(upTo(mine, "7"))).toEqual([null]);
  });

  test("without a position send no request", async () => {
    expect(await settle(upTo(own(0), null))).toEqual([null]);
    expect(commits).toEqual([]);
  });

  test.each([22, 25, 82])("that the group refuses with code %i end the membership", async (errorCode) => {
    const assignments = [own(0), own(1)];
    codes.set(0, errorCode).set(1, errorCode);
    const results = await settle(...assignments.map((assignment) => upTo(assignment, "1")));
    expect(results).toMatchObject([{ code: "ownership-lost" }, { code: "ownership-lost" }]);
    expect(fencedBy).toEqual([errorCode]);
  });

  test("that a rebalance refused are retried", async () => {
    codes.set(0, 27);
    expect(await settle(upTo(own(0), "1"))).toMatchObject([{ code: "unavailable", retryable: true }]);
    // The generation changed between the request and its answer.
    codes.set(0, 22);
    whileAsking = () => {
      member = { ...member, generation: 5 };
    };
    expect(await settle(upTo(own(0), "1"))).toMatchObject([{ code: "unavailable", retryable: true }]);
    isStable = false;
    whileAsking = () => undefined;
    expect(await settle(upTo(own(0), "1"))).toMatchObject([{ code: "unavailable", retryable: true }]);
    expect(fencedBy).toEqual([]);
  });

  test.each([14, 15, 16])("that the coordinator cannot accept now (code %i) can be retried", async (errorCode) => {
    codes.set(0, errorCode);
    expect(await settle(upTo(own(0), "1"))).toMatchObject([{ code: "unavailable", retryable: true }]);
    expect(fencedBy).toEqual([]);
  });

  test("that are not permitted are permission-denied", async () => {
    codes.set(0, 30);
    expect(await settle(upTo(own(0), "1"))).toMatchObject([{ code: "permission-denied", retryable: false, partition: "0" }]);
  });

  test("outside a membership are never sent: a server would accept them while the group is empty", async () => {
    member = { ...member, generation: -1, memberId: "" };
    await expect(settle(upTo(own(0), "1"))).rejects.toMatchObject({ errorCode: 25 });
    expect(commits).toEqual([]);
  });

  test("are repeated at once with less metadata, for the refused partitions only, until the server accepts it", async () => {
    topicId = "0123456789abcdef".repeat(2);
    maxMetadata = 150;
    const [first, other] = [own(0), own(3)];
    for (const assignment of [first, other]) owned.of(assignment)!.delivery!.cursor.epochs.read([{ leaderEpoch: 5, endOffset: 5_000n }]);
    const ahead = { upTo: "4001", except: Array.from({ length: 2_000 }, (_, index) => String(index * 2)) };
    expect(await settle({ ...upTo(first, null), ahead }, upTo(other, "41"))).toEqual([null, null]);
    const lengths = commits.map(({ partitions }) => partitions.map(({ partition, metadata }) => [partition, metadata!.length]));
    expect(lengths[0]!.map(([partition]) => partition)).toEqual([0, 3]);
    expect(lengths.slice(1).every((ofRequest) => ofRequest.length === 1 && ofRequest[0]![0] === 0)).toBe(true);
    expect(lengths.at(-1)![0]![1]).toBeLessThanOrEqual(150);
    expect(lengths.length).toBeLessThan(6);
    // The bound is remembered.
    const before = commits.length;
    expect(await settle({ ...upTo(first, "1"), ahead })).toEqual([null]);
    expect(commits).toHaveLength(before + 1);
  });

  test("that the server accepts without metadata only have none", async () => {
    topicId = "0123456789abcdef".repeat(2);
    maxMetadata = 10;
    const first = own(0);
    expect(await settle(upTo(first, "41"))).toEqual([null]);
    expect(commits.at(-1)!.partitions).toEqual([{ partition: 0, offset: 42n, leaderEpoch: -1, metadata: null }]);
  });
});
