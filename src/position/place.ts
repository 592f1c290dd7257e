import type { HandledAhead } from "./handled-ahead.ts";

/** The order of two positions of one partition, by the driver: below 0 where the first lies before the second. */
export type ComparePositions = (a: string, b: string) => number;

/** Retention has passed the place where a group or a reader was to continue. */
export interface DriverGap {
  /** Where reading goes on: `at` the first record that still exists or at the end, `earliest` where no position is known (a trimmed, empty shard). */
  readonly resumesAt: Place;
  /** Messages lost in between; `null` where the provider does not report it. */
  readonly missing: number | null;
}

/** Where reading stops in one partition. `null`: never. */
export type PartitionEnd =
  /** Before the first record at or behind this position. */
  | { readonly kind: "before"; readonly position: string }
  /** Behind this position. */
  | { readonly kind: "through"; readonly position: string }
  /** Before the first record in log order stored at or after this time, for providers that cannot resolve a time beforehand; at the end of what was stored at opening if none is. */
  | { readonly kind: "timestamp"; readonly timestampMs: number }
  /**
   * All that was stored before this time, for providers that keep no order between keys. A later record ends nothing, because earlier ones of
   * other keys may follow: the core withholds it, and a driver may leave it out. The range ends when the driver calls `caughtUp`. What is
   * withheld is never handed out, so it still comes behind a bookmark.
   */
  | { readonly kind: "stored-before"; readonly timestampMs: number }
  /** When the driver calls `caughtUp`. */
  | { readonly kind: "caught-up" }
  /** When the driver calls `caughtUp` after its quiet period. */
  | { readonly kind: "quiet" }
  | null;

/** Where a range stops, for a whole topic. `null`: never. */
export type StopPoint =
  | { readonly kind: "now" }
  | { readonly kind: "timestamp"; readonly timestampMs: number }
  /**
   * Per partition, exclusive for `at`, inclusive for `after`. A place that is a time ends as the stop point `timestamp` does, `latest` as `now`, and
   * before `earliest` nothing is read. A partition that is not listed is not read at all; an ended one to its end.
   */
  | { readonly kind: "places"; readonly places: ReadonlyMap<string, Place | { readonly kind: "ended" }> }
  | null;

/** A place by a position. */
export interface PositionPlace {
  readonly kind: "at" | "after";
  readonly position: string;
}

/**
 * A place in one partition. `at` includes the record of that position, `after` does not; either holds when no record of
 * that position exists any more, or yet: then it is the place where one would be.
 */
export type Place =
  | PositionPlace
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" }
  | { readonly kind: "timestamp"; readonly timestampMs: number }
  /** What the provider itself keeps under this name, made by `ReaderDriver.mark`. Only drivers that make marks get them; to others they are malformed. */
  | { readonly kind: "mark"; readonly name: string };

/** Where a partition stands in a bookmark: at a place, or finished for good (a closed shard that was read to its end). */
export type PartitionPlace = Place | { readonly kind: "ended" };

/**
 * Where reading starts, for a whole topic. The same for readers, for groups that begin and for groups that are moved:
 * with `places`, a partition that is not listed starts at its beginning (it is younger than the bookmark, or was no part of its
 * range), unless it is an ancestor of a listed one (then it had been read before). With `position`, only the partition of the
 * position is concerned: a reader reads no other, and a group that is moved stays in the others where it stands; where it stands
 * nowhere, they are treated as with `places`.
 */
export type StartPoint =
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" }
  | { readonly kind: "timestamp"; readonly timestampMs: number }
  | {
      readonly kind: "places";
      readonly places: ReadonlyMap<string, PartitionPlace>;
      /**
       * For a group that is moved: what is handled behind the places, by partition. It is stored as far as it fits, as that of a settlement; what is not stored
       * comes again. Absent: nothing is.
       */
      readonly ahead?: ReadonlyMap<string, HandledAhead> | undefined;
      /**
       * For a group that is moved: what it had handled elsewhere, as `originText` writes it, in visible ASCII and blanks. A driver that can stores it with the group
       * until the group is moved again, and hands it out as `Assignment.origin`. Absent: nothing is.
       */
      readonly origin?: string | undefined;
    }
  | { readonly kind: "position"; readonly partition: string; readonly place: PositionPlace };
