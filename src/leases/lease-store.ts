import type { GroupRow, Held, LeaseRow, Version } from "./lease-row.ts";

/**
 * Where the rows of one group on one topic are kept. Each row is linearizable by itself; there are no transactions over several rows.
 * The answer `null` of a write says that somebody else has written: nothing is changed. A rejection says that the outcome is unknown: the
 * change may be made now, later or never. The engine repeats what has failed; a store tries each call once. It obeys the signal.
 *
 * A store keeps every column and item that it does not know.
 */
export interface LeaseStore {
  /** How many bytes of `LeaseRow.ahead` it keeps, as the text of `leaseColumns` in UTF-8. */
  readonly aheadBytes: number;
  readGroup(signal: AbortSignal): Promise<Held<GroupRow> | null>;
  /** `before` is `null`: creates the row if there is none. */
  writeGroup(before: Held<GroupRow> | null, next: GroupRow, signal: AbortSignal): Promise<Version | null>;
  /** All rows, also those of another group id. Not a snapshot: each row is as it was at some moment of the call. */
  list(signal: AbortSignal): Promise<readonly Held<LeaseRow>[]>;
  read(partition: string, signal: AbortSignal): Promise<Held<LeaseRow> | null>;
  create(row: LeaseRow, signal: AbortSignal): Promise<Version | null>;
  /**
   * Writes `next` if the row still has the version of `before`. A store of several objects a row writes those that differ; where owner or
   * epoch differ, all of them.
   */
  swap(before: Held<LeaseRow>, next: LeaseRow, signal: AbortSignal): Promise<Version | null>;
  remove(before: Held<LeaseRow>, signal: AbortSignal): Promise<boolean>;
  removeGroup(before: Held<GroupRow>, signal: AbortSignal): Promise<boolean>;
}
