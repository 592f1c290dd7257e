import type { HandledAhead, PartitionPlace } from "../driver/index.ts";
import { type StoredAhead, placeText } from "./lease-row.ts";

/**
 * What is handled ahead of a place, as far as it fits so many bytes of JSON. Where it does not fit it ends at an exception, and `upTo` is that
 * exception itself: positions are opaque, so nobody here knows the name of the one before it. It means what a lower end would mean.
 */
export function fitAhead(place: PartitionPlace, ahead: HandledAhead | null, mostBytes: number): StoredAhead | null {
  if (ahead === null || place.kind === "ended") return null;
  const of = placeText(place);
  const cut = (exceptions: number): StoredAhead => {
    const except = ahead.except.slice(0, exceptions);
    return exceptions === ahead.except.length ? { of, upTo: ahead.upTo, except } : { of, upTo: except.at(-1)!, except };
  };
  const fits = (exceptions: number): boolean => Buffer.byteLength(JSON.stringify(cut(exceptions))) <= mostBytes;
  let most = ahead.except.length;
  if (fits(most)) return cut(most);
  let least = 0;
  while (most - least > 1) {
    const middle = (least + most) >>> 1;
    if (fits(middle)) least = middle;
    else most = middle;
  }
  // Without an exception that fits, no end is known.
  return least < 1 ? null : cut(least);
}

/** What a row says about its own place. */
export function aheadOf(place: PartitionPlace, stored: StoredAhead | null): HandledAhead | null {
  return stored === null || stored.of !== placeText(place) ? null : { upTo: stored.upTo, except: stored.except };
}
