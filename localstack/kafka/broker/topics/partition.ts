import { PartitionLog } from "../log/partition-log.ts";

/** No broker that leads it is up. */
export const NO_LEADER = -1;

/** One partition: its log, and which broker answers for it. */
export class Partition {
  readonly index: number;
  readonly replicas: readonly number[];
  readonly log: PartitionLog;
  leaderId: number;
  leaderEpoch = 0;
  readonly #watchers = new Set<() => void>();

  constructor(index: number, replicas: readonly number[], nowMs: number) {
    this.index = index;
    this.replicas = replicas;
    this.leaderId = replicas[0] ?? NO_LEADER;
    this.log = new PartitionLog(nowMs);
  }

  lead(leaderId: number): void {
    if (leaderId === this.leaderId) return;
    this.leaderId = leaderId;
    this.leaderEpoch += 1;
    this.changed();
  }

  /** Tells those that wait that there is more to read, or another leader. */
  changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  watch(watcher: () => void): void {
    this.#watchers.add(watcher);
  }

  unwatch(watcher: () => void): void {
    this.#watchers.delete(watcher);
  }
}
