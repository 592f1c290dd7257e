/**
 * What a provider, or one topic of it, can do. The same object gates the types where it can, the portable classes, the
 * conformance suite (true runs the cases, false runs the refusal cases) and the matrix in `test/RESULTS.md`. The defaults an
 * adapter should start from are the conservative ones: false.
 */
export interface Capabilities {
  /** Topics have partitions that can be listed and read one by one; else a topic has one, named "0". */
  readonly partitions: boolean;
  /** `updateTopic` can add partitions. */
  readonly partitionGrowth: boolean;
  /** `updateTopic` can reduce partitions; a merged child follows all its parents. */
  readonly partitionMerge: boolean;
  /** Topics can be created, changed and deleted. */
  readonly topicAdmin: boolean;
  /** A receipt has the position. */
  readonly receiptPositions: boolean;
  /** Readers start at a position; else a position only identifies a message, and `{ at }`, `{ after }`, `{ through }` are `unsupported`. */
  readonly startAtPosition: boolean;
  readonly startAtTimestamp: boolean;
  /** How `until: "now"` ends: at an exact message, when the service reports that the reader has caught up, or after a quiet period. */
  readonly readerEnd: "position" | "caught-up" | "quiet";
  /** What a reader costs live groups. */
  readonly readerIsolation: "full" | "shared-throughput" | "own-consumer-group" | "creates-subscription";
  /** Added partitions or shards keep key order by themselves. */
  readonly growthKeepsKeyOrder: boolean;
  /** A deleted and re-created topic of the same name is recognised. */
  readonly recreationDetected: boolean;
  /** Retention overtaking a group or reader is noticed. */
  readonly gapDetected: boolean;
  readonly explicitPartition: boolean;
  readonly producerTimestamps: boolean;
  /** Topics can be listed. Event Hubs: no, a data-plane credential cannot. */
  readonly topicListing: boolean;
  /** Groups can be listed and deleted. */
  readonly groupAdmin: boolean;
  /** The live members of a group are known: reset and delete beside them are `conflict`. Pub/Sub: no, the caller has to make sure that none is left. */
  readonly groupMembers: boolean;
  /** What was handled ahead of a group's position is stored with it, so that it is not handled again. */
  readonly handledAhead: boolean;
  /** A late result of a former owner is refused by the service or the lease. Pub/Sub: only with exactly-once subscriptions. */
  readonly fencing: boolean;
  readonly groupReset: boolean;
  readonly lagInMessages: boolean;
  readonly lagInTime: boolean;
  readonly tombstones: boolean;
  /** Keys that are not UTF-8 survive, and empty ones. */
  readonly binaryKeys: boolean;
  /** Headers survive as they are: bytes that are not UTF-8, empty names, values of `null`, repeats, order. */
  readonly exactHeaders: boolean;
  /**
   * How long a bookmark can be used, in milliseconds; `null`: as long as the messages. Where it is not `null` (Pub/Sub: 7 days), the provider
   * itself makes bookmarks: each is a call, and a closed reader has one only if it was asked for one before.
   */
  readonly bookmarkLifetimeMs: number | null;
  /** Bookmarks work as `until`. */
  readonly endAtBookmark: boolean;
  /** Other clients see the headers; else they travel in an envelope. */
  readonly nativeHeaders: boolean;
  /** What the provider keeps in order. Order per key holds in either case. */
  readonly orderingUnit: "partition" | "key";
  readonly limits: Limits;
}

/** A yes-or-no capability. */
export type Capability = {
  [C in keyof Capabilities]: Capabilities[C] extends boolean ? C : never;
}[keyof Capabilities];

/** The provider's defaults; a topic's own are in `describeTopic`. */
export interface Limits {
  /** Of one message as the provider counts it: key, value and headers. */
  readonly messageBytes: number;
  /** UTF-8; at least 128. */
  readonly keyBytes: number;
  /** Of all header names and values together. */
  readonly headerBytes: number;
  /**
   * How many headers a message may have; 0: the topic has none. Those that streamport adds count too (`streamport-id`, failure headers). Absent: not
   * bounded on its own.
   */
  readonly headerCount?: number | undefined;
  /** Of one header name, UTF-8. Absent: not bounded on its own. */
  readonly headerNameBytes?: number | undefined;
  /** Of one header value. Absent: not bounded on its own. */
  readonly headerValueBytes?: number | undefined;
}

/** The names of the yes-or-no capabilities, for checks at run time and for tables. */
export const CAPABILITY_NAMES: readonly Capability[] = Object.keys({
  partitions: true,
  partitionGrowth: true,
  partitionMerge: true,
  topicAdmin: true,
  receiptPositions: true,
  startAtPosition: true,
  startAtTimestamp: true,
  growthKeepsKeyOrder: true,
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
  lagInTime: true,
  tombstones: true,
  binaryKeys: true,
  exactHeaders: true,
  endAtBookmark: true,
  nativeHeaders: true,
} satisfies Record<Capability, true>) as Capability[];
