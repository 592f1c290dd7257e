import type { HandledAhead, PartitionPlace } from "../driver/index.ts";
import { aheadText } from "./ahead-text.ts";
import { type StoredAhead, placeText } from "./lease-row.ts";

/** What is known of a row beside what is to be stored. */
export interface FormerAhead {
  /** What the row says now. */
  readonly stored: StoredAhead | null;
  readonly compare: (a: string, b: string) => number;
}

/**
 * What is handled ahead of a place, as far as its text fits so many bytes. Where it does not fit it ends at an exception, and `upTo` is that
 * exception itself: positions are opaque, so nobody here knows the name of the one before it. It means what a lower end would mean. The end of what is
 * stored already is such a name: what a row has named once it goes on naming, as long as that fits.
 */
export function fitAhead(
  place: PartitionPlace,
  ahead: HandledAhead | null,
  mostBytes: number,
  { stored, compare }: FormerAhead,
): StoredAhead | null {
  if (ahead === null || place.kind === "ended") return null;
  const of = placeText(place);
  const end = stored?.upTo ?? "";
  // Fewer exceptions may be packed to a text that is some bytes longer. A new end leaves room for that, so that it can be kept.
  const roomBytes = mostBytes - (mostBytes >>> 5);
  const fits = (cut: StoredAhead): boolean => Buffer.byteLength(aheadText(cut)) <= (cut.upTo === end ? mostBytes : roomBytes);
  const whole = { of, ...ahead };
  if (fits(whole)) return whole;
  const cutAfter = (exceptions: number): StoredAhead => {
    const except = ahead.except.slice(0, exceptions);
    return { of, upTo: except.at(-1)!, except };
  };
  let least = 0;
  // Packing thousands of positions takes milliseconds: there, all but a few of what fits is enough.
  for (let most = ahead.except.length; most - least > 1 + (least >>> 6);) {
    const middle = (least + most) >>> 1;
    if (fits(cutAfter(middle))) least = middle;
    else most = middle;
  }
  // Without an exception that fits, no end is known.
  const cut = least < 1 ? null : cutAfter(least);
  if (stored === null || !isBetween(end, cut?.upTo ?? ahead.except[0]!, ahead.upTo, compare)) return cut;
  const former = { of, upTo: end, except: ahead.except.filter((position) => compare(position, end) <= 0) };
  return fits(former) ? former : cut;
}

function isBetween(position: string, first: string, last: string, compare: FormerAhead["compare"]): boolean {
  try {
    return compare(position, first) > 0 && compare(position, last) < 0;
  } catch {
    // Another client has stored a text that is no position.
    return false;
  }
}

/** What a row says about its own place. */
export function aheadOf(place: PartitionPlace, stored: StoredAhead | null): HandledAhead | null {
  return stored === null || stored.of !== placeText(place) ? null : { upTo: stored.upTo, except: stored.except };
}
