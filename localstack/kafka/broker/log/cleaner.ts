import { compact } from "./compaction.ts";
import type { PartitionLog } from "./partition-log.ts";
import type { Segment } from "./segment.ts";

/** When a compacted topic is cleaned. */
export interface CleaningRules {
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly deleteRetentionMs: number;
}

/** Compacts the segments that are full and old enough, as soon as they make up enough of the log. */
export function clean(log: PartitionLog, rules: CleaningRules, nowMs: number): void {
  const { segments } = log;
  const isReady = ({ largestTimestampMs }: Segment): boolean => nowMs - largestTimestampMs >= rules.minCompactionLagMs;
  const firstUnready = segments.findIndex((segment, index) => index === segments.length - 1 || !isReady(segment));
  const upTo = smaller(segments[firstUnready]!.baseOffset, log.lastStableOffset);
  if (upTo <= log.cleanedUpTo) return;
  const finished = segments.slice(0, firstUnready);
  const bytesOf = (some: readonly Segment[]): number => some.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const dirtyBytes = bytesOf(finished.filter(({ baseOffset }) => baseOffset >= log.cleanedUpTo));
  // Kafka accepts the ratio NaN. It is never reached.
  if (!(dirtyBytes / Math.max(1, bytesOf(finished)) >= rules.minCleanableDirtyRatio)) return;
  compact(log, { upTo, removesTombstone: (timestampMs) => nowMs - Number(timestampMs) > rules.deleteRetentionMs });
  log.cleanedUpTo = upTo;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
