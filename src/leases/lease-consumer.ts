import { randomUUID } from "node:crypto";
import { type ConsumerDriver, type ConsumerSettings, type Report, type Settlement, type Sink, StreamError } from "../driver/index.ts";
import type { PartitionSource } from "../adapter-kit/partition-source.ts";
import { BoundedStore, type StoreAccess } from "./bounded-store.ts";
import { leaseTimes } from "./lease-times.ts";
import { Member } from "./member.ts";

/** What a group by leases is made of. */
export interface LeaseGroupParts extends StoreAccess {
  readonly source: PartitionSource;
  readonly report: Report;
  /** How often the group's row is read: the latency of hand-overs. */
  readonly watchMs: number;
  /** How often the topic is listed for new partitions that no shard names as its children. @default 30_000 */
  readonly describeMs?: number | undefined;
  /**
   * The longest time between two renewals of a lease: how long it takes until an administrator knows that a member lives, and
   * until a member that cannot reach the store reports it. @default 3_000
   */
  readonly renewMs?: number | undefined;
  /** The shortest session that the store can keep; a shorter one is refused as `invalid-argument`. @default 0 */
  readonly leastSessionMs?: number | undefined;
  /** @default `randomUUID` */
  readonly newId?: (() => string) | undefined;
}

const DESCRIBE_MS = 30_000;

/** One member of a group whose partitions are owned by leases. Settles positions. */
export function leaseConsumer(parts: LeaseGroupParts, settings: ConsumerSettings): ConsumerDriver {
  return new LeaseConsumer(parts, settings);
}

class LeaseConsumer implements ConsumerDriver {
  readonly settlementUnit = "position";
  readonly #parts: LeaseGroupParts;
  readonly #settings: ConsumerSettings;
  readonly #life = new AbortController();
  readonly #requests = new AbortController();
  #member: Member | null = null;

  constructor(parts: LeaseGroupParts, settings: ConsumerSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  async start(sink: Sink, signal: AbortSignal): Promise<void> {
    const { source, clock, report, watchMs, classify, renewMs, leastSessionMs = 0 } = this.#parts;
    const { sessionTimeoutMs } = this.#settings;
    if (sessionTimeoutMs < leastSessionMs) {
      throw new StreamError("invalid-argument", `sessionTimeoutMs must be at least ${leastSessionMs}; received ${sessionTimeoutMs}`);
    }
    const times = leaseTimes(sessionTimeoutMs, renewMs);
    const newId = this.#parts.newId ?? randomUUID;
    this.#member = new Member(
      {
        id: newId(),
        store: new BoundedStore(this.#parts, times.requestMs),
        source,
        clock,
        times,
        watchMs,
        describeMs: this.#parts.describeMs ?? DESCRIBE_MS,
        report,
        classify: (error) => classify(error),
        newId,
        sink,
        life: this.#life.signal,
        requests: this.#requests.signal,
      },
      this.#settings.initialPosition,
    );
    await this.#member.join(AbortSignal.any([signal, this.#life.signal]));
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    if (this.#member === null) throw new StreamError("internal", "the consumer was used before it had joined its group");
    return this.#member.settle(settlements, signal);
  }

  async close(): Promise<void> {
    this.#life.abort();
    await this.#member?.leave();
    this.#requests.abort();
    await this.#member?.idle();
  }
}
