import type { Assignment } from "../driver/index.ts";
import type { Lease } from "./lease.ts";
import type { LeaseRow } from "./lease-row.ts";

/** What knows which rows it has read or written. */
type Writer = Pick<Lease, "isAsLeft">;

/** More attempts than this to acquire a row, all of unknown outcome: then an older one is not recognised, and messages come again. */
const MOST_ATTEMPTS = 8;

/**
 * The last ownership of a partition, which this member has lost. The row is as the member left it as long as only that lease, and the
 * member's attempts to acquire it again, have written it: also where an attempt is not known to have succeeded, or has led to no ownership.
 */
export class FormerLease {
  readonly assignment: Assignment;
  #writers: readonly Writer[];

  constructor(lease: Lease) {
    this.assignment = lease.assignment;
    this.#writers = [lease];
  }

  /** Has nobody else written this row since? */
  isAsLeft(found: LeaseRow): boolean {
    return this.#writers.some((writer) => writer.isAsLeft(found));
  }

  /** The member acquires the row as it was left. */
  follow(writer: Writer): void {
    this.#writers = [...this.#writers.slice(1 - MOST_ATTEMPTS), writer];
  }
}
