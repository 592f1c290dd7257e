import { FRAME_HEADER_OVERHEAD_BYTES, FRAME_RECORD_OVERHEAD_BYTES } from "../../src/envelope/index.ts";
import type { Capabilities } from "../../src/driver/index.ts";
import type { Envelope } from "./options.ts";

/** Of a record with its partition key, unless the stream allows more: https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html */
export const DEFAULT_RECORD_BYTES = 1_048_576;
/** 1 to 256 Unicode characters: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsRequestEntry.html */
export const MOST_KEY_CHARACTERS = 256;
/** What so many characters take at most in UTF-8. */
export const MOST_KEY_BYTES = MOST_KEY_CHARACTERS * 4;
/** Of the partition key that a message without a key gets. */
const KEYLESS_BYTES = 16;

/** What one topic differs in. */
export interface StreamForm {
  readonly envelope: Envelope;
  /** Of a record with its partition key. */
  readonly recordBytes: number;
  /** On demand the service itself decides about the shards. */
  readonly isOnDemand: boolean;
}

/** The largest message: the service counts the partition key besides the data. */
export function messageBytesOf({ envelope, recordBytes }: Pick<StreamForm, "envelope" | "recordBytes">): number {
  return recordBytes - (envelope === "frame" ? MOST_KEY_BYTES : KEYLESS_BYTES);
}

/** What the service, or the frame, adds to a message and to a header, when sizes are counted. */
export function overheadOf(envelope: Envelope): { readonly recordOverheadBytes: number; readonly headerOverheadBytes: number } {
  if (envelope === "raw") return { recordOverheadBytes: 0, headerOverheadBytes: 0 };
  return { recordOverheadBytes: FRAME_RECORD_OVERHEAD_BYTES, headerOverheadBytes: FRAME_HEADER_OVERHEAD_BYTES };
}

const MESSAGE_BYTES = messageBytesOf({ envelope: "frame", recordBytes: DEFAULT_RECORD_BYTES });

export const CAPABILITIES = {
  partitions: true,
  partitionGrowth: true,
  partitionMerge: true,
  topicAdmin: true,
  receiptPositions: true,
  startAtPosition: true,
  startAtTimestamp: true,
  readerEnd: "caught-up",
  readerIsolation: "shared-throughput",
  // Children take over ranges of hashes, and are read after their parents.
  growthKeepsKeyOrder: true,
  recreationDetected: true,
  gapDetected: true,
  explicitPartition: true,
  producerTimestamps: false,
  topicListing: true,
  groupAdmin: true,
  groupMembers: true,
  handledAhead: true,
  fencing: true,
  groupReset: true,
  lagInMessages: false,
  lagInTime: true,
  tombstones: true,
  // The frame has the exact key.
  binaryKeys: true,
  exactHeaders: true,
  bookmarkLifetimeMs: null,
  endAtBookmark: true,
  nativeHeaders: false,
  orderingUnit: "partition",
  limits: { messageBytes: MESSAGE_BYTES, keyBytes: MOST_KEY_BYTES, headerBytes: MESSAGE_BYTES },
} as const satisfies Capabilities;

/** The capabilities of one topic. Records of the envelope `raw` have a key that is text, a value, and nothing else. */
export function narrowed(form: StreamForm): Capabilities {
  const isFramed = form.envelope === "frame";
  const messageBytes = messageBytesOf(form);
  const limits = { messageBytes, keyBytes: MOST_KEY_BYTES, headerBytes: isFramed ? messageBytes : 0 };
  return {
    ...CAPABILITIES,
    tombstones: isFramed,
    binaryKeys: isFramed,
    exactHeaders: isFramed,
    partitionGrowth: !form.isOnDemand,
    partitionMerge: !form.isOnDemand,
    limits: isFramed ? limits : { ...limits, headerCount: 0 },
  };
}
