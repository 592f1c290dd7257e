import type {
  ChildPartition,
  DriverGap,
  PartitionEnd,
  PartitionPlace,
  Place,
  StartPoint,
  StoredRecord,
  TopicIdentity,
  UnreadableRange,
} from "../driver/index.ts";

/** Which log a topic is, and its partitions, as the service lists them: open ones, and closed shards that it still keeps. */
export interface TopicShape {
  readonly identity: TopicIdentity;
  /** A parent that the service no longer lists may still be named. */
  readonly partitions: readonly ChildPartition[];
}

/** What one fetch has found. */
export type Fetched =
  /** In log order, never empty. */
  | { readonly kind: "records"; readonly records: readonly StoredRecord[] }
  /** What comes next cannot be read, also not by a second fetch. The next fetch goes on behind it. */
  | { readonly kind: "unreadable"; readonly range: UnreadableRange }
  /** Retention has passed the place. The next fetch goes on at `gap.resumesAt`. */
  | { readonly kind: "gap"; readonly gap: DriverGap }
  /** Nothing is stored up to and including this position. */
  | { readonly kind: "advanced"; readonly through: string }
  /**
   * All that was stored when the request was made has been returned. `emptyUntilMs`: by the service's clock, less a margin for what is
   * on its way (10 s), nothing is stored behind the last record until then; `null`: the service shows no time.
   */
  | { readonly kind: "caught-up"; readonly emptyUntilMs: number | null }
  /** Nothing will ever follow in this shard. The children may be empty: then only `describe` shows them. */
  | { readonly kind: "ended"; readonly children: readonly ChildPartition[] }
  /** Another client has taken the partition from this one (an Event Hubs receiver with a higher owner level). */
  | { readonly kind: "taken" };

/** Where reading starts. */
export interface CursorRequest {
  readonly partition: string;
  readonly place: Place;
  /** From an earlier `caught-up` at this place; `null`: unknown. Where retention has passed the place, it tells a quiet stream from a gap. */
  readonly emptyUntilMs: number | null;
  /** Of the ownership, where a group reads: the service may refuse former owners by it. `null`: a reader. */
  readonly epoch: bigint | null;
}

/**
 * Reads one partition from a place on: a Kinesis shard iterator, an Event Hubs receiver, an OCI cursor. It renews what expires at the
 * service (an iterator, a cursor, a link) behind the last record that it has returned.
 */
export interface PartitionCursor {
  /**
   * What comes next. Never called concurrently with itself. It keeps the pace of the service: at the end of the log, and after a
   * throttled request, it waits by itself. It retries with back-off, and reports, what can be retried. Rejects with the signal's
   * reason, or with an error that ends the reading.
   */
  fetch(signal: AbortSignal): Promise<Fetched>;
  /** Leaves nothing open. Never rejects. */
  close(): Promise<void>;
}

/** A range of one partition, as far as it is resolved. */
export interface SourceRange {
  readonly partition: string;
  /** As the application asks for it. */
  readonly asked: PartitionPlace;
  /** What `resolve` has made of it. */
  readonly start: Place;
  readonly end: PartitionEnd;
}

/** Where the records of one topic come from. Made without a network call. */
export interface PartitionSource {
  /** Lists the topic. @throws `not-found` where there is none */
  describe(signal: AbortSignal): Promise<TopicShape>;
  /**
   * The place of a start in every partition, as `StartPoint` says: a position, a time or `earliest`, never `latest`, because the place is
   * stored and used later.
   * @throws `invalid-argument` for a partition that there is not · `position-out-of-range` where the service shows it
   */
  resolve(start: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>>;
  open(request: CursorRequest): PartitionCursor;
  /**
   * Where retention has removed records of a range, before anything of it is read; partitions without a gap are left out. For readers.
   * Absent where only a fetch shows it.
   */
  gaps?(ranges: readonly SourceRange[], signal: AbortSignal): Promise<ReadonlyMap<string, DriverGap>>;
  /** Order of two positions of one partition: negative, 0, positive. */
  compare(a: string, b: string): number;
}
