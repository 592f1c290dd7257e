import type { ComparePositions, Place, PositionPlace } from "../../position/place.ts";

/** Whether a message at this position is still to come for somebody who stands at the place. */
export function isBehind(position: string, place: PositionPlace, compare: ComparePositions): boolean {
  const order = compare(position, place.position);
  return place.kind === "at" ? order >= 0 : order > 0;
}

/** The one that lies further in the log, the first of two that are the same. Places without a position, such as the beginning, say nothing. */
export function furtherPlace(a: Place | null, b: Place | null, compare: ComparePositions): PositionPlace | null {
  const first = positionPlace(a);
  const second = positionPlace(b);
  if (first === null || second === null) return first ?? second;
  const order = compare(first.position, second.position);
  if (order !== 0) return order > 0 ? first : second;
  return second.kind === "after" && first.kind === "at" ? second : first;
}

function positionPlace(place: Place | null): PositionPlace | null {
  return place !== null && (place.kind === "at" || place.kind === "after") ? place : null;
}
