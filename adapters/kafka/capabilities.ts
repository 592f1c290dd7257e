import type { Capabilities } from "../../src/driver/index.ts";
import { BATCH_OVERHEAD_BYTES } from "./log/record-batch-writer.ts";

/** Of a server with default settings: https://kafka.apache.org/documentation/#topicconfigs_max.message.bytes */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;

/** What is left for one message of `max.message.bytes`, which limits a batch. */
function messageBytesWithin(maxMessageBytes: number): number {
  return maxMessageBytes - BATCH_OVERHEAD_BYTES;
}

/** Of a topic with this setting the server writes its own time over that of the producer: https://kafka.apache.org/documentation/#topicconfigs_message.timestamp.type */
const TIMESTAMP_TYPE = "message.timestamp.type";
const MAX_MESSAGE_BYTES = "max.message.bytes";
/** The settings of a topic that narrow what can be done with it. */
export const NARROWING_SETTINGS = [MAX_MESSAGE_BYTES, TIMESTAMP_TYPE] as const;

export function hasAppendTime(settings: ReadonlyMap<string, string | null>): boolean {
  return settings.get(TIMESTAMP_TYPE) === "LogAppendTime";
}

/** The largest message of a topic with these settings; where we may not see them, of one with the server's defaults. */
export function messageBytesOf(settings: ReadonlyMap<string, string | null>): number {
  return messageBytesWithin(Number(settings.get(MAX_MESSAGE_BYTES) ?? DEFAULT_MAX_MESSAGE_BYTES));
}

/** What is left of the capabilities for one topic. */
export function narrowed(topic: {
  readonly messageBytes: number;
  readonly hasTopicId: boolean;
  readonly hasAppendTime: boolean;
}): Capabilities {
  const { messageBytes } = topic;
  return {
    ...CAPABILITIES,
    recreationDetected: topic.hasTopicId,
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
  // Java's rule is hash modulo count: another count, another partition.
  growthKeepsKeyOrder: false,
  recreationDetected: true,
  gapDetected: true,
  explicitPartition: true,
  producerTimestamps: true,
  groupAdmin: true,
  groupReset: true,
  lagInMessages: true,
  lagInTime: false,
  tombstones: true,
  binaryKeys: true,
  exactHeaders: true,
  endAtBookmark: true,
  nativeHeaders: true,
  orderingUnit: "partition",
  limits: { messageBytes: MESSAGE_BYTES, keyBytes: MESSAGE_BYTES, headerBytes: MESSAGE_BYTES },
} as const satisfies Capabilities;
