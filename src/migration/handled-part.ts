import type { HandledAhead } from "../position/handled-ahead.ts";
import type { ComparePositions, PartitionPlace } from "../position/place.ts";
import type { StoredTime } from "../stored-time.ts";
import { isBehind } from "./copy/place-order.ts";

/** What a group has handled in one partition of its topic. */
export interface HandledPart {
  /** Everything before it is handled. A time: everything stored before it. */
  readonly place: PartitionPlace;
  /** What is handled behind the place; `null`: nothing, or the provider does not show it. */
  readonly ahead: HandledAhead | null;
}

/** Whether the message at this position is handled. */
export function isHandled({ place, ahead }: HandledPart, position: string, timestampMs: StoredTime, compare: ComparePositions): boolean {
  return isBefore(place, position, timestampMs, compare) || (ahead !== null && isHandledAhead(ahead, position, compare));
}

function isBefore(place: PartitionPlace, position: string, timestampMs: StoredTime, compare: ComparePositions): boolean {
  switch (place.kind) {
    case "at":
    case "after":
      return !isBehind(position, place, compare);
    case "timestamp":
      return timestampMs < place.timestampMs;
    case "ended":
      return true;
    case "earliest":
    case "latest":
    case "mark":
      return false;
  }
}

function isHandledAhead({ upTo, except }: HandledAhead, position: string, compare: ComparePositions): boolean {
  if (compare(position, upTo) > 0) return false;
  let first = 0;
  for (let end = except.length; first < end;) {
    const middle = (first + end) >>> 1;
    if (compare(except[middle]!, position) < 0) first = middle + 1;
    else end = middle;
  }
  return first === except.length || compare(except[first]!, position) !== 0;
}
