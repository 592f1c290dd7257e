import type { Capabilities } from "../../src/driver/index.ts";
import { BATCH_OVERHEAD_BYTES } from "./log/record-batch-writer.ts";

/** The default of servers: https://kafka.apache.org/documentation/#topicconfigs_max.message.bytes */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;

/** The limit of one message. `max.message.bytes` limits a batch. */
function messageBytesWithin(maxMessageBytes: number): number {
  return maxMessageBytes - BATCH_OVERHEAD_BYTES;
}

/** With `LogAppendTime`, the server replaces the producer's timestamps with its own: https://kafka.apache.org/documentation/#topicconfigs_message.timestamp.type */
const TIMESTAMP_TYPE = "message.timestamp.type";
const MAX_MESSAGE_BYTES = "max.message.bytes";
/** The settings of a topic that reduce its capabilities. */
export const NARROWING_SETTINGS = [MAX_MESSAGE_BYTES, TIMESTAMP_TYPE] as const;

export function hasAppendTime(settings: ReadonlyMap<string, string | null>): boolean {
  return settings.get(TIMESTAMP_TYPE) === "LogAppendTime";
}

/** The largest message of a topic with these settings. Missing settings count as the server's defaults. */
export function messageBytesOf(settings: ReadonlyMap<string, string | null>): number {
  return messageBytesWithin(Number(settings.get(MAX_MESSAGE_BYTES) ?? DEFAULT_MAX_MESSAGE_BYTES));
}

/** The capabilities of one topic. */
export function narrowed(topic: {
  readonly messageBytes: number;
  readonly hasTopicId: boolean;
  readonly hasClusterId: boolean;
  readonly hasAppendTime: boolean;
}): Capabilities {
  const { messageBytes } = topic;
  return {
    ...CAPABILITIES,
    recreationDetected: topic.hasTopicId,
    // Without these ids a commit of another topic or cluster could be taken for one of this topic.
    handledAhead: topic.hasTopicId && topic.hasClusterId,
    producerTimestamps: !topic.hasAppendTime,
    limits: { messageBytes, keyBytes: messageBytes, headerBytes: messageBytes },
  };
}

const MESSAGE_BYTES = messageBytesWithin(DEFAULT_MAX_MESSAGE_BYTES);

export const CAPABILITIES = {
  partitions: true,
  partitionGrowth: true,
  partitionMerge: false,
  topicAdmin: true,
  receiptPositions: true,
  startAtPosition: true,
  startAtTimestamp: true,
  readerEnd: "position",
  readerIsolation: "full",
  // Java's rule is hash modulo count: with another count, a key has another partition.
  growthKeepsKeyOrder: false,
  recreationDetected: true,
  gapDetected: true,
  explicitPartition: true,
  producerTimestamps: true,
  topicListing: true,
  groupAdmin: true,
  groupMembers: true,
  handledAhead: true,
  fencing: true,
  groupReset: true,
  lagInMessages: true,
  lagInTime: false,
  tombstones: true,
  binaryKeys: true,
  exactHeaders: true,
  bookmarkLifetimeMs: null,
  endAtBookmark: true,
  nativeHeaders: true,
  orderingUnit: "partition",
  limits: { messageBytes: MESSAGE_BYTES, keyBytes: MESSAGE_BYTES, headerBytes: MESSAGE_BYTES },
} as const satisfies Capabilities;
