import { channel } from "node:diagnostics_channel";
import type { DeliverEvent } from "../../diagnostics/channels.ts";
import type { CaseContext } from "../case-context.ts";
import type { CaseTopic } from "../case-topic.ts";

const ARRIVED = "streamport:deliver";

/**
 * Runs `work` and counts the messages that arrive at readers of the topic meanwhile, handed out or not.
 * @param work receives the number of arrived messages by partition
 */
export async function countingArrivals(
  context: CaseContext,
  topic: CaseTopic,
  work: (arrived: ReadonlyMap<string, number>) => Promise<void>,
): Promise<void> {
  const arrived = new Map<string, number>();
  const listen = (event: unknown): void => {
    const { topic: name, group, partition, messages } = event as DeliverEvent;
    if (name !== topic.name || group !== null) return;
    arrived.set(partition, (arrived.get(partition) ?? 0) + messages);
    context.deadline.notify();
  };
  channel(ARRIVED).subscribe(listen);
  try {
    await work(arrived);
  } finally {
    channel(ARRIVED).unsubscribe(listen);
  }
}
