import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers";
import { type Columns, MemoryLeaseStore } from "../../../src/leases/index.ts";

/** The leases of one group, as the service keeps them for its clients, and what faults do to them behind the back of their owners. */
export class LeaseTable {
  readonly store: MemoryLeaseStore;

  /** @param aheadBytes how much a row keeps of what is handled ahead */
  constructor(aheadBytes: number) {
    this.store = new MemoryLeaseStore(aheadBytes);
  }

  /** Another client takes the row, and leaves it in the next turn. Then the members compete for it. @returns whether it had an owner */
  steal(partition: string): boolean {
    const columns = this.#owned(partition);
    if (columns === undefined) return false;
    const thief = `thief-${randomUUID()}`;
    this.store.edit(partition, { owner: thief, epoch: raised(columns["epoch"]!), beat: raised(columns["beat"]!), wantedBy: undefined });
    setImmediate(() => {
      if (this.store.columnsOf(partition)?.["owner"] === thief) this.store.edit(partition, { owner: undefined });
      void this.#raiseAttention();
    });
    return true;
  }

  /** Every row loses its owner. @returns whether any had one */
  dissolve(partitions: Iterable<string>): boolean {
    const owned = [...partitions].filter((partition) => this.#owned(partition) !== undefined);
    for (const partition of owned) this.store.edit(partition, { owner: undefined, wantedBy: undefined });
    if (owned.length > 0) void this.#raiseAttention();
    return owned.length > 0;
  }

  #owned(partition: string): Columns | undefined {
    const columns = this.store.columnsOf(partition);
    return columns?.["owner"] === undefined ? undefined : columns;
  }

  /** As whoever joins or leaves does, so that the members look at the rows. */
  async #raiseAttention(): Promise<void> {
    for (;;) {
      const held = await this.store.readGroup();
      if (held === null) return;
      const { row } = held;
      if ((await this.store.writeGroup(held, { ...row, attention: row.attention + 1 })) !== null) return;
    }
  }
}

function raised(column: string): string {
  return String(BigInt(column) + 1n);
}
