import type { ComparePositions, PartitionPlace, PositionPlace } from "../../position/place.ts";
import { decodeBookmark, encodeBookmark } from "../../position/bookmark.ts";
import type { Bookmark } from "../../tokens.ts";
import { isBehind } from "../copy/place-order.ts";
import type { Checkpoint, CheckpointStore } from "../copy/checkpoint.ts";
import type { OpenSide } from "../side.ts";

/**
 * The last checkpoint that lies before a place of the source: everything from the place on lies behind its bookmark in the target. `null`: there is none.
 * @throws what the store throws
 */
export async function checkpointBefore(
  checkpoints: CheckpointStore | null,
  source: OpenSide,
  target: OpenSide,
  partition: string,
  place: PartitionPlace,
): Promise<Checkpoint | null> {
  if (checkpoints === null || (place.kind !== "at" && place.kind !== "after" && place.kind !== "ended")) return null;
  const isUsable = (checkpoint: Checkpoint): boolean => {
    const { place: reached } = checkpoint;
    if (checkpoint.source !== source.id || checkpoint.target !== target.id || reached === null) return false;
    return place.kind === "ended" || !isBehind(reached, place, source.compare);
  };
  const last = await checkpoints.read(partition);
  if (last !== null && isUsable(last)) return last;
  const history = (await checkpoints.history?.(partition)) ?? [];
  return history.findLast(isUsable) ?? null;
}

/** A bookmark that lies before all of these, in every partition. `null`: the beginning. */
export function earliestBookmark(target: OpenSide, bookmarks: readonly (Bookmark | null)[]): Bookmark | null {
  const { context, identity, compare } = target;
  let earliest: ReadonlyMap<string, PartitionPlace> | null = null;
  for (const bookmark of bookmarks) {
    if (bookmark === null) return null;
    const places = decodeBookmark(bookmark, context.provider, identity);
    earliest = earliest === null ? places : earlierOf(earliest, places, compare);
    if (earliest === null) return null;
  }
  return earliest === null ? null : encodeBookmark(context.provider, identity, earliest);
}

/** `null`: the beginning. What a bookmark does not list may be new, or may have been read before: of two that list other partitions nothing is certain. */
function earlierOf(
  one: ReadonlyMap<string, PartitionPlace>,
  other: ReadonlyMap<string, PartitionPlace>,
  compare: ComparePositions,
): ReadonlyMap<string, PartitionPlace> | null {
  if (one.size !== other.size) return null;
  const places = new Map<string, PartitionPlace>();
  for (const [partition, place] of one) {
    const second = other.get(partition);
    const first = second === undefined ? null : earlier(place, second, compare);
    if (first === null) return null;
    places.set(partition, first);
  }
  return places;
}

/** `null`: the beginning. */
function earlier(a: PartitionPlace, b: PartitionPlace, compare: ComparePositions): PartitionPlace | null {
  if (a.kind === "ended") return b;
  if (b.kind === "ended") return a;
  if (a.kind === "timestamp" && b.kind === "timestamp") return a.timestampMs <= b.timestampMs ? a : b;
  if (!isPosition(a) || !isPosition(b)) return null;
  const order = compare(a.position, b.position);
  return order < 0 || (order === 0 && a.kind === "at") ? a : b;
}

function isPosition(place: PartitionPlace): place is PositionPlace {
  return place.kind === "at" || place.kind === "after";
}
