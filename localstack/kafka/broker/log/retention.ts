import type { PartitionLog } from "./partition-log.ts";

export interface RetentionLimits {
  /** -1: no limit. */
  readonly retentionMs: number;
  /** -1: no limit. */
  readonly retentionBytes: number;
}

/** Removes segments that are too old, and the oldest segments while the others alone still reach the size limit. */
export function applyRetention(log: PartitionLog, { retentionMs, retentionBytes }: RetentionLimits, nowMs: number): void {
  if (log.endOffset === log.startOffset) return;
  if (retentionMs >= 0) removeWhile(log, nowMs, ({ largestTimestampMs }) => nowMs - largestTimestampMs > retentionMs);
  if (retentionBytes < 0) return;
  let excess = log.byteLength - retentionBytes;
  removeWhile(log, nowMs, ({ byteLength }) => {
    excess -= byteLength;
    return excess >= 0;
  });
}

function removeWhile(log: PartitionLog, nowMs: number, isTooMuch: (segment: PartitionLog["segments"][number]) => boolean): void {
  const { segments } = log;
  let removed = 0;
  while (removed < segments.length && segments[removed]!.batches.length > 0 && isTooMuch(segments[removed]!)) removed += 1;
  if (removed === 0) return;
  // The active segment is removed too. A new one takes its place.
  if (removed === segments.length) log.roll(nowMs);
  log.deleteBefore(log.segments[removed]!.baseOffset);
}
