import { inParallel } from "../adapter-kit/in-parallel.ts";
import { type GroupRow, type Held, type LeaseRow, nextEpoch } from "./lease-row.ts";
import { Lease, type LeaseParts } from "./lease.ts";
import type { MemberParts } from "./member-parts.ts";
import type { OwnedLeases } from "./owned-leases.ts";
import { RowWriter } from "./row-writer.ts";

/** Makes free rows the member's own. */
export class Acquisition {
  readonly #parts: MemberParts;
  readonly #owned: OwnedLeases;

  constructor(parts: MemberParts, owned: OwnedLeases) {
    this.#parts = parts;
    this.#owned = owned;
  }

  /**
   * Acquires these rows. Only then it looks whether the group is moved: a reset that begins later sees that the rows are owned. What was
   * acquired beside a reset is released again, and was never delivered.
   * @returns whether all of them are owned now; `false`: somebody else was faster, or the group is moved
   */
  async take(group: GroupRow, rows: readonly Held<LeaseRow>[]): Promise<boolean> {
    const { store, life, requests } = this.#parts;
    if (rows.length === 0) return true;
    const leases = (await inParallel(rows, (held) => this.#acquire(group, held))).filter((lease) => lease !== null);
    const now = (await store.readGroup(requests))?.row;
    const isUnmoved = now?.id === group.id && now.move === null && now.moves === group.moves;
    if (isUnmoved && !life.aborted) for (const lease of leases) if (lease.isCurrent) this.#owned.begin(lease);
    const refused = leases.filter(({ assignment }) => !this.#owned.has(assignment.partition));
    for (const lease of refused) this.#owned.release(lease);
    return leases.length - refused.length === rows.length;
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
