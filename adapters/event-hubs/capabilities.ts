import type { Capabilities, CallShape } from "../../src/driver/index.ts";

/** Of a message on a link, which is a batch: 1 MiB in the tiers standard and premium: https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas */
const LINK_BYTES = 1_048_576;
/** The annotations of a batch, which are those of its first event. */
const BATCH_OVERHEAD_BYTES = 256;
/** Sections and annotations of an event, and the marker of a tombstone. */
const RECORD_OVERHEAD_BYTES = 128;
const HEADER_OVERHEAD_BYTES = 10;

/** The largest event of a link that takes so many bytes. */
export function messageBytesOf(linkBytes: number): number {
  return linkBytes - BATCH_OVERHEAD_BYTES;
}

export const MOST_MESSAGE_BYTES: number = messageBytesOf(LINK_BYTES);
/** https://learn.microsoft.com/dotnet/api/azure.messaging.eventhubs.producer.sendeventoptions.partitionkey */
const MOST_KEY_BYTES = 128;
const MOST_EVENTS = 10_000;
const CALLS_IN_FLIGHT = 32;

export function shapeFor(messageBytes: number): CallShape {
  return {
    lane: "partition",
    lanesPerCall: "one",
    maxLaneMessages: MOST_EVENTS,
    maxLaneBytes: messageBytes,
    maxCallMessages: MOST_EVENTS,
    maxCallBytes: messageBytes,
    maxCallsInFlight: CALLS_IN_FLIGHT,
    recordOverheadBytes: RECORD_OVERHEAD_BYTES,
    headerOverheadBytes: HEADER_OVERHEAD_BYTES,
  };
}

export const CAPABILITIES = {
  partitions: true,
  // Hubs and their partitions belong to the resource manager: a data-plane credential cannot change or list them.
  partitionGrowth: false,
  partitionMerge: false,
  growthKeepsKeyOrder: false,
  topicAdmin: false,
  topicListing: false,
  // The service answers a batch without its place.
  receiptPositions: false,
  startAtPosition: true,
  startAtTimestamp: true,
  readerEnd: "position",
  readerIsolation: "own-consumer-group",
  recreationDetected: true,
  gapDetected: true,
  explicitPartition: true,
  producerTimestamps: false,
  groupAdmin: true,
  groupMembers: true,
  handledAhead: true,
  fencing: true,
  groupReset: true,
  lagInMessages: true,
  lagInTime: false,
  tombstones: true,
  // Partition keys are texts, and an empty one is none.
  binaryKeys: false,
  // Headers are application properties: a map of texts.
  exactHeaders: false,
  bookmarkLifetimeMs: null,
  endAtBookmark: true,
  nativeHeaders: true,
  orderingUnit: "partition",
  limits: { messageBytes: MOST_MESSAGE_BYTES, keyBytes: MOST_KEY_BYTES, headerBytes: MOST_MESSAGE_BYTES },
} as const satisfies Capabilities;
