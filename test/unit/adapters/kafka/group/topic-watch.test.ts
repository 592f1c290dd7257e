import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClusterMetadata, KafkaClient } from "../../../../../adapters/kafka/client/kafka-client.ts";
import { TopicWatch } from "../../../../../adapters/kafka/group/topic-watch.ts";
import { TopicDirectory } from "../../../../../adapters/kafka/topic-directory.ts";
import type { Report } from "../../../../../src/driver/index.ts";

vi.mock("node:timers", () => import("../../../fakeable-timers.ts"));
vi.mock("node:perf_hooks", () => import("../../../fakeable-timers.ts"));

const silent: Report = Object.assign(() => undefined, { wants: () => false });
const LOOK_MS = 3_000;
/** A server that has just started may not know all topics yet, so the watch asks again during this time. */
const MISSING_MS = 4_000;

let topicId: string;
let partitionCount: number;
let grown: number;
let ended: unknown;
const stop = new AbortController();

/** A watch that runs and has looked up the topic once. */
async function startWatch(): Promise<TopicWatch> {
  const metadata = async (): Promise<ClusterMetadata> => {
    const partitions = Array.from({ length: partitionCount }, (_, partition) => ({ errorCode: 0, partition, leaderId: 1 }));
    const topic = { errorCode: 0, topic: "t", topicId, isInternal: false, partitions };
    return { brokers: [], clusterId: "c", controllerId: 1, topics: [topic] };
  };
  const client = { metadata } satisfies Partial<KafkaClient> as unknown as KafkaClient;
  const watch = await TopicWatch.open(new TopicDirectory(client), "t", silent, () => (grown += 1), stop.signal);
  watch.run(stop.signal).catch((error: unknown) => (ended = error));
  await vi.advanceTimersByTimeAsync(LOOK_MS);
  return watch;
}

beforeEach(() => {
  vi.useFakeTimers();
  [topicId, partitionCount, grown, ended] = ["a".repeat(32), 2, 0, undefined];
});

afterEach(() => void vi.useRealTimers());

test("a topic that is created again under the same name ends the watch, even if everything else is the same", async () => {
  const watch = await startWatch();
  expect(ended).toBeUndefined();
  topicId = "b".repeat(32);
  await vi.advanceTimersByTimeAsync(LOOK_MS + MISSING_MS);
  expect(ended).toMatchObject({ code: "not-found", topic: "t" });
  expect(watch.known.topicId).toBe("a".repeat(32));
});

test("added partitions are reported once", async () => {
  const watch = await startWatch();
  partitionCount = 5;
  await vi.advanceTimersByTimeAsync(3 * LOOK_MS);
  expect(grown).toBe(1);
  expect(watch.known.partitions).toEqual([0, 1, 2, 3, 4]);
  expect(ended).toBeUndefined();
});
