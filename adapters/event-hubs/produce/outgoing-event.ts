import type { EventDataBatch } from "@azure/event-hubs";
import type { OutgoingRecord } from "../../../src/driver/index.ts";
import { LOST_NAME, STAND_IN_NAME, TOMBSTONE_PROPERTY } from "../records.ts";

type AnnotatedEvent = Extract<Parameters<EventDataBatch["tryAdd"]>[0], { bodyType?: unknown }>;

const NO_BYTES = Buffer.alloc(0);

/**
 * A message as an event. Its key is the annotation that the service itself would set, so that other readers and compaction see it although the event is
 * sent to a partition.
 */
export function outgoingEvent({ key, value, headers }: OutgoingRecord): AnnotatedEvent {
  const properties: Record<string, string> = {};
  for (const [name, text] of headers) properties[name === LOST_NAME ? STAND_IN_NAME : name] = bufferOf(text ?? NO_BYTES).toString("utf8");
  if (value === null) properties[TOMBSTONE_PROPERTY] = "1";
  return {
    body: bufferOf(value ?? NO_BYTES),
    bodyType: "data",
    ...(key === null ? {} : { messageAnnotations: { "x-opt-partition-key": bufferOf(key).toString("utf8") } }),
    ...(Object.keys(properties).length === 0 ? {} : { applicationProperties: properties }),
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
