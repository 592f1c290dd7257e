import type { Capabilities } from "../../src/driver/index.ts";
import { FRAME_HEADER_OVERHEAD_BYTES, FRAME_RECORD_OVERHEAD_BYTES } from "../../src/envelope/index.ts";
import type { Envelope } from "./options.ts";

/** Of a request: all keys and values, decoded: https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview_topic-Limits_on_Streaming_Resources.htm */
export const MOST_REQUEST_BYTES = 1_048_576;
/** Of a key that the service stores; the frame has longer ones in full. */
export const MOST_KEY_BYTES = 256;
const MOST_FRAMED_KEY_BYTES = 1_024;

/** The largest message: the service counts its key besides. */
export const MOST_MESSAGE_BYTES = MOST_REQUEST_BYTES - MOST_KEY_BYTES;

/** What the frame adds to a message and to a header, when sizes are counted. */
export function overheadOf(envelope: Envelope): { readonly recordOverheadBytes: number; readonly headerOverheadBytes: number } {
  if (envelope === "raw") return { recordOverheadBytes: 0, headerOverheadBytes: 0 };
  return { recordOverheadBytes: FRAME_RECORD_OVERHEAD_BYTES, headerOverheadBytes: FRAME_HEADER_OVERHEAD_BYTES };
}

export const CAPABILITIES = {
  partitions: true,
  // The number of partitions is fixed when a stream is created.
  partitionGrowth: false,
  partitionMerge: false,
  growthKeepsKeyOrder: false,
  topicAdmin: true,
  topicListing: true,
  receiptPositions: true,
  startAtPosition: true,
  startAtTimestamp: true,
  readerEnd: "caught-up",
  readerIsolation: "shared-throughput",
  recreationDetected: true,
  gapDetected: true,
  explicitPartition: false,
  producerTimestamps: false,
  groupAdmin: true,
  groupMembers: true,
  handledAhead: true,
  fencing: true,
  groupReset: true,
  // The service shows no end of a partition.
  lagInMessages: false,
  lagInTime: false,
  tombstones: true,
  binaryKeys: true,
  exactHeaders: true,
  bookmarkLifetimeMs: null,
  endAtBookmark: true,
  nativeHeaders: false,
  orderingUnit: "partition",
  limits: { messageBytes: MOST_MESSAGE_BYTES, keyBytes: MOST_FRAMED_KEY_BYTES, headerBytes: MOST_MESSAGE_BYTES },
} as const satisfies Capabilities;

const RAW: Capabilities = {
  ...CAPABILITIES,
  tombstones: false,
  exactHeaders: false,
  limits: { messageBytes: MOST_MESSAGE_BYTES, keyBytes: MOST_KEY_BYTES, headerBytes: 0, headerCount: 0 },
};

/** Messages of the envelope `raw` have a key and a value, and nothing else. */
export function capabilitiesOf(envelope: Envelope): Capabilities {
  return envelope === "frame" ? CAPABILITIES : RAW;
}
