import type { DriverGap, PartitionEnd, Place, StartPoint, StopPoint } from "../position/place.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { ChildPartition } from "./consumer-driver.ts";
import type { StoredRecord, UnreadableRange } from "./record.ts";

export interface RangeRequest {
  readonly from: StartPoint;
  readonly until: StopPoint;
  /** `null`: all. Known to exist only to the driver: @throws `invalid-argument` naming those that do. */
  readonly partitions: readonly string[] | null;
}

/** One partition of a range, as exact as the provider can resolve it before reading. */
export interface RangePartition {
  readonly partition: string;
  readonly start: Place;
  readonly end: PartitionEnd;
  /** Of a shard: those in the same range that must be read to their end first. */
  readonly parents: readonly string[];
  /** Retention has passed the start: what is missing. `null`: nothing, or not reported. */
  readonly gap: DriverGap | null;
}

export interface ResolvedRange {
  readonly identity: TopicIdentity;
  /** All that were asked for. Empty ranges included, also of partitions that `until` leaves out (`end` is `before` their `start`): a bookmark knows every partition. */
  readonly partitions: readonly RangePartition[];
}

/** What a reader driver pushes into; the core implements it. */
export interface ReaderSink {
  /**
   * Records of one partition, in log order, none left out; from a provider that keeps no order between keys, in the order of each key. Resolves when there is room: `true` to go on, `false` when the
   * reader is done with this partition. May contain records behind the end of the range: the core cuts. Never rejects.
   */
  deliver(partition: string, records: readonly StoredRecord[]): Promise<boolean>;
  /**
   * What comes next in the log cannot be read, also not when it was fetched once more. Resolves as `deliver` does; the driver
   * goes on behind `range.last`. The core ends the reading with `corrupt`, whose position is `last`, or calls `onCorrupt` and
   * leaves it out. A range that begins behind the end of what is read has no effect.
   */
  unreadable(partition: string, range: UnreadableRange): Promise<boolean>;
  /** Nothing to deliver up to and including this position. Answers `false` when the reader is done with this partition. */
  advanced(partition: string, through: string): boolean;
  /**
   * All that was stored when the last answer was made has been delivered. Answers `false` when that was the end of the range.
   * Call it whenever the end of the log is reached, with any kind of end of the range: behind the last record it may be the only
   * sign for the core that a range up to now is complete.
   */
  caughtUp(partition: string): boolean;
  /** Nothing will ever follow in this shard. The core asks for the children by another `read` when all their parents are done. */
  ended(partition: string, children: readonly ChildPartition[]): void;
  /**
   * Partitions came into being while a range without an end is read, and no shard will ever name them as its children: a topic
   * that grew in place (`parents` is empty then). They count from the answer of `resolve` on, so that what grew before `read`
   * is reported as well. Call it from every `read` that runs, as soon as the driver knows; what the core knows already, and what
   * does not belong to the range, it ignores. The core asks for them by another `read`, from their beginning.
   */
  appeared(partitions: readonly ChildPartition[]): void;
  /** Retention has overtaken the reader. Resolves: go on at `resumesAt`. Rejects: stop. */
  gap(partition: string, gap: DriverGap): Promise<void>;
}

/** Reads ranges of one topic, without a group. Made by `ProviderDriver.reader` without a network call. */
export interface ReaderDriver {
  /**
   * Resolves a request into places, before anything is read, and reports which of them retention has passed. For earliest, latest
   * and a time the answer is a position (`at`) wherever the provider can name one: a bookmark taken before the first message
   * means the same in another process then, however late it is used, and `latest` is settled here and not at the first fetch.
   * `latest` may be answered as a time where that is exact: nothing stored before the call has that time or a later one. A driver with `mark`
   * answers `latest` as it is: that would be a mark that nobody may ever ask for, and `mark` gives it when somebody does.
   * A time means, per partition, the first record in log order stored at or after it; where none is, the end. A provider that keeps no order
   * between keys takes it for each record. A mark that the provider no longer has is `position-out-of-range`.
   * Tried once: the core retries it for 30 s while the error is retryable.
   * Malformed positions and unknown partitions are `invalid-argument`; a position behind the end of the log is `position-out-of-range`.
   * What this topic cannot do although the provider can (a topic without retention, a tier) is `unsupported` with `capability`: reader
   * drivers narrow the capabilities by this error, which reaches the application with its code, capability, text and cause.
   */
  resolve(request: RangeRequest, signal: AbortSignal): Promise<ResolvedRange>;
  /**
   * Pushes these partitions until the sink is done with each, the shards have ended, or `signal` aborts; resolves then.
   * May be called again, also concurrently, with other partitions. Retries with back-off what can be retried; rejects otherwise.
   */
  read(partitions: readonly RangePartition[], sink: ReaderSink, signal: AbortSignal): Promise<void>;
  /**
   * For providers that themselves keep what was read, record by record, because they have no position that a reader could start at (Pub/Sub).
   * Called for each record that the application has now, in the order in which it got them; also when `onCorrupt` has left it out. The
   * driver acknowledges it, at its own pace. What was delivered and not handed out, and what is withheld behind the end of the range, must
   * stay unread. Of an unreadable record only the position means anything. Synchronous, cheap, never throws. Present exactly where `mark` is.
   */
  handedOut?(partition: string, record: StoredRecord): void;
  /**
   * Makes a durable bookmark at the provider (Pub/Sub: acknowledges, then takes a snapshot). It covers exactly what `handedOut` has named:
   * reading from the answered places gives everything else, also in another process, as often as it is used, for
   * `Capabilities.bookmarkLifetimeMs`. What is to start at an older one, a reader or a group, is `position-out-of-range`, and never starts elsewhere. Called when the application asks for a bookmark, and once more by the core before `close` if the
   * application has asked before; also while `read` runs, and after. Never concurrently with itself. Before something was handed out only where
   * the range began at `latest`: otherwise the bookmark is the start that `resolve` answered until then. The core names nothing by `handedOut` until this has settled, so
   * that the mark is of the moment in which it was asked for. Tried once: the core retries it for 30 s while the error is retryable.
   * @returns the place of each partition that was read
   */
  mark?(signal: AbortSignal): Promise<ReadonlyMap<string, Place>>;
  /** Leaves nothing behind at the provider but marks. Never rejects. */
  close(): Promise<void>;
}
