import { channel } from "node:diagnostics_channel";
import type { OwnershipEvent } from "../../diagnostics/channels.ts";
import type { CaseTopic } from "../case-topic.ts";

const REVOKED = "streamport:revoke";

/**
 * Runs `work` and counts how often members of groups on the topic lose each partition without notice meanwhile. Only then may a
 * message that was handled be redelivered: what is handed over with notice is settled first.
 * @param work receives the number of losses by partition
 */
export async function countingLosses(topic: CaseTopic, work: (losses: ReadonlyMap<string, number>) => Promise<void>): Promise<void> {
  const losses = new Map<string, number>();
  const listen = (event: unknown): void => {
    const { topic: name, partition, lost } = event as OwnershipEvent;
    if (name === topic.name && lost) losses.set(partition, (losses.get(partition) ?? 0) + 1);
  };
  channel(REVOKED).subscribe(listen);
  try {
    await work(losses);
  } finally {
    channel(REVOKED).unsubscribe(listen);
  }
}
