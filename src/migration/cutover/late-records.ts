import { encodeBookmark } from "../../position/bookmark.ts";
import { encodePosition } from "../../position/position.ts";
import type { Bookmark, Position } from "../../tokens.ts";
import { comesFrom, readerBehind } from "../records-from.ts";
import { resolveEnds } from "../resolve-range.ts";
import type { OpenSide } from "../side.ts";

/** Records that were stored after the producers should have stopped. */
export interface LateRecords {
  readonly count: number;
  /** The first ones of them. */
  readonly first: readonly { readonly partition: string; readonly position: Position; readonly timestampMs: number }[];
}

const MOST_NAMED = 100;

/** What retention has removed before it was looked at. */
export interface RemovedRecords {
  readonly partition: string;
  /** `null`: that is not known. */
  readonly missing: number | null;
}

/**
 * @param otherId of the other side: what was copied from there is not late
 * @param onRemoved is called where retention has passed the bookmark. @throws `position-out-of-range` there without it
 */
export async function lateRecords(
  side: OpenSide,
  since: Bookmark,
  otherId: string,
  signal: AbortSignal,
  onRemoved?: (removed: RemovedRecords) => void,
): Promise<LateRecords> {
  const first: LateRecords["first"][number][] = [];
  let count = 0;
  for await (const { source, records } of readerBehind(side, since, onRemoved).batches(signal)) {
    for (const record of records) {
      if (comesFrom(otherId, record)) continue;
      const { position, timestampMs } = record;
      count += 1;
      const { provider, identity, partition } = source;
      const named = {
        partition,
        position: encodePosition({ provider, ...identity, partition, position }),
        timestampMs: Number(timestampMs),
      };
      if (first.length < MOST_NAMED) first.push(named);
    }
  }
  return { count, first };
}

/** A bookmark behind everything that is stored now. */
export async function endOf(side: OpenSide, signal: AbortSignal): Promise<Bookmark> {
  const { identity, partitions } = await resolveEnds(side, "cutover", signal);
  return encodeBookmark(side.context.provider, identity, new Map(partitions.map(({ partition, start }) => [partition, start])));
}
