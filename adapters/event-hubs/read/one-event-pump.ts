import type { EventPosition } from "@azure/event-hubs";
import type { HubClients } from "../client/hub-clients.ts";
import { EventPump } from "./event-pump.ts";

export interface OneEventRequest {
  readonly topic: string;
  /** The consumer group. */
  readonly group: string;
  readonly partition: string;
  readonly start: EventPosition;
  readonly idleMs: number;
}

/** A link beside others that takes one event at a time: to look what is at a place. */
export async function oneEventPump(
  clients: HubClients,
  { topic, group, partition, start, idleMs }: OneEventRequest,
  signal: AbortSignal,
): Promise<EventPump> {
  const consumer = await clients.consumer(topic, group, partition, signal);
  return new EventPump(consumer, { partition, start, ownerLevel: null, idleMs, most: 1, tellsEnd: false });
}
