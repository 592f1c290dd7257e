import type { Assignment, ChildPartition, DriverGap, ReaderSink, Sink, StoredRecord, UnreadableRange } from "../driver/index.ts";

/**
 * Receives what one partition has, in log order: the same for groups and for readers. The answer `false` ends the reading of the partition,
 * and then nothing more is passed on.
 */
export interface PartitionHandler {
  /** Resolves when there is room for more. */
  deliver(records: readonly StoredRecord[]): Promise<boolean>;
  /** What comes next cannot be read, also not by a second fetch. Resolves when there is room for more. */
  unreadable(range: UnreadableRange): Promise<boolean>;
  /** Nothing is stored up to and including this position. */
  advanced(through: string): boolean;
  /** All that was stored when the last answer was made has been delivered. `emptyUntilMs`: as `Fetched` says. */
  caughtUp(emptyUntilMs: number | null): boolean;
  /** Retention has passed the place. `true`: go on at `gap.resumesAt`. Rejects where a reader does not accept the gap. */
  gap(gap: DriverGap): Promise<boolean>;
  /** Nothing will ever follow in this shard. */
  ended(children: readonly ChildPartition[]): void;
}

/**
 * Passes everything on to the sink of a group.
 * @param over aborts when this ownership must not deliver any more: the partition is handed over, finished or lost, or the member has left
 */
export function groupHandler(sink: Sink, assignment: Assignment, over: AbortSignal): PartitionHandler {
  return {
    async deliver(records) {
      if (over.aborted) return false;
      await sink.deliver(assignment, records);
      return !over.aborted;
    },
    async unreadable(range) {
      if (over.aborted) return false;
      await sink.unreadable(assignment, range);
      return !over.aborted;
    },
    advanced(through) {
      if (!over.aborted) sink.advanced(assignment, through);
      return !over.aborted;
    },
    caughtUp() {
      if (!over.aborted) sink.caughtUp(assignment);
      return !over.aborted;
    },
    async gap(gap) {
      if (over.aborted) return false;
      try {
        await sink.gap(assignment, gap);
        return !over.aborted;
      } catch {
        // The core has ended the consumer, and has reported why. Here the rejection only ends the reading.
        return false;
      }
    },
    ended(children) {
      if (!over.aborted) sink.ended(assignment, children);
    },
  };
}

/** Passes everything on to the sink of a reader, which says when it is done with the partition. */
export function readerHandler(sink: ReaderSink, partition: string): PartitionHandler {
  return {
    deliver: (records) => sink.deliver(partition, records),
    unreadable: (range) => sink.unreadable(partition, range),
    advanced: (through) => sink.advanced(partition, through),
    caughtUp: () => sink.caughtUp(partition),
    async gap(gap) {
      await sink.gap(partition, gap);
      return true;
    },
    ended: (children) => sink.ended(partition, children),
  };
}
