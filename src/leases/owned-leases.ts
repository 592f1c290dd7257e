import type { Assignment, ChildPartition, Settlement, StreamError } from "../driver/index.ts";
import { abortable } from "../abortable.ts";
import { FormerLease } from "./former-lease.ts";
import { inParallel } from "../adapter-kit/in-parallel.ts";
import type { Lease } from "./lease.ts";
import type { Held, LeaseRow } from "./lease-row.ts";
import { ownershipLost, ownershipUncertain } from "./lease-errors.ts";
import type { MemberParts } from "./member-parts.ts";
import { deliverPartition } from "./partition-delivery.ts";
import { Releases } from "./releases.ts";

export interface OwnedLeasesHooks {
  /** Something is to be done soon: a lease was lost, released or ended. */
  changed(): void;
  /** Creates the rows of these shards, unless they are there, as long as the ownership of their parent is current. */
  createChildren(children: readonly ChildPartition[], isCurrent: () => boolean): Promise<void>;
  /** Runs work in the background. When it fails, the member fails. */
  run(work: Promise<void>): void;
}

/** The leases that a member owns: delivers, renews, settles, hands over and releases each of them. */
export class OwnedLeases {
  readonly #parts: MemberParts;
  readonly #hooks: OwnedLeasesHooks;
  readonly #releases: Releases;
  readonly #leases = new Map<string, Lease>();
  readonly #byAssignment = new WeakMap<Assignment, Lease>();
  /** The last lease of each partition, where it was lost. */
  readonly #lost = new Map<string, FormerLease>();
  readonly #children = new WeakMap<Lease, readonly ChildPartition[]>();

  constructor(parts: MemberParts, hooks: OwnedLeasesHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
    this.#releases = new Releases(parts);
  }

  get size(): number {
    return this.#leases.size;
  }

  get all(): readonly Lease[] {
    return [...this.#leases.values()];
  }

  has(partition: string): boolean {
    return this.#leases.has(partition);
  }

  /** Is it owned, or on its way out? Until its row is free this member does not compete for it. */
  holds(partition: string): boolean {
    return this.has(partition) || this.#releases.has(partition);
  }

  /** The last lease of this partition, if it was lost. */
  lost(partition: string): FormerLease | undefined {
    return this.#lost.get(partition);
  }

  /** Begins the ownership: reports it, and delivers from its place. */
  begin(lease: Lease): void {
    const { assignment } = lease;
    this.#lost.delete(assignment.partition);
    this.#leases.set(assignment.partition, lease);
    this.#byAssignment.set(assignment, lease);
    this.#parts.sink.assigned(assignment);
    this.#hooks.run(this.#deliver(lease));
  }

  async #deliver(lease: Lease): Promise<void> {
    const { source, sink, life } = this.#parts;
    const { place, epoch, emptyUntilMs, partition } = lease.row;
    if (place.kind === "ended") return;
    const end = await deliverPartition(lease, source.open({ partition, place, emptyUntilMs, epoch }), sink);
    if (life.aborted || lease.isOver) return;
    if (end.kind === "lost") this.lose(lease);
    if (end.kind !== "ended") return;
    this.#children.set(lease, end.children);
    sink.ended(lease.assignment, end.children);
  }

  /** Ends an ownership that counts no longer. */
  lose(lease: Lease): void {
    if (lease.isOver) return;
    this.#forget(lease);
    this.#lost.set(lease.assignment.partition, new FormerLease(lease));
    if (!this.#parts.life.aborted) this.#parts.sink.lost(lease.assignment);
    this.#hooks.changed();
  }

  #forget(lease: Lease): void {
    lease.end();
    if (this.#leases.get(lease.assignment.partition) === lease) this.#leases.delete(lease.assignment.partition);
  }

  /** Gives signs of life where it is time for them. What was not renewed for too long is lost, without asking. */
  renewDue(): void {
    for (const lease of this.#leases.values()) {
      if (!lease.isCurrent) this.lose(lease);
      else if (lease.isDue) this.renew(lease);
    }
  }

  renew(lease: Lease): void {
    this.#hooks.run(this.#renew(lease));
  }

  async #renew(lease: Lease): Promise<void> {
    try {
      if ((await lease.renew()) === "lost") this.lose(lease);
      else this.handOverIfWanted(lease);
    } catch (error) {
      this.#retryLater(error);
    }
  }

  /** @throws what cannot be retried */
  #retryLater(thrown: unknown): void {
    const { report, classify, times, life } = this.#parts;
    if (life.aborted) return;
    const error = classify(thrown);
    if (!error.retryable) throw error;
    if (report.wants("retry")) report({ kind: "retry", operation: "renew a lease", error, delayMs: times.renewMs });
  }

  /** Looks at the rows of these leases: who wants one, and who has taken one. The next write finds out what has been changed. */
  compare(rows: ReadonlyMap<string, Held<LeaseRow>>): void {
    for (const lease of this.all) {
      const row = rows.get(lease.assignment.partition)?.row;
      if (row?.owner !== this.#parts.id || row.wantedBy !== null) this.renew(lease);
    }
  }

  /** Another member has asked for it. */
  handOverIfWanted(lease: Lease): void {
    const { wantedBy } = lease.row;
    if (wantedBy === null || wantedBy === this.#parts.id || lease.isHandingOver || lease.isOver) return;
    lease.beginHandOver();
    this.#hooks.run(this.#handOver(lease));
  }

  async #handOver(lease: Lease): Promise<void> {
    const { sink, times, requests } = this.#parts;
    await abortable(sink.revoking(lease.assignment, times.holdMs), requests);
    // It may have been lost meanwhile, or released by `close`.
    if (!lease.isOver) await this.#release(lease);
  }

  /** Frees the row of a lease that was acquired and has not begun. */
  release(lease: Lease): void {
    this.#hooks.run(this.#release(lease));
  }

  async #release(lease: Lease): Promise<void> {
    const release = this.#releases.release(lease);
    this.#forget(lease);
    await release;
    this.#hooks.changed();
  }

  /**
   * Stores progress. `ownership-lost` is certain: the ownership has ended, or somebody else has written the row. Where only time has run
   * out nobody may have taken it, so that the error is another one: this ownership is lost, and what it had handled counts again
   * if the member gets the row back as it left it.
   */
  async settle(settlement: Settlement): Promise<StreamError | null> {
    const { assignment, ended } = settlement;
    const lease = this.#byAssignment.get(assignment);
    if (lease === undefined) return ownershipLost(assignment);
    try {
      // A parent must not be ended while a child of it could be overlooked.
      if (ended && lease.isCurrent) await this.#hooks.createChildren(this.#children.get(lease) ?? [], () => lease.isCurrent);
      const refusal = this.#refusal(lease);
      if (refusal !== null) return refusal;
      if ((await lease.settle(settlement)) === "lost") {
        this.lose(lease);
        return ownershipLost(assignment);
      }
    } catch (error) {
      return this.#parts.classify(error);
    }
    if (ended) {
      this.#forget(lease);
      this.#hooks.changed();
    } else this.handOverIfWanted(lease);
    return null;
  }

  /** Why nothing may be stored under this lease; `null`: it may. */
  #refusal(lease: Lease): StreamError | null {
    if (lease.isOver) return ownershipLost(lease.assignment);
    if (lease.isCurrent) return null;
    this.lose(lease);
    return ownershipUncertain(lease.assignment);
  }

  /** Releases everything, by one request each where the store accepts it. Never rejects. @returns whether there was anything */
  async releaseAll(): Promise<boolean> {
    const owned = this.all;
    const hadSome = owned.length + this.#releases.size > 0;
    for (const lease of owned) lease.beginHandOver();
    await inParallel(owned, async (lease) => this.#release(lease).catch(() => undefined));
    await this.#releases.over();
    return hadSome;
  }
}
