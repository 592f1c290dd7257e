import type { Capabilities } from "../../src/driver/index.ts";
import { BATCH_OVERHEAD_BYTES } from "./record-batch-writer.ts";

/** Of a server with default settings: https://kafka.apache.org/documentation/#topicconfigs_max.message.bytes */
export const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;

/** What is left for one message of `max.message.bytes`, which limits a batch. */
export function messageBytesWithin(maxMessageBytes: number): number {
  return maxMessageBytes - BATCH_OVERHEAD_BYTES;
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
