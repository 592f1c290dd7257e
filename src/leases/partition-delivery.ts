import type { ChildPartition, Sink } from "../driver/index.ts";
import type { PartitionCursor } from "../adapter-kit/partition-source.ts";
import { abortable } from "../abortable.ts";
import type { Lease } from "./lease.ts";

/** How the delivery of a partition has ended. */
export type DeliveryEnd =
  /** The lease is handed over, or over. */
  | { readonly kind: "stopped" }
  /** Too much time has passed, or another client has taken the partition. */
  | { readonly kind: "lost" }
  | { readonly kind: "ended"; readonly children: readonly ChildPartition[] };

const STOPPED: DeliveryEnd = { kind: "stopped" };

/**
 * Passes what a cursor finds on to the sink, as long as the lease is current. That is asked before each delivery, and so also when the process was
 * stopped between a fetch and its answer.
 * @throws an error that ends the reading
 */
export async function deliverPartition(lease: Lease, cursor: PartitionCursor, sink: Sink): Promise<DeliveryEnd> {
  const { assignment, delivering } = lease;
  try {
    for (;;) {
      const found = await cursor.fetch(delivering);
      if (delivering.aborted) return STOPPED;
      if (!lease.isCurrent || found.kind === "taken") return { kind: "lost" };
      switch (found.kind) {
        case "records":
          lease.delivered(found.records.at(-1)!.position);
          await abortable(sink.deliver(assignment, found.records), delivering);
          break;
        case "unreadable":
          lease.delivered(found.range.last);
          await abortable(sink.unreadable(assignment, found.range), delivering);
          break;
        case "advanced":
          lease.delivered(found.through);
          sink.advanced(assignment, found.through);
          break;
        case "caught-up":
          lease.caughtUp(found.emptyUntilMs);
          sink.caughtUp(assignment);
          break;
        case "gap":
          if (!(await accepts(abortable(sink.gap(assignment, found.gap), delivering)))) return STOPPED;
          break;
        case "ended":
          return found;
      }
    }
  } catch (error) {
    if (delivering.aborted) return STOPPED;
    throw error;
  } finally {
    await cursor.close();
  }
}

/** The core knows why it does not accept a gap: it ends the consumer by itself. */
async function accepts(answer: Promise<void>): Promise<boolean> {
  return answer.then(
    () => true,
    () => false,
  );
}
