import type { Lane } from "./lane.ts";
import type { SliceFollowUp } from "./settle-slice.ts";

/**
 * One message of an atomic slice can make the provider refuse all of it. Halves what the lane may send at once until the
 * culprit is alone, and doubles it again while the rest of that slice goes through.
 */
export function isolateCulprit(lane: Lane, sentMessages: number, followUp: SliceFollowUp): void {
  if (followUp.split) {
    lane.splitLeft = Math.max(lane.splitLeft, sentMessages);
    lane.splitLimit = Math.max(1, sentMessages >> 1);
  } else if (lane.splitLeft > 0 && followUp.retry === null) {
    lane.splitLeft -= sentMessages;
    if (lane.splitLeft <= 0) lane.splitLimit = Infinity;
    else if (followUp.failures.length === 0) lane.splitLimit *= 2;
  }
}
