import type { Partition } from "./partition.ts";
import type { StoredAhead } from "./stored-ahead.ts";

/** The lag of a group in one partition: how many messages are not handled yet, and the age of the oldest. */
export interface PartitionLag {
  readonly partition: string;
  readonly messages: number;
  readonly timeMs: number;
}

/** @param place everything before this index is handled */
export function partitionLag({ id, log }: Partition, place: number | "ended", ahead: StoredAhead | null, nowMs: number): PartitionLag {
  const next = place === "ended" ? log.endIndex : Math.max(place, log.firstIndex);
  const messages = log.endIndex - next - (ahead?.countFrom(next) ?? 0);
  const oldest = ahead?.firstUnhandled(next) ?? next;
  return { partition: id, messages, timeMs: messages === 0 ? 0 : Math.max(0, nowMs - log.timestampOf(oldest)) };
}
