import type { Assignment, Sink } from "../../../src/driver/index.ts";
import type { FetchHandler } from "../fetch/fetch-cursor.ts";
import { toOffset, toPosition } from "../records.ts";

/** What is fetched for an assignment goes into the sink; the sink never has enough. */
export function sinkHandler(sink: Sink, assignment: Assignment): FetchHandler {
  return {
    async deliver(records) {
      await sink.deliver(assignment, records);
      return true;
    },
    async unreadable(range) {
      await sink.unreadable(assignment, range);
      return true;
    },
    advanced(through) {
      sink.advanced(assignment, through);
      return true;
    },
    caughtUp() {
      sink.caughtUp(assignment);
      return true;
    },
    async gap(gap) {
      try {
        await sink.gap(assignment, gap);
      } catch {
        // The sink knows the reason, since it gave it: here it only says to stop.
        return false;
      }
      sink.advanced(assignment, toPosition(toOffset(gap.resumesAt) - 1n));
      return true;
    },
  };
}
