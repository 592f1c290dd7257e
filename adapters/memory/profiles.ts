import type { CallShape, Capabilities, Capability, ConsumerDriver } from "../../src/driver/index.ts";
import { FRAME_HEADER_OVERHEAD_BYTES, FRAME_RECORD_OVERHEAD_BYTES } from "../../src/envelope/index.ts";
import { MAX_LEASED } from "./broker/leases.ts";
import { COUNTED, type PositionsOf, SparsePositions } from "./broker/positions.ts";
import { OWN_CAPABILITIES, capabilitiesWithout } from "./capabilities.ts";

/** Providers whose shape, capabilities and limits this one can take. */
export const LIKES = ["kafka", "kinesis", "event-hubs", "pubsub", "oci-streaming"] as const;
export type Like = (typeof LIKES)[number];

/**
 * How a topic spreads keys over its partitions.
 * - `hash-ranges`: each partition owns a range of hashes. Growth splits a range, shrinking merges two: the parents close and their children come after them, so keys keep their order.
 * - `modulo`: the hash modulo the number of partitions. Growth adds partitions in place and moves keys.
 */
export type Layout = "hash-ranges" | "modulo";

/** What a topic keeps of the form that has created it. */
export interface TopicForm {
  readonly layout: Layout;
  readonly positionsOf: PositionsOf;
}

/** Everything that differs between the forms of the provider. */
export interface Profile extends TopicForm {
  readonly capabilities: Capabilities;
  readonly shape: CallShape;
  /**
   * What a place is, where it need not be the position of a message.
   * - `positions`: always one, also at the end of a log.
   * - `times`: a time stays a time, and the beginning stays the beginning. Where the service does not tell the end of a log (`readerEnd`), that is
   *   behind the newest message, or a time, if nothing was stored for some time.
   */
  readonly places: "positions" | "times";
  /** A lane for keys is one key, or one of a fixed number of groups of keys. The groups do not change when partitions do. */
  readonly keyLanes: "each" | "grouped";
  readonly settlementUnit: "position" | "record";
  /** Where groups are: on the broker, or, where the service has none, in leases that their members keep in a store. */
  readonly groups: "broker" | "leases";
  /** How much a lease keeps of what is handled ahead of a place. */
  readonly aheadBytes: number;
  /** Absent where a group delivers any number of records without their results. */
  readonly settleWithin?: ConsumerDriver["settleWithin"];
  /** Whether a result names the invalid message. If not, the whole call is refused because of it, and the core has to find it. */
  readonly namesCulprit: boolean;
  /** What bookmarks are made of: positions, or marks that the broker keeps. With marks a group's place is not known. */
  readonly bookmarks: "positions" | "marks";
  /** How long a reader gets no record until it has caught up. */
  readonly quietMs: number;
  /** A member with a shorter session is refused. */
  readonly leastSessionMs: number;
  readonly retention: RetentionRule;
}

/** What a service documents about the retention of its topics, in milliseconds. */
interface RetentionRule {
  readonly leastMs: number;
  readonly mostMs: number;
  /** Of a topic that asks for nothing; `null`: for ever. */
  readonly defaultMs: number | null;
  /** Whether it can be changed later. */
  readonly isFixed: boolean;
}

const MEBIBYTE = 1_048_576;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A session must be many times as long as a renewal, and a busy event loop must not end it. */
const LEAST_LEASE_MS = 3_000;

const OWN_SHAPE: CallShape = {
  lane: "key",
  lanesPerCall: "many",
  maxLaneMessages: 10_000,
  maxLaneBytes: MEBIBYTE,
  maxCallMessages: 10_000,
  maxCallBytes: 8 * MEBIBYTE,
  maxCallsInFlight: 8,
  recordOverheadBytes: 0,
  headerOverheadBytes: 0,
};

/** Where a service stores a key and bytes, the frame has exact keys and headers, and packs messages. */
const FRAMED_SHAPE: CallShape = {
  ...OWN_SHAPE,
  recordOverheadBytes: FRAME_RECORD_OVERHEAD_BYTES,
  headerOverheadBytes: FRAME_HEADER_OVERHEAD_BYTES,
};

/** 256 characters of up to four bytes: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsRequestEntry.html */
const KINESIS_KEY_BYTES = 1_024;
const OCI_KEY_BYTES = 256;

/** The service counts its own key besides the frame, of which a record has 1 MiB. A longer key is in the frame. */
function framedLimits(serviceKeyBytes: number): Capabilities["limits"] {
  const frameBytes = MEBIBYTE - serviceKeyBytes;
  return { messageBytes: frameBytes, keyBytes: 1_024, headerBytes: frameBytes };
}

const OWN: Profile = {
  capabilities: OWN_CAPABILITIES,
  shape: OWN_SHAPE,
  layout: "hash-ranges",
  positionsOf: () => COUNTED,
  places: "positions",
  keyLanes: "grouped",
  settlementUnit: "position",
  groups: "broker",
  // As the stores of Kinesis and OCI Streaming.
  aheadBytes: 16_384,
  namesCulprit: true,
  bookmarks: "positions",
  quietMs: 0,
  leastSessionMs: 1,
  retention: { leastMs: 1, mostMs: Infinity, defaultMs: null, isFixed: false },
};

/** A Produce request: many partitions, with one atomic batch for each. */
const KAFKA: Profile = {
  ...OWN,
  capabilities: {
    ...capabilitiesWithout(OWN_CAPABILITIES, ["lagInTime", "growthKeepsKeyOrder", "partitionMerge"]),
    limits: { messageBytes: MEBIBYTE, keyBytes: MEBIBYTE, headerBytes: MEBIBYTE },
  },
  shape: { ...OWN_SHAPE, lane: "partition", maxCallsInFlight: 5, recordOverheadBytes: 24, headerOverheadBytes: 4 },
  layout: "modulo",
  // https://kafka.apache.org/documentation/#brokerconfigs_group.min.session.timeout.ms
  leastSessionMs: 6_000,
};

/** With the number of the shard a sequence number has 56 digits: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Record.html */
const SEQUENCE_NUMBERS_FROM = 49_543_463_076_570_308_322_303_623_326_179_887_152_428_262_250_726n;
/** An offset is a JSON number that may be greater than a double can hold. */
const OFFSETS_FROM = 2n ** 53n;

/**
 * PutRecords: up to 500 records and 5 MiB (the documented 10 MiB are opt-in); a record of a key may pack many messages. One invalid record
 * refuses the whole call: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
 */
const KINESIS: Profile = {
  ...OWN,
  capabilities: {
    ...capabilitiesWithout(OWN_CAPABILITIES, ["lagInMessages", "nativeHeaders", "producerTimestamps"]),
    readerEnd: "caught-up",
    readerIsolation: "shared-throughput",
    limits: framedLimits(KINESIS_KEY_BYTES),
  },
  shape: { ...FRAMED_SHAPE, maxCallRecords: 500, maxCallBytes: 5 * MEBIBYTE, maxLaneBytes: MEBIBYTE - KINESIS_KEY_BYTES },
  positionsOf: (number) => new SparsePositions(SEQUENCE_NUMBERS_FROM, 1_000, { number, of: 1_000_000 }),
  places: "times",
  leastSessionMs: LEAST_LEASE_MS,
  // https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html
  retention: { leastMs: DAY_MS, mostMs: 365 * DAY_MS, defaultMs: DAY_MS, isFixed: false },
  keyLanes: "each",
  groups: "leases",
  namesCulprit: false,
};

/** Of a batch on a link, less its own annotations. */
const BATCH_BYTES = MEBIBYTE - 256;

/** One batch for one partition, stored as a whole or not at all. */
const EVENT_HUBS: Profile = {
  ...OWN,
  capabilities: {
    ...capabilitiesWithout(OWN_CAPABILITIES, [
      "topicAdmin",
      "topicListing",
      "growthKeepsKeyOrder",
      "receiptPositions",
      "lagInTime",
      "binaryKeys",
      "exactHeaders",
      "producerTimestamps",
    ]),
    readerIsolation: "own-consumer-group",
    limits: { messageBytes: BATCH_BYTES, keyBytes: 128, headerBytes: BATCH_BYTES },
  },
  shape: {
    ...OWN_SHAPE,
    lane: "partition",
    lanesPerCall: "one",
    maxLaneBytes: BATCH_BYTES,
    maxCallBytes: BATCH_BYTES,
    recordOverheadBytes: 128,
    headerOverheadBytes: 10,
  },
  layout: "modulo",
  places: "times",
  leastSessionMs: LEAST_LEASE_MS,
  // https://learn.microsoft.com/en-us/azure/event-hubs/event-hubs-quotas
  retention: { leastMs: HOUR_MS, mostMs: 90 * DAY_MS, defaultMs: null, isFixed: false },
  groups: "leases",
  // Few, so that the suite also runs where not everything fits.
  aheadBytes: 96,
  namesCulprit: false,
};

const PUBSUB_GRANTED: readonly Capability[] = [
  "topicAdmin",
  "topicListing",
  "groupAdmin",
  "handledAhead",
  "groupReset",
  "startAtTimestamp",
  // The answer to a publish request has the ids of the messages.
  "receiptPositions",
  "tombstones",
  "nativeHeaders",
  "growthKeepsKeyOrder",
];

/**
 * A publish request: up to 1,000 messages, with at most one ordering key, whose messages stay in order. Headers are attributes, up to
 * 100 of 256 and 1,024 bytes: https://cloud.google.com/pubsub/quotas#resource_limits
 */
const PUBSUB: Profile = {
  ...OWN,
  capabilities: {
    ...(Object.fromEntries(
      Object.entries(OWN_CAPABILITIES).map(([name, value]) => [
        name,
        typeof value === "boolean" ? (PUBSUB_GRANTED as readonly string[]).includes(name) : value,
      ]),
    ) as unknown as Capabilities),
    readerEnd: "quiet",
    readerIsolation: "creates-subscription",
    // The longest life of a snapshot: https://cloud.google.com/pubsub/docs/replay-overview
    bookmarkLifetimeMs: 604_800_000,
    orderingUnit: "key",
    limits: {
      messageBytes: 10_000_000,
      keyBytes: 1_024,
      headerBytes: 128_000,
      headerCount: 100,
      headerNameBytes: 256,
      headerValueBytes: 1_024,
    },
  },
  shape: {
    ...OWN_SHAPE,
    lanesPerCall: "one",
    maxLaneMessages: 1_000,
    maxLaneBytes: 10_000_000,
    maxCallMessages: 1_000,
    maxCallBytes: 10_000_000,
    recordOverheadBytes: 20,
  },
  layout: "modulo",
  keyLanes: "each",
  settlementUnit: "record",
  // Half of what a group leases at once, so that the other half is on its way meanwhile.
  settleWithin: { ms: 100, messages: MAX_LEASED / 2 },
  namesCulprit: false,
  bookmarks: "marks",
  quietMs: 50,
  // The shortest deadline of an acknowledgement: https://cloud.google.com/pubsub/quotas#resource_limits
  leastSessionMs: 10_000,
  // Of a topic: https://cloud.google.com/pubsub/docs/topic-properties
  retention: { leastMs: 10 * MINUTE_MS, mostMs: 31 * DAY_MS, defaultMs: 7 * DAY_MS, isFixed: false },
};

/**
 * PutMessages: 1 MiB, without a limit of the count (1,000 keep the signing and parsing of a call short); a message of a key may pack many
 * of ours. One invalid message refuses the whole call.
 */
const OCI_STREAMING: Profile = {
  ...OWN,
  capabilities: {
    ...capabilitiesWithout(OWN_CAPABILITIES, [
      "partitionGrowth",
      "partitionMerge",
      "growthKeepsKeyOrder",
      "explicitPartition",
      "producerTimestamps",
      "nativeHeaders",
      "lagInMessages",
      "lagInTime",
    ]),
    readerEnd: "caught-up",
    readerIsolation: "shared-throughput",
    limits: framedLimits(OCI_KEY_BYTES),
  },
  shape: { ...FRAMED_SHAPE, maxCallRecords: 1_000, maxCallBytes: MEBIBYTE, maxLaneBytes: MEBIBYTE - OCI_KEY_BYTES },
  layout: "modulo",
  positionsOf: () => new SparsePositions(OFFSETS_FROM, 3),
  places: "times",
  leastSessionMs: LEAST_LEASE_MS,
  // https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview_topic-Limits_on_Streaming_Resources.htm
  retention: { leastMs: DAY_MS, mostMs: 7 * DAY_MS, defaultMs: DAY_MS, isFixed: true },
  keyLanes: "each",
  groups: "leases",
  namesCulprit: false,
};

const PROFILES: Readonly<Record<Like, Profile>> = {
  kafka: KAFKA,
  kinesis: KINESIS,
  "event-hubs": EVENT_HUBS,
  pubsub: PUBSUB,
  "oci-streaming": OCI_STREAMING,
};

/** The form of the provider that these options describe. */
export function profileOf(like: Like | undefined, without: readonly Capability[]): Profile {
  const profile = like === undefined ? OWN : PROFILES[like];
  const capabilities = capabilitiesWithout(profile.capabilities, without);
  const { groupMembers, fencing, handledAhead, growthKeepsKeyOrder } = capabilities;
  return {
    ...profile,
    capabilities,
    layout: growthKeepsKeyOrder ? profile.layout : "modulo",
    // Leases always know members and refuse former owners.
    groups: groupMembers && fencing ? profile.groups : "broker",
    aheadBytes: handledAhead ? profile.aheadBytes : 0,
  };
}
