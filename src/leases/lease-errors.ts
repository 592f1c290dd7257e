import { StreamError } from "../driver/index.ts";

export function ownershipLost(topic: string, partition: string): StreamError {
  return new StreamError("ownership-lost", `partition ${JSON.stringify(partition)} belongs to another member, or to none`, {
    topic,
    partition,
  });
}

export function groupDeleted(topic: string): StreamError {
  return new StreamError("not-found", "the group was deleted while this member was running", { topic });
}
