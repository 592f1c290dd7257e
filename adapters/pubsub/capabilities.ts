import type { Capabilities } from "../../src/driver/index.ts";

/** https://cloud.google.com/pubsub/quotas#resource_limits */
const MOST_REQUEST_BYTES = 10_000_000;
/** Of the request besides its messages: the name of the topic. */
const REQUEST_OVERHEAD_BYTES = 600;
/** Tags and lengths of a message, its data and its key, and the attribute that marks a value that is absent. */
export const RECORD_OVERHEAD_BYTES = 64;
/** Tags and lengths of an attribute, its name and its value. */
export const HEADER_OVERHEAD_BYTES = 9;

/** One is left for the marker of a value that is absent. */
const MOST_ATTRIBUTES = 99;
const ATTRIBUTE_NAME_BYTES = 256;
const ATTRIBUTE_VALUE_BYTES = 1_024;

/** What a request may carry. */
export const MESSAGE_BYTES = MOST_REQUEST_BYTES - REQUEST_OVERHEAD_BYTES;

export const CAPABILITIES = {
  partitions: false,
  partitionGrowth: false,
  partitionMerge: false,
  topicAdmin: true,
  receiptPositions: true,
  startAtPosition: false,
  startAtTimestamp: true,
  readerEnd: "quiet",
  readerIsolation: "creates-subscription",
  growthKeepsKeyOrder: true,
  recreationDetected: false,
  gapDetected: false,
  explicitPartition: false,
  producerTimestamps: false,
  topicListing: true,
  groupAdmin: true,
  groupMembers: false,
  // Each message is acknowledged by itself.
  handledAhead: true,
  fencing: false,
  groupReset: true,
  lagInMessages: false,
  lagInTime: false,
  tombstones: true,
  binaryKeys: false,
  exactHeaders: false,
  // The longest life of a snapshot: https://cloud.google.com/pubsub/docs/replay-overview
  bookmarkLifetimeMs: 604_800_000,
  endAtBookmark: false,
  nativeHeaders: true,
  orderingUnit: "key",
  limits: {
    messageBytes: MESSAGE_BYTES,
    keyBytes: 1_024,
    headerBytes: MOST_ATTRIBUTES * (ATTRIBUTE_NAME_BYTES + ATTRIBUTE_VALUE_BYTES),
    headerCount: MOST_ATTRIBUTES,
    headerNameBytes: ATTRIBUTE_NAME_BYTES,
    headerValueBytes: ATTRIBUTE_VALUE_BYTES,
  },
} as const satisfies Capabilities;

/** What Pub/Sub grants; a topic without retention cannot be replayed. */
export type PubSubCapability =
  | "topicAdmin"
  | "topicListing"
  | "groupAdmin"
  | "groupReset"
  | "startAtTimestamp"
  | "receiptPositions"
  | "tombstones"
  | "nativeHeaders"
  | "growthKeepsKeyOrder";

type PubSubCapabilities = Omit<typeof CAPABILITIES, "fencing"> & { readonly fencing: boolean };

/** https://cloud.google.com/pubsub/docs/exactly-once-delivery: only the current lease of a message can acknowledge it. */
const OF_EXACTLY_ONCE: PubSubCapabilities = { ...CAPABILITIES, fencing: true };

/** @param exactlyOnce whether groups are subscriptions with exactly-once delivery */
export function capabilitiesOf(exactlyOnce: boolean): PubSubCapabilities {
  return exactlyOnce ? OF_EXACTLY_ONCE : CAPABILITIES;
}

/**
 * The capabilities of one topic.
 * @param all of its connection
 * @param isRetained whether it keeps messages that are acknowledged
 * @param googleEmulator it moves no ordered subscription to a time
 */
export function narrowed(all: Capabilities, isRetained: boolean, googleEmulator: boolean): Capabilities {
  return { ...all, startAtTimestamp: isRetained && !googleEmulator };
}
