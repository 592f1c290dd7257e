import type { Assignment, Sink } from "../../../src/driver/index.ts";
import type { FetchHandler } from "../fetch/fetch-cursor.ts";
import { toPosition } from "../records.ts";

/** Passes fetched records of one assignment to the sink. The sink always wants more. */
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
    async gap({ resumesAt, missing }) {
      try {
        await sink.gap(assignment, { resumesAt: { kind: "at", position: toPosition(resumesAt) }, missing });
      } catch {
        // The sink rejected the gap and has reported the reason itself. The fetcher only has to stop.
        return false;
      }
      sink.advanced(assignment, toPosition(resumesAt - 1n));
      return true;
    },
  };
}
