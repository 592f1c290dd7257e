import type { StreamError } from "../driver/index.ts";
import { inParallel } from "../adapter-kit/in-parallel.ts";
import { type GroupRow, type Held, type LeaseRow, freedRow, nextEpoch } from "./lease-row.ts";
import { Lease, type LeaseParts } from "./lease.ts";
import type { MemberParts } from "./member-parts.ts";
import type { OwnedLeases } from "./owned-leases.ts";
import { requireRepeatable } from "./persist.ts";
import { RowWriter } from "./row-writer.ts";

/** So many rows are refused by a store that refuses all of them: the others are not tried in the same turn. */
const MOST_REFUSED = 16;

/** Makes free rows the member's own. What the store refuses of one row holds up no other. */
export class Acquisition {
  readonly #parts: MemberParts;
  readonly #owned: OwnedLeases;
  /** The rows that the store has refused in the last turn. What was written of them is not known. */
  #refused: ReadonlyMap<string, StreamError> = new Map();

  constructor(parts: MemberParts, owned: OwnedLeases) {
    this.#parts = parts;
    this.#owned = owned;
  }

  /** Has the store refused a row, so that it should be tried again soon? */
  get hasRefused(): boolean {
    return this.#refused.size > 0;
  }

  /**
   * Acquires these rows. Only then it looks whether the group is moved: a reset that begins later sees that the rows are owned. What was
   * acquired beside a reset is released again, and was never delivered.
   * @returns whether all of them are owned now that the store has not refused; `false`: somebody else was faster, or the group is moved
   * @throws where the store has refused a row, and the member owns nothing
   */
  async take(group: GroupRow, rows: readonly Held<LeaseRow>[]): Promise<boolean> {
    const former = this.#refused;
    const wasRefused = ({ row }: Held<LeaseRow>): boolean => former.has(row.partition);
    const refusals = new Map<string, StreamError>();
    this.#refused = refusals;
    // What was refused before may take long again: the others begin first.
    const ownsOthers = await this.#takeSome(
      group,
      rows.filter((held) => !wasRefused(held)),
      refusals,
    );
    const ownsRefused = await this.#takeSome(group, rows.filter(wasRefused), refusals);
    const [refusal] = refusals.values();
    if (refusal !== undefined && this.#owned.size === 0) throw refusal;
    return ownsOthers && ownsRefused;
  }

  async #takeSome(group: GroupRow, rows: readonly Held<LeaseRow>[], refusals: Map<string, StreamError>): Promise<boolean> {
    const { store, life, requests } = this.#parts;
    if (rows.length === 0) return true;
    const leases: Lease[] = [];
    let wereFree = true;
    try {
      await inParallel(rows, async (held) => {
        if (refusals.size >= MOST_REFUSED) return;
        try {
          const lease = await this.#acquire(group, held);
          if (lease === null) wereFree = false;
          else leases.push(lease);
        } catch (error) {
          requireRepeatable(error, requests);
          this.#note(held.row.partition, error, refusals);
        }
      });
      const now = (await store.readGroup(requests))?.row;
      const isUnmoved = now?.id === group.id && now.move === null && now.moves === group.moves;
      if (isUnmoved && !life.aborted) for (const lease of leases) if (lease.isCurrent) this.#owned.begin(lease);
    } finally {
      // Also where something has failed: nobody else knows of them, and the member may be closed next.
      const unused = leases.filter(({ assignment }) => !this.#owned.has(assignment.partition));
      for (const lease of unused) this.#owned.release(lease);
      wereFree &&= unused.length === 0;
    }
    return wereFree;
  }

  #note(partition: string, error: StreamError, refusals: Map<string, StreamError>): void {
    const { report, watchMs } = this.#parts;
    refusals.set(partition, error);
    if (report.wants("retry")) report({ kind: "retry", operation: "acquire a lease", error, delayMs: watchMs });
  }

  /** Frees what was written although the store has refused it. @returns whether there was anything */
  async withdraw(): Promise<boolean> {
    const { store, id, requests } = this.#parts;
    const freed = await inParallel([...this.#refused.keys()], async (partition) => {
      for (;;) {
        const held = await store.read(partition, requests);
        if (held?.row.owner !== id) return false;
        if ((await store.swap(held, freedRow(held.row), requests)) !== null) return true;
      }
    });
    return freed.includes(true);
  }

  /** Acquires a row with the next epoch. @returns `null`: somebody else was faster */
  async #acquire(group: GroupRow, held: Held<LeaseRow>): Promise<Lease | null> {
    const { id, store, clock, times, source, requests } = this.#parts;
    const { row } = held;
    const epoch = nextEpoch(row, clock.wallMs());
    const acquired = { ...row, groupId: group.id, owner: id, epoch, holdMs: times.holdMs };
    let lease: Lease | null = null;
    const parts: LeaseParts = {
      store,
      clock,
      times,
      aheadBytes: store.aheadBytes,
      compare: (a, b) => source.compare(a, b),
      signal: requests,
      // Asked when the group has answered: meanwhile the process may have stood still, and others have handled the shard to its end.
      mayRecreate: async () => lease !== null && (await this.#isGroupAsItWas(lease.row)) && lease.isInTime,
    };
    const writer = new RowWriter(parts, held);
    const former = this.#owned.lost(row.partition);
    const resumed = former?.isAsLeft(row) === true ? former : null;
    // Whether it succeeds may never be known.
    resumed?.follow({ isAsLeft: (found) => writer.isOurs(found) });
    if ((await writer.write(() => ({ ...acquired, wantedBy: null }))) === "lost") return null;
    lease = new Lease(parts, writer, group, resumed?.assignment ?? null);
    return lease;
  }

  /** Is this the group to which the row belongs, and not moved since? */
  async #isGroupAsItWas({ groupId, moved }: LeaseRow): Promise<boolean> {
    const group = await this.#parts.store.readGroup(this.#parts.requests);
    return group !== null && group.row.id === groupId && group.row.move === null && group.row.moves === moved;
  }
}
