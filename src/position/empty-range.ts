import type { ComparePositions, PartitionEnd, Place } from "./place.ts";

/** Whether a range is certainly empty before it is read. An inverted range is empty and keeps its start as its place. */
export function isEmptyRange(start: Place, end: PartitionEnd, compare: ComparePositions): boolean {
  if (end === null) return false;
  if (start.kind === "timestamp") {
    return (end.kind === "timestamp" || end.kind === "stored-before") && start.timestampMs >= end.timestampMs;
  }
  if ((start.kind !== "at" && start.kind !== "after") || (end.kind !== "before" && end.kind !== "through")) return false;
  const order = compare(start.position, end.position);
  return start.kind === "at" && end.kind === "through" ? order > 0 : order >= 0;
}
