import { type Assignment, StreamError } from "../driver/index.ts";

export function ownershipLost({ partition, identity: { topic } }: Assignment): StreamError {
  return new StreamError("ownership-lost", `partition ${JSON.stringify(partition)} belongs to another member, or to none`, {
    topic,
    partition,
  });
}

/** The lease was not renewed in time, and nobody is known to have taken it. */
export function ownershipUncertain({ partition, identity: { topic } }: Assignment): StreamError {
  const text = `the lease of partition ${JSON.stringify(partition)} was not renewed in time: another member may own it; the partition is acquired again`;
  return new StreamError("unavailable", text, { topic, partition });
}

export function groupDeleted(topic: string): StreamError {
  return new StreamError("not-found", "the group was deleted while this member was running", { topic });
}
