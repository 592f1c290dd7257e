import type { Account } from "../account.ts";
import type { ServiceClock } from "../service-clock.ts";
import { type ServiceError, inUse, limitExceeded, notFound } from "../service-error.ts";
import { type NewStream, Stream } from "./stream.ts";

/** All streams of the account in the region. */
export class Streams {
  readonly account: Account;
  readonly #clock: ServiceClock;
  readonly #shardLimit: number;
  readonly #byName = new Map<string, Stream>();

  constructor(account: Account, clock: ServiceClock, shardLimit: number) {
    this.account = account;
    this.#clock = clock;
    this.#shardLimit = shardLimit;
  }

  /** By name. */
  get all(): readonly Stream[] {
    for (const [name, { isDeleted }] of this.#byName) if (isDeleted) this.#byName.delete(name);
    return [...this.#byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  get openShardCount(): number {
    return this.all.reduce((count, { openShards }) => count + openShards.length, 0);
  }

  get shardLimit(): number {
    return this.#shardLimit;
  }

  find(name: string): Stream | undefined {
    const stream = this.#byName.get(name);
    if (stream?.isDeleted !== true) return stream;
    this.#byName.delete(name);
    return undefined;
  }

  /** @throws ServiceError if there is none */
  get(name: string): Stream {
    const stream = this.find(name);
    if (stream === undefined) throw this.notFound(name);
    return stream;
  }

  notFound(name: string): ServiceError {
    return notFound(`Stream ${name} under account ${this.account.accountId} not found.`);
  }

  /** @throws ServiceError if the name is taken, or the account would have too many shards */
  create(wanted: NewStream, creatingMs: number): Stream {
    const { accountId } = this.account;
    if (this.find(wanted.name) !== undefined) throw inUse(`Stream ${wanted.name} under account ${accountId} already exists.`);
    this.requireShards(wanted.shardCount);
    const stream = new Stream(this.account, this.#clock, wanted, creatingMs);
    this.#byName.set(wanted.name, stream);
    return stream;
  }

  /** @throws ServiceError if the account may not have so many more shards */
  requireShards(more: number): void {
    const { openShardCount } = this;
    if (openShardCount + more <= this.#shardLimit) return;
    const { accountId, region } = this.account;
    throw limitExceeded(
      `This request would exceed the shard limit for the account ${accountId} in ${region}. Current shard count for the account: ${openShardCount}. ` +
        `Limit: ${this.#shardLimit}. Number of additional shards that would have resulted from this request: ${more}.`,
    );
  }
}
