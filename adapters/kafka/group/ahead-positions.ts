import type { HandledAhead } from "../../../src/driver/index.ts";
import type { EpochEnd } from "../fetch/read-epochs.ts";
import { distanceOf, positionAt } from "../records.ts";
import type { AheadOffsets } from "./commit-metadata.ts";
import { distancesWithin } from "./handled-distances.ts";

/** What is handled after a committed offset, by positions. */
export function aheadPositions(offset: bigint, { upTo, except }: AheadOffsets): HandledAhead {
  return { upTo: positionAt(offset, upTo), except: except.map((distance) => positionAt(offset, distance)) };
}

/**
 * What is handled after a committed offset, by distances from it. `upTo` may be the last of the exceptions. Offsets can be counted down, so what is stored
 * ends at the last handled one before it.
 * @param epochs in which the log is stored there; none: not known, and nothing can be stored, because it could not be compared when it is read again
 */
export function aheadOffsets({ upTo, except }: HandledAhead, offset: bigint, epochs: readonly EpochEnd[]): AheadOffsets | null {
  const last = distanceOf(upTo, offset);
  if (last < 0 || epochs.length === 0) return null;
  const distances = except.map((position) => distanceOf(position, offset)).filter((distance) => distance >= 0);
  const handled = distancesWithin({ upTo: last, except: distances }, last + 1);
  return handled === null ? null : { ...handled, epochs };
}
