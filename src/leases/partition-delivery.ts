import type { ChildPartition, Sink } from "../driver/index.ts";
import { followPartition } from "../adapter-kit/follow-partition.ts";
import { groupHandler } from "../adapter-kit/partition-handler.ts";
import type { PartitionCursor } from "../adapter-kit/partition-source.ts";
import type { Lease } from "./lease.ts";

/** How the delivery of a partition has ended. */
export type DeliveryEnd =
  /** The lease is handed over, or over. */
  | { readonly kind: "stopped" }
  /** Too much time has passed, or another client has taken the partition. */
  | { readonly kind: "lost" }
  | { readonly kind: "ended"; readonly children: readonly ChildPartition[] };

const STOPPED: DeliveryEnd = { kind: "stopped" };
const LOST: DeliveryEnd = { kind: "lost" };

/**
 * Passes what a cursor finds on to the sink, as long as the lease is current. That is asked before each delivery, and so also when the process was
 * stopped between a fetch and its answer.
 * @throws an error that ends the reading
 */
export async function deliverPartition(lease: Lease, cursor: PartitionCursor, sink: Sink): Promise<DeliveryEnd> {
  const { assignment, delivering } = lease;
  const handler = groupHandler(sink, assignment, delivering);
  let end: DeliveryEnd = STOPPED;
  const isCurrent = (): boolean => {
    if (lease.isCurrent) return true;
    end = LOST;
    return false;
  };
  const followed = await followPartition(
    cursor,
    {
      async deliver(records) {
        if (!isCurrent()) return false;
        lease.delivered(records.at(-1)!.position);
        return handler.deliver(records);
      },
      async unreadable(range) {
        if (!isCurrent()) return false;
        lease.delivered(range.last);
        return handler.unreadable(range);
      },
      advanced(through) {
        if (!isCurrent()) return false;
        lease.delivered(through);
        return handler.advanced(through);
      },
      caughtUp(emptyUntilMs) {
        if (!isCurrent()) return false;
        lease.caughtUp(emptyUntilMs);
        return handler.caughtUp(emptyUntilMs);
      },
      gap: async (gap) => isCurrent() && handler.gap(gap),
      ended(children) {
        if (isCurrent()) end = { kind: "ended", children };
      },
    },
    delivering,
  );
  return followed === "taken" ? LOST : end;
}
