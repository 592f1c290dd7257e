import type { Capabilities, Limits } from "../capabilities.ts";
import type { StreamError } from "../errors.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { StoredTime } from "../stored-time.ts";
import type { OutgoingRecord } from "./record.ts";

/**
 * How the calls of a provider may be filled. One scheduler in the core serves all providers by these figures; a driver
 * never batches, queues, orders or retries on its own, and the SDK's own retries are off or at their least.
 *
 * A **lane** is a sequence of messages that must be stored in order: all messages of a partition, or of a key. At most one
 * call with messages of a lane is unresolved at any time. What has no lane (no key) may go in any call, many at once.
 *
 * The core reads the figures anew for every call, so `prepare` may change them to what the topic allows. The two overheads never
 * change: messages are measured before `prepare` has resolved.
 *
 * A provider that routes by a hash of the key may use a fixed number of groups of keys as its lanes of kind `key` (the first bits of the
 * hash, say): a key must always be in the same group, whatever happens to the partitions. Keys of one group share their waiting, not
 * their failures.
 */
export interface CallShape {
  readonly lane: "partition" | "key";
  /** May one call carry several lanes? `one`: Event Hubs, Pub/Sub. `many`: Kafka, Kinesis, OCI Streaming. */
  readonly lanesPerCall: "one" | "many";
  /** How many messages of one lane a call may carry. They share one fate: all stored in order, or none of them. */
  readonly maxLaneMessages: number;
  /** A single message over it, or over `maxCallBytes`, that is within the topic's limits comes all the same, alone. */
  readonly maxLaneBytes: number;
  /** Of the whole call. */
  readonly maxCallMessages: number;
  /**
   * How many records of the provider a call may carry, where a record of a lane packs several messages: a slice of a lane counts as
   * one, and each message without a lane as one. Kinesis: 500, however many messages are packed in them. Absent: not bounded.
   */
  readonly maxCallRecords?: number | undefined;
  readonly maxCallBytes: number;
  /** Calls at once for one destination (see `destinationOf`). */
  readonly maxCallsInFlight: number;
  /** What the provider adds to each record, and to each header, when it counts sizes. Part of all `bytes` here, and of what `Limits.messageBytes` bounds. */
  readonly recordOverheadBytes: number;
  readonly headerOverheadBytes: number;
}

/** The part of a call that belongs to one lane. `lane: null`: records without a lane, whose fates are independent. */
export interface CallSlice {
  readonly lane: string | null;
  /** Not empty, in the order in which they must be stored. */
  readonly records: readonly OutgoingRecord[];
  readonly bytes: number;
}

/** One request to the provider. Each lane appears at most once. */
export interface PublishCall {
  readonly slices: readonly CallSlice[];
  readonly bytes: number;
}

/**
 * What became of records.
 * - `stored`: durably accepted.
 * - `refused`: not stored, and never will be as it is. `error.code` says why.
 * - `retryable`: certainly not stored; the same call may succeed later. `retryAfterMs`: not before.
 * - `unknown`: may have been stored (the answer was lost). The core sends it again, which can duplicate but not reorder.
 */
export type RecordResult =
  | {
      readonly outcome: "stored";
      readonly partition: string | null;
      readonly position: string | null;
      readonly timestampMs: StoredTime | null;
    }
  | { readonly outcome: "refused"; readonly error: StreamError }
  | { readonly outcome: "retryable"; readonly error: StreamError; readonly retryAfterMs?: number | undefined }
  | { readonly outcome: "unknown"; readonly error: StreamError };

/**
 * What became of a slice, in the cheapest words that are true.
 * - `stored`: all of it, in one partition; `positionOf` is called for the records whose receipt is read.
 * - `refused`, `retryable`, `unknown`: all of it. A refused slice of several records is split by the core until the culprit stands alone.
 * - `each`: a result per record, in order. In a lane the stored ones come first; behind them the driver may name the
 *   culprit as `refused` and must call those that were not stored because of it `retryable`.
 *
 * Some services refuse a whole request because of one message in it, and do not say which (Kinesis and OCI Streaming: anything but
 * throttling). A call of several slices that is refused so blames nobody: answer `retryable` for every slice, with the error of the service,
 * whose own `retryable` is false. The core sends these lanes again at once, in calls of half as many, at last each alone. A call of one
 * slice that is refused so is `refused`, and the core splits it; the lane goes on alone until the culprit is found, so that no other
 * lane is refused with it. An error that has nothing to do with the messages
 * (`permission-denied`, `unauthenticated`, `not-found`, `conflict`, `configuration`, `closed`) is `refused` for all of the call: such a
 * slice is not split, and all of its messages fail at once.
 */
export type SliceResult =
  | {
      readonly outcome: "stored";
      readonly partition: string | null;
      /** Of all records; where the producer gave them times of their own, answer `each`. `null`: not reported. */
      readonly timestampMs: number | null;
      /** `null` without the capability `receiptPositions`. May be called at any later time, also never. */
      positionOf(index: number): string | null;
    }
  | { readonly outcome: "refused"; readonly error: StreamError }
  | { readonly outcome: "retryable"; readonly error: StreamError; readonly retryAfterMs?: number | undefined }
  | { readonly outcome: "unknown"; readonly error: StreamError }
  | { readonly outcome: "each"; readonly results: readonly RecordResult[] };

/** Publishes to one topic. Made by `ProviderDriver.producer` without a network call. */
export interface ProducerDriver {
  readonly shape: CallShape;
  /**
   * Learns what `laneOf`, `identity` and `limits` need. Called once before anything else, and again after it rejected.
   * The core retries while the error is retryable and a message is waiting. Should answer within its own request time-out.
   * @throws `not-found` for a missing topic, and what `classify` knows
   */
  prepare(signal: AbortSignal): Promise<void>;
  /** Of the topic as it is now. Valid once `prepare` has resolved; a driver that notices a re-created topic changes it. */
  readonly identity: TopicIdentity;
  /**
   * Of this topic; may be wider or narrower than the provider's defaults. Valid once `prepare` has resolved. A driver that stores headers
   * of its own beside those of a message (a marker of a tombstone) declares so much less.
   */
  readonly limits: Limits;
  /**
   * Of this topic: those of the provider, only narrowed by what the topic really is (its settings, envelope, tier). The core refuses
   * what they do not grant, dead letters included: `tombstones`, `binaryKeys`, `exactHeaders`, `explicitPartition` and `producerTimestamps`.
   * A topic that takes no headers at all has `limits.headerCount: 0`. Valid once `prepare` has resolved; a driver that learns more while it runs changes
   * them. Absent: those of the provider.
   */
  readonly capabilities?: Capabilities | undefined;
  /**
   * Rises whenever `laneOf` may answer differently for the same key. Messages already queued keep their lane, also when the topic has been
   * deleted and created again. The driver then stores them in the partition of that name; where the new topic has none, it stores them by
   * their keys, or calls them `retryable` until their deadline. Between what was queued before and what is sent afterwards no order is promised.
   */
  readonly laneGeneration: number;
  /**
   * The lane of a message; `null` for one that has none. Synchronous, pure between two generations, cheap. `toPartition` is given only where
   * `capabilities` grant `explicitPartition`. While the driver cannot know
   * that the topic has grown, it answers by what it knows, and looks it up now and then by itself: the messages are stored where they went before. A
   * `toPartition` that is not known may have been added: answer with its name, look it up, and let `write` decide.
   * @throws `invalid-argument` for a `toPartition` that does not exist, naming those that do
   */
  laneOf(key: Uint8Array | null, toPartition: string | undefined): string | null;
  /** Lanes with the same destination may share a call. Absent: all may. (Kafka: the broker that leads the partition.) */
  destinationOf?(lane: string | null): string;
  /**
   * One request. Answers one result a slice, in their order. Runs concurrently with other calls as the shape allows, never
   * twice for a lane. Should not reject: what went wrong belongs in the results; a rejection is taken as `unknown` for all
   * of it after `classify`. An answer of another shape is a defect of the driver: the messages that it says nothing about fail
   * at once as `outcome-unknown`, with an `internal` error as the cause. When `signal` aborts the core no longer waits for the results: resolve soon, as `unknown` where
   * the request had left.
   */
  write(call: PublishCall, signal: AbortSignal): Promise<readonly SliceResult[]>;
  /** Called once, when nothing is in flight or the caller has given up. Never rejects. */
  close(): Promise<void>;
}
