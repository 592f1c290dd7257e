import { PartitionLog } from "../log/partition-log.ts";

/** The partition has no leader, because none of its replicas is up. */
export const NO_LEADER = -1;

/** One partition: its log and its leader. */
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
    this.log.epochs.begin(this.leaderEpoch, 0n);
  }

  lead(leaderId: number): void {
    if (leaderId !== this.leaderId) this.#begin(leaderId);
  }

  /** Makes a replica the leader that lacks the records from the offset on. They are lost, and later records take their offsets. */
  leadWithout(offset: bigint, leaderId: number): void {
    this.log.truncate(offset);
    this.#begin(leaderId);
  }

  #begin(leaderId: number): void {
    this.leaderId = leaderId;
    this.leaderEpoch += 1;
    if (leaderId !== NO_LEADER) this.log.epochs.begin(this.leaderEpoch, this.log.endOffset);
    this.changed();
  }

  /** Notifies waiting fetches of new records or of a new leader. */
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
