import type { Assignment, PartitionPlace } from "../../../../src/driver/index.ts";
import type { LeaseRow } from "../../../../src/leases/index.ts";
import type { FakeTopic } from "./fake-topic.ts";
import type { LandedWrite, StoreHooks } from "./hostile-store.ts";
import type { MemberHooks, SimMember } from "./sim-member.ts";

/** From where a partition has to be handled, and only what happened later counts. */
interface Floor {
  readonly index: number;
  readonly epoch: bigint;
}

/** What must be true of a partition, whatever happens. */
class PartitionOracle {
  floor: Floor | null = null;
  row: LeaseRow | null = null;
  highestAssigned = -1n;
  highestEpoch = -1n;
  readonly ownerOf = new Map<bigint, string>();
  readonly moves = new Set<string>();
  /** Resets that a row gets again which was deleted. */
  repeatable = new Set<string>();
  /** Under which epoch each record was handled last. */
  readonly handled: bigint[] = [];
  /** An operator has changed rows: two members may work for a while. */
  isTampered = false;
}

/**
 * Watches a world from outside, and notes what must never happen: two members under one epoch, a delivery by a former owner, progress stored by a former owner or
 * over records that nobody has handled, a place that goes back, a child before its parents, a reset that is applied twice.
 */
export class Oracle implements StoreHooks, MemberHooks {
  readonly violations: string[] = [];
  readonly #topic: () => FakeTopic;
  readonly #nowMs: () => number;
  readonly #partitions = new Map<string, PartitionOracle>();
  readonly #next = new Map<Assignment, number>();
  /** Counts what was checked: an oracle that saw nothing proves nothing. */
  readonly seen = { assigned: 0, delivered: 0, settled: 0, moved: 0, resumed: 0 };

  constructor(topic: () => FakeTopic, nowMs: () => number) {
    this.#topic = topic;
    this.#nowMs = nowMs;
  }

  #of(partition: string): PartitionOracle {
    let oracle = this.#partitions.get(partition);
    if (oracle === undefined) this.#partitions.set(partition, (oracle = new PartitionOracle()));
    return oracle;
  }

  #violated(partition: string, text: string): void {
    this.violations.push(`at ${this.#nowMs()} ms, ${partition}: ${text}`);
  }

  /** An operator has deleted the row. */
  tampered(partition: string): void {
    this.#of(partition).isTampered = true;
    this.#of(partition).row = null;
    // A row that is made anew, from a view that is older than a reset, is placed by it anew.
    this.#of(partition).repeatable = new Set(this.#of(partition).moves);
  }

  landed({ by, before, after }: LandedWrite): void {
    const { partition } = (after ?? before)!;
    const oracle = this.#of(partition);
    oracle.row = after;
    if (after === null) return;
    if (before === null) this.#created(oracle, after);
    else this.#swapped(oracle, by, before, after);
    if (after.epoch > oracle.highestEpoch) oracle.highestEpoch = after.epoch;
    this.#requireHandled(oracle, after);
  }

  #created(oracle: PartitionOracle, after: LeaseRow): void {
    const isNewGroup = !oracle.moves.has(`${after.groupId} begun`);
    oracle.moves.add(`${after.groupId} begun`);
    const isMoved = after.moved > 0n && !oracle.moves.has(`${after.groupId} ${after.moved}`);
    if (isMoved) oracle.moves.add(`${after.groupId} ${after.moved}`);
    if (oracle.floor === null || isNewGroup || isMoved) this.#place(oracle, after.partition, after.place);
  }

  #place(oracle: PartitionOracle, partition: string, place: PartitionPlace): void {
    oracle.floor = { index: this.#index(partition, place), epoch: oracle.highestEpoch };
  }

  #swapped(oracle: PartitionOracle, by: string, before: LeaseRow, after: LeaseRow): void {
    const { partition } = after;
    if (after.epoch < before.epoch) this.#violated(partition, `the epoch goes back from ${before.epoch} to ${after.epoch}`);
    if (before.groupId !== after.groupId && before.groupId !== null) return this.#created(oracle, after);
    if (before.moved !== after.moved) return this.#moved(oracle, before, after);
    const [from, to] = [this.#index(partition, before.place), this.#index(partition, after.place)];
    if (to < from) this.#violated(partition, `the place goes back from ${from} to ${to} under epoch ${after.epoch}`);
    if (to <= from) return;
    this.seen.settled += 1;
    if (before.owner?.startsWith(`${by}-`) !== true || before.epoch !== after.epoch) {
      this.#violated(partition, `${by} stores progress under epoch ${after.epoch}; the owner is ${before.owner} under ${before.epoch}`);
    }
  }

  #moved(oracle: PartitionOracle, before: LeaseRow, after: LeaseRow): void {
    this.seen.moved += 1;
    const name = `${after.groupId} ${after.moved}`;
    const isRepeated = oracle.moves.has(name) && !oracle.repeatable.delete(name);
    if (isRepeated || after.moved < before.moved) this.#violated(after.partition, `reset ${after.moved} is applied again`);
    oracle.moves.add(name);
    if (JSON.stringify(before.place) === JSON.stringify(after.place)) return;
    this.#place(oracle, after.partition, after.place);
  }

  /** Everything before the place is handled since the last reset. */
  #requireHandled(oracle: PartitionOracle, { partition, place }: LeaseRow): void {
    if (oracle.floor === null) return;
    const end = Math.min(this.#index(partition, place), this.#topic().shards.get(partition)!.records);
    const missed = this.#firstUnhandled(oracle, end);
    if (missed !== null && place.kind !== "ended") this.#violated(partition, `the place is ${end}, and ${missed} is not handled`);
    if (missed !== null && place.kind === "ended" && oracle.floor.index !== Infinity) {
      this.#violated(partition, `the shard is ended, and ${missed} is not handled`);
    }
    // What is below was checked: it need not be looked at again.
    if (end > oracle.floor.index) oracle.floor = { ...oracle.floor, index: end };
  }

  #firstUnhandled({ floor, handled }: PartitionOracle, end: number): number | null {
    for (let index = floor!.index; index < end; index += 1) if ((handled[index] ?? -1n) <= floor!.epoch) return index;
    return null;
  }

  #index(partition: string, place: PartitionPlace): number {
    return this.#topic().indexOf(partition, place);
  }

  assigned(member: SimMember, { partition, epoch, start, resumes }: Assignment): void {
    const oracle = this.#of(partition);
    const number = BigInt(epoch!);
    this.seen.assigned += 1;
    if (resumes !== null) this.seen.resumed += 1;
    const other = oracle.ownerOf.get(number);
    if (other !== undefined) this.#violated(partition, `${member.name} is assigned epoch ${epoch}, which ${other} had`);
    oracle.ownerOf.set(number, member.name);
    // Beside a row that was deleted and made again, a former owner may begin late what it had acquired before.
    if (number < oracle.highestAssigned && !oracle.isTampered) {
      this.#violated(partition, `the epoch goes back from ${oracle.highestAssigned} to ${number}`);
    }
    if (number > oracle.highestAssigned) oracle.highestAssigned = number;
    this.#requireParents(partition, member);
    if (start === null) this.#violated(partition, "it is assigned though it is ended");
  }

  #requireParents(partition: string, member: SimMember): void {
    for (const parent of this.#topic().shards.get(partition)!.parents) {
      const { row, isTampered } = this.#of(parent);
      if (row !== null && row.place.kind !== "ended" && !isTampered) {
        this.#violated(partition, `${member.name} gets it before its parent ${parent} is ended`);
      }
    }
  }

  delivered(member: SimMember, assignment: Assignment, indexes: readonly number[]): void {
    const { partition, epoch, start } = assignment;
    const oracle = this.#of(partition);
    this.seen.delivered += 1;
    const expected = this.#next.get(assignment) ?? this.#index(partition, start!);
    if (indexes[0] !== expected) this.#violated(partition, `${indexes[0]} is delivered, and ${expected} should be next`);
    this.#next.set(assignment, indexes.at(-1)! + 1);
    if (BigInt(epoch!) < oracle.highestAssigned && !oracle.isTampered) {
      this.#violated(partition, `${member.name} delivers under epoch ${epoch} after ${oracle.highestAssigned} was assigned`);
    }
  }

  handled(_member: SimMember, { partition, epoch }: Assignment, index: number): void {
    const { handled } = this.#of(partition);
    const number = BigInt(epoch!);
    if ((handled[index] ?? -1n) < number) handled[index] = number;
  }

  /** What is not handled from where the group was placed last. */
  get unhandled(): readonly string[] {
    return [...this.#topic().shards].flatMap(([partition, { records, isListed }]) => {
      const oracle = this.#of(partition);
      // The service has dropped it, and an operator its row: nobody can know of it.
      if (!isListed && oracle.row === null) return [];
      if (oracle.floor === null) return records === 0 ? [] : [`${partition} was never begun`];
      const missed = this.#firstUnhandled(oracle, records);
      return missed === null ? [] : [`${partition} from ${missed}`];
    });
  }
}
