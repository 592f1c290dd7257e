import { abortable } from "../abortable.ts";
import type { PartitionHandler } from "./partition-handler.ts";
import type { Fetched, PartitionCursor } from "./partition-source.ts";

/**
 * How the reading of a partition has ended.
 * - `stopped`: the handler wants no more, or the signal has aborted.
 * - `ended`: the shard is finished, and the handler knows.
 * - `taken`: another client has taken the partition.
 */
export type FollowEnd = "stopped" | "ended" | "taken";

/**
 * Reads one partition, and passes on what it finds, in order: one portion is fetched ahead while the one before is delivered, never more. Ends
 * as soon as the signal aborts, without waiting for the handler, and closes the cursor in every case.
 * @param fetchesAhead `false` where a fetch takes records from other members (a lease of each record)
 * @throws an error of the cursor or of the handler, when everything before it has been delivered
 */
export async function followPartition(
  cursor: PartitionCursor,
  handler: PartitionHandler,
  signal: AbortSignal,
  fetchesAhead = true,
): Promise<FollowEnd> {
  // Each fetch listens several times to this signal: one that `AbortSignal.any` makes would look up the others each time.
  const stop = new AbortController();
  const over = stop.signal;
  const abort = (): void => stop.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  let next: Promise<Fetched> | null = null;
  try {
    while (!over.aborted) {
      const found: Fetched = await (next ?? cursor.fetch(over));
      next = null;
      if (over.aborted) return "stopped";
      if (found.kind === "taken") return "taken";
      if (fetchesAhead && (found.kind === "records" || found.kind === "unreadable")) next = fetchAhead(cursor, over);
      const passing = passOn(found, handler);
      const isWanted = typeof passing === "boolean" ? passing : await abortable(passing, over);
      if (!isWanted) return "stopped";
      if (found.kind === "ended") return "ended";
    }
    return "stopped";
  } catch (error) {
    if (signal.aborted) return "stopped";
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    stop.abort();
    await next?.catch(() => undefined);
    await cursor.close();
  }
}

/** Its failure is looked at when it is its turn. */
function fetchAhead(cursor: PartitionCursor, signal: AbortSignal): Promise<Fetched> {
  const fetching = cursor.fetch(signal);
  fetching.catch(() => undefined);
  return fetching;
}

function passOn(found: Exclude<Fetched, { kind: "taken" }>, handler: PartitionHandler): Promise<boolean> | boolean {
  switch (found.kind) {
    case "records":
      return handler.deliver(found.records);
    case "unreadable":
      return handler.unreadable(found.range);
    case "gap":
      return handler.gap(found.gap);
    case "advanced":
      return handler.advanced(found.through);
    case "caught-up":
      return handler.caughtUp(found.emptyUntilMs);
    case "ended":
      handler.ended(found.children);
      return true;
  }
}
