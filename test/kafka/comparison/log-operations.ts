import { deleteRecordsApi } from "../../../localstack/kafka/broker/requests/delete-records.ts";
import { fetchApi } from "../../../localstack/kafka/broker/requests/fetch.ts";
import { listOffsetsApi } from "../../../localstack/kafka/broker/requests/list-offsets.ts";
import { metadataApi } from "../../../localstack/kafka/broker/requests/metadata.ts";
import { offsetForLeaderEpochApi } from "../../../localstack/kafka/broker/requests/offset-for-leader-epoch.ts";
import { produceApi } from "../../../localstack/kafka/broker/requests/produce.ts";
import { batch, valuesIn } from "./batches.ts";
import { type Operation, type Target, operation, outcomeOf } from "./operation.ts";
import type { RawClient } from "./raw-client.ts";

const BEGAN_MS = Date.parse("2026-11-01T12:00:00Z");

/** No limit of the age. */
const FOR_EVER = { "retention.ms": "-1" };

/** Batches with one value each, a second apart; a topic with something in it. */
async function filled(target: Target, values: readonly string[]): Promise<string> {
  const topic = await target.topic("topic", 1, FOR_EVER);
  await using client = await target.raw();
  for (const [index, value] of values.entries()) {
    await store(client, topic, batch([{ value }], { baseTimestamp: BigInt(BEGAN_MS + index * 1_000) }));
  }
  return topic;
}

async function store(client: RawClient, topic: string, records: Buffer): Promise<void> {
  const topicData = [{ name: topic, topicId: "", partitionData: [{ index: 0, records: [records] }] }];
  const { responses } = await client.call(produceApi, 8, { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData });
  const errorCode = responses[0]?.partitionResponses[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`could not store: ${errorCode}`);
}

interface FetchOptions {
  readonly version?: number;
  readonly offset?: bigint;
  readonly partition?: number;
  readonly isolationLevel?: number;
  readonly maxBytes?: number;
  readonly partitionMaxBytes?: number;
  readonly currentLeaderEpoch?: number;
  readonly lastFetchedEpoch?: number;
  readonly sessionId?: number;
  readonly sessionEpoch?: number;
  readonly topicId?: string;
}

async function fetch(client: RawClient, topic: string, options: FetchOptions = {}): Promise<unknown> {
  const { version = 11, offset = 0n, partition = 0, isolationLevel = 0, maxBytes = 1_000_000, partitionMaxBytes = 1_000_000 } = options;
  const { currentLeaderEpoch = -1, lastFetchedEpoch = -1, sessionId = 0, sessionEpoch = -1, topicId = "" } = options;
  const partitions = [{ partition, currentLeaderEpoch, fetchOffset: offset, lastFetchedEpoch, logStartOffset: -1n, partitionMaxBytes }];
  const answer = await client.call(fetchApi, version, {
    maxWaitMs: 50,
    minBytes: 1,
    maxBytes,
    isolationLevel,
    sessionId,
    sessionEpoch,
    topics: [{ topic, topicId, partitions }],
    forgottenTopicsData: [],
    rackId: "",
  });
  const fetched = answer.responses[0]?.partitions[0];
  if (fetched === undefined) return { errorCode: answer.errorCode };
  const { errorCode, highWatermark, lastStableOffset, logStartOffset, abortedTransactions, records, divergingEpoch } = fetched;
  return {
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    aborted: abortedTransactions?.length ?? null,
    values: valuesIn(records),
    ...(divergingEpoch.epoch < 0 ? {} : { divergingEpoch }),
  };
}

function fetching(name: string, options: FetchOptions = {}): Operation {
  return operation(`Fetch: ${name}`, async (target) => {
    const topic = await filled(target, ["a", "b", "c"]);
    await using client = await target.raw();
    return await outcomeOf(fetch(client, topic, options));
  });
}

async function list(client: RawClient, topic: string, timestamp: number, version = 7, isolationLevel = 0): Promise<unknown> {
  const { topics } = await client.call(listOffsetsApi, version, {
    replicaId: -1,
    isolationLevel,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
    timeoutMs: 5_000,
  });
  const { errorCode, offset, timestamp: found, leaderEpoch } = topics[0]!.partitions[0]!;
  return { errorCode, offset, timestamp: found, leaderEpoch };
}

async function topicIdOf(client: RawClient, topic: string): Promise<string> {
  const { topics } = await client.call(metadataApi, 12, {
    topics: [{ topicId: "AAAAAAAAAAAAAAAAAAAAAA", name: topic }],
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  return topics[0]!.topicId;
}

async function deleteBefore(client: RawClient, topic: string, offset: bigint, partition = 0): Promise<unknown> {
  const asked = [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }];
  const { topics } = await client.call(deleteRecordsApi, 1, { topics: asked, timeoutMs: 5_000 });
  const { lowWatermark, errorCode } = topics[0]!.partitions[0]!;
  return { lowWatermark, errorCode };
}

export const logOperations: readonly Operation[] = [
  operation("Fetch: every version", async (target) => {
    const topic = await filled(target, ["a", "b"]);
    await using client = await target.raw();
    const topicId = await topicIdOf(client, topic);
    const outcomes: unknown[] = [];
    for (let version = 4; version <= 17; version += 1) outcomes.push(await fetch(client, topic, { version, topicId }));
    return outcomes;
  }),
  fetching("from the middle", { offset: 1n }),
  fetching("at the end", { offset: 3n }),
  fetching("behind the end", { offset: 4n }),
  fetching("before the beginning", { offset: -3n }),
  operation("Fetch: more than one batch, less than two", async (target) => {
    const topic = await filled(target, ["a", "b"]);
    await using client = await target.raw();
    const partition = { partition: 0, fetchOffset: 0n, partitionMaxBytes: 100 };
    const answer = await client.call(fetchApi, 11, {
      maxWaitMs: 50,
      minBytes: 1,
      maxBytes: 1_000_000,
      isolationLevel: 0,
      sessionId: 0,
      topics: [{ topic, topicId: "", partitions: [partition] }],
      forgottenTopicsData: [],
      rackId: "",
    });
    const { records } = answer.responses[0]!.partitions[0]!;
    return { bytes: records.length, values: valuesIn(records) };
  }),
  fetching("only what is committed", { isolationLevel: 1 }),
  fetching("less than a batch", { partitionMaxBytes: 1 }),
  fetching("less than a batch in all", { maxBytes: 1 }),
  fetching("a partition that does not exist", { partition: 4 }),
  fetching("knowing an older epoch", { currentLeaderEpoch: 0 }),
  fetching("knowing a newer epoch", { currentLeaderEpoch: 5 }),
  fetching("in a session that there is not", { sessionId: 12_345, sessionEpoch: 3 }),
  fetching("in no session, but going on with it", { sessionId: 0, sessionEpoch: 3 }),
  operation("Fetch: a topic that does not exist, by name and by id", async (target) => {
    await using client = await target.raw();
    const topic = target.name("missing");
    const topicId = Buffer.alloc(16, 7).toString("base64url");
    return [await fetch(client, topic), await fetch(client, topic, { version: 13, topicId })];
  }),
  operation("Fetch: what comes while it waits", async (target) => {
    const topic = await target.topic("topic");
    await using reader = await target.raw();
    await using writer = await target.raw();
    const waiting = fetch(reader, topic);
    await store(writer, topic, batch([{ value: "late" }]));
    const first = (await waiting) as { readonly values: readonly string[] };
    // The operation may have been too quick for that.
    return first.values.length > 0 ? first : await fetch(reader, topic);
  }),
  operation("ListOffsets: every version, both ends", async (target) => {
    const topic = await filled(target, ["a", "b", "c"]);
    await using client = await target.raw();
    const outcomes: unknown[] = [];
    for (let version = 1; version <= 10; version += 1) {
      for (const timestamp of [-1, -2]) outcomes.push(await list(client, topic, timestamp, version));
    }
    return outcomes;
  }),
  operation("ListOffsets: by time", async (target) => {
    const topic = await filled(target, ["a", "b", "c"]);
    await using client = await target.raw();
    const times = [0, BEGAN_MS - 1, BEGAN_MS, BEGAN_MS + 1, BEGAN_MS + 1_000, BEGAN_MS + 1_500, BEGAN_MS + 2_000, BEGAN_MS + 2_001];
    const outcomes: unknown[] = [];
    for (const time of times) outcomes.push(await list(client, topic, time));
    return outcomes;
  }),
  operation("ListOffsets: by time, within a batch and out of order", async (target) => {
    const topic = await target.topic("topic", 1, FOR_EVER);
    await using client = await target.raw();
    const contents = [{ timestampDelta: 500 }, { timestampDelta: 0 }, { timestampDelta: 900 }, { timestampDelta: 100 }];
    await store(client, topic, batch(contents, { baseTimestamp: BigInt(BEGAN_MS) }));
    await store(client, topic, batch([{ timestampDelta: 0 }, { timestampDelta: 50 }], { baseTimestamp: BigInt(BEGAN_MS - 1_000) }));
    await store(client, topic, batch([{ timestampDelta: 0 }], { baseTimestamp: BigInt(BEGAN_MS + 2_000) }));
    const times = [-2_000, -1_000, -990, 0, 400, 501, 899, 901, 2_000, 2_001].map((delta) => BEGAN_MS + delta);
    const outcomes: unknown[] = [];
    for (const time of [...times, -3]) outcomes.push(await list(client, topic, time));
    return outcomes;
  }),
  operation("ListOffsets: special times", async (target) => {
    const topic = await filled(target, ["a", "b", "c"]);
    const empty = await target.topic("empty");
    const outcomes: unknown[] = [];
    for (const time of [-3, -4, -5, -6, -7]) {
      await using client = await target.raw();
      outcomes.push([await outcomeOf(list(client, topic, time, 9)), await outcomeOf(list(client, empty, time, 9))]);
    }
    await using client = await target.raw();
    outcomes.push(await outcomeOf(list(client, topic, -3, 6)));
    return outcomes;
  }),
  operation("ListOffsets: a topic that does not exist", async (target) => {
    await using client = await target.raw();
    return await list(client, target.name("missing"), -1);
  }),
  operation("DeleteRecords: what is left", async (target) => {
    const topic = await filled(target, ["a", "b", "c"]);
    await using client = await target.raw();
    const deleted = [await deleteBefore(client, topic, 2n), await deleteBefore(client, topic, 1n)];
    const fetched = [await fetch(client, topic, { offset: 1n }), await fetch(client, topic, { offset: 2n })];
    const listed = [await list(client, topic, -2), await list(client, topic, -1), await list(client, topic, BEGAN_MS)];
    return { deleted, fetched, listed, rest: await deleteBefore(client, topic, -1n), afterwards: await list(client, topic, -2) };
  }),
  operation("DeleteRecords: what cannot be", async (target) => {
    const topic = await filled(target, ["a"]);
    const compacted = await target.topic("compacted", 1, { "cleanup.policy": "compact" });
    await using client = await target.raw();
    return [
      await deleteBefore(client, topic, 5n),
      await deleteBefore(client, topic, -2n),
      await deleteBefore(client, topic, 0n, 3),
      await deleteBefore(client, target.name("missing"), 0n),
      await deleteBefore(client, compacted, 0n),
    ];
  }),
  operation("Fetch: what has been read before, by the epoch of its leader", async (target) => {
    const topic = await filled(target, ["a", "b"]);
    await using client = await target.raw();
    const topicId = await topicIdOf(client, topic);
    const outcomes: unknown[] = [];
    for (const [offset, lastFetchedEpoch] of [
      [1n, 0],
      [2n, 0],
      [7n, 0],
      [1n, 4],
      [7n, 4],
      [-5n, 0],
      [7n, -1],
    ] as const) {
      outcomes.push(await fetch(client, topic, { version: 13, topicId, offset, lastFetchedEpoch }));
      outcomes.push(await fetch(client, topic, { version: 12, offset, lastFetchedEpoch }));
    }
    await deleteBefore(client, topic, 1n);
    outcomes.push(await fetch(client, topic, { version: 13, topicId, offset: 0n, lastFetchedEpoch: 0 }));
    outcomes.push(await fetch(client, topic, { version: 13, topicId, offset: 1n, lastFetchedEpoch: 0 }));
    return outcomes;
  }),
  operation("OffsetForLeaderEpoch", async (target) => {
    const topic = await filled(target, ["a", "b"]);
    await using client = await target.raw();
    const outcomes: unknown[] = [];
    for (const [currentLeaderEpoch, leaderEpoch] of [
      [-1, 0],
      [0, 0],
      [-1, 5],
      [5, 0],
    ] as const) {
      const partitions = [{ partition: 0, currentLeaderEpoch, leaderEpoch }];
      const { topics } = await client.call(offsetForLeaderEpochApi, 4, { topics: [{ topic, partitions }] });
      outcomes.push(topics[0]?.partitions[0]);
    }
    return outcomes;
  }),
];
