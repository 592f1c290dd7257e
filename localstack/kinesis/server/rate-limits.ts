import { performance } from "node:perf_hooks";
import { type EntryError, entryError } from "../faults/request-faults.ts";
import { ServiceError } from "../service-error.ts";
import type { Shard } from "../streams/shard.ts";
import type { StoredRecord } from "../streams/stored-record.ts";

export interface RateLimitOptions {
  /** Are the quotas of the developer guide enforced? */
  readonly areEnforced: boolean;
  /** The part of all records that is refused as throttled, from 0 to 1, whatever the quotas. */
  readonly throttledEntries: number;
}

const THROTTLED = "ProvisionedThroughputExceededException";
const WRITES_PER_SECOND = 1_000;
const WRITTEN_BYTES_PER_SECOND = 1_048_576;
const READS_PER_SECOND = 5;
const READ_BYTES_PER_SECOND = 2 * 1_048_576;
/** Of the calls that are not about the records of a shard; all others 10. */
const CALLS_PER_SECOND: Readonly<Record<string, number>> = {
  ListShards: 1_000,
  DescribeStreamSummary: 20,
  DescribeLimits: 1,
  CreateStream: 5,
  DeleteStream: 5,
  ListStreams: 5,
  SplitShard: 5,
  MergeShards: 5,
};
const OTHER_CALLS_PER_SECOND = 10;
const DATA_CALLS = new Set(["PutRecord", "PutRecords", "GetRecords", "GetShardIterator"]);

/** The quotas of shards and of the account. Unless they are enforced, nothing is refused for them. */
export class RateLimits {
  readonly #options: RateLimitOptions;
  readonly #budgets = new WeakMap<Shard, Record<"writes" | "writtenBytes" | "reads" | "readBytes" | "iterators", Budget>>();
  readonly #calls = new Map<string, Budget>();
  #random = 1;

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  get areEnforced(): boolean {
    return this.#options.areEnforced;
  }

  /** @throws ServiceError where there were too many calls of this operation */
  requireCall(operation: string): void {
    if (!this.areEnforced || DATA_CALLS.has(operation)) return;
    const perSecond = CALLS_PER_SECOND[operation] ?? OTHER_CALLS_PER_SECOND;
    let budget = this.#calls.get(operation);
    if (budget === undefined) this.#calls.set(operation, (budget = new Budget(perSecond)));
    if (!budget.take(1)) throw new ServiceError("LimitExceededException", `Rate exceeded for ${operation}: ${perSecond} calls a second.`);
  }

  /** The error of a record that its shard has no room for now. */
  refusedEntry(shard: Shard, bytes: number): EntryError | null {
    if (this.#options.throttledEntries > 0 && this.#nextRandom() < this.#options.throttledEntries) return entryError(THROTTLED, shard);
    if (!this.areEnforced) return null;
    const { writes, writtenBytes } = this.#budgetsOf(shard);
    if (!writtenBytes.has(1) || !writes.take(1)) return entryError(THROTTLED, shard);
    // A record may be larger than what is left: then the next ones are refused until it is made up for.
    writtenBytes.overdraw(bytes);
    return null;
  }

  /** @throws ServiceError */
  requireIterator(shard: Shard): void {
    this.#requireRead(shard, "iterators");
  }

  /** @throws ServiceError */
  requireRead(shard: Shard): void {
    if (this.areEnforced && !this.#budgetsOf(shard).readBytes.has(0)) throw throttled(shard);
    this.#requireRead(shard, "reads");
  }

  #requireRead(shard: Shard, which: "iterators" | "reads"): void {
    if (this.areEnforced && !this.#budgetsOf(shard)[which].take(1)) throw throttled(shard);
  }

  /** An answer may be larger than what is left: then the next ones are refused until it is made up for. */
  countRead(shard: Shard, records: readonly StoredRecord[]): void {
    if (!this.areEnforced) return;
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
    this.#budgetsOf(shard).readBytes.overdraw(bytes);
  }

  #budgetsOf(shard: Shard): Record<"writes" | "writtenBytes" | "reads" | "readBytes" | "iterators", Budget> {
    let budgets = this.#budgets.get(shard);
    if (budgets === undefined) {
      budgets = {
        writes: new Budget(WRITES_PER_SECOND),
        writtenBytes: new Budget(WRITTEN_BYTES_PER_SECOND),
        reads: new Budget(READS_PER_SECOND),
        readBytes: new Budget(READ_BYTES_PER_SECOND),
        iterators: new Budget(READS_PER_SECOND),
      };
      this.#budgets.set(shard, budgets);
    }
    return budgets;
  }

  /** The same numbers in each run: a generator by Lehmer. */
  #nextRandom(): number {
    this.#random = (this.#random * 48_271) % 2_147_483_647;
    return this.#random / 2_147_483_647;
  }
}

/** So much in a second, of which one second can be saved up. */
class Budget {
  readonly #perSecond: number;
  #left: number;
  #atMs = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  has(amount: number): boolean {
    const nowMs = performance.now();
    this.#left = Math.min(this.#perSecond, this.#left + ((nowMs - this.#atMs) / 1_000) * this.#perSecond);
    this.#atMs = nowMs;
    return this.#left >= amount;
  }

  take(amount: number): boolean {
    if (!this.has(amount)) return false;
    this.#left -= amount;
    return true;
  }

  overdraw(amount: number): void {
    this.#left -= amount;
  }
}

function throttled({ shardId }: Shard): ServiceError {
  return new ServiceError(THROTTLED, `Rate exceeded for shard ${shardId}.`);
}
