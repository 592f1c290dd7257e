import type { Assignment } from "../../src/driver/index.ts";

/**
 * The records of a member that the core has and that are neither settled nor released. In a group that leases records one by one, a
 * record may be delivered again in that time. The core does not get it a second time.
 */
export class OutstandingRecords {
  readonly #of = new WeakMap<Assignment, Set<string>>();

  /** Adds these records. @returns those that were not outstanding */
  add<Record extends { readonly position: string }>(assignment: Assignment, records: readonly Record[]): Record[] {
    const known = this.#of.get(assignment) ?? new Set();
    this.#of.set(assignment, known);
    const added = records.filter(({ position }) => !known.has(position));
    for (const { position } of added) known.add(position);
    return added;
  }

  remove(assignment: Assignment, records: readonly { readonly position: string }[]): void {
    const known = this.#of.get(assignment);
    for (const { position } of records) known?.delete(position);
  }
}
