import { amqp } from "../wire/amqp-writer.ts";
import { Section } from "../wire/message-sections.ts";
import { type IncomingEvent, PARTITION_KEY, hasNullPayload } from "./incoming-event.ts";

/** An event in a partition. Its bytes are those that were sent, with the annotations of the service. */
export interface StoredEvent {
  readonly sequenceNumber: number;
  /** Opaque to clients. */
  readonly offset: string;
  readonly enqueuedMs: number;
  readonly partitionKey: string | null;
  readonly isTombstone: boolean;
  /** The message as readers get it. */
  readonly bytes: Buffer;
  /** Where the delivery annotations of a reader go: behind the header. */
  readonly headerLength: number;
}

/** What the service says of an event, in the order of its annotations. */
export interface EventPlace {
  readonly sequenceNumber: number;
  readonly offset: string;
  readonly enqueuedMs: number;
}

const SEQUENCE_NUMBER = "x-opt-sequence-number";
const OFFSET = "x-opt-offset";
const ENQUEUED_TIME = "x-opt-enqueued-time";
const OWN: ReadonlySet<unknown> = new Set([SEQUENCE_NUMBER, OFFSET, ENQUEUED_TIME, PARTITION_KEY]);

const SEQUENCE_NUMBER_KEY = amqp.symbol(SEQUENCE_NUMBER);
const OFFSET_KEY = amqp.symbol(OFFSET);
const ENQUEUED_TIME_KEY = amqp.symbol(ENQUEUED_TIME);
const PARTITION_KEY_KEY = amqp.symbol(PARTITION_KEY);

export function storedEvent(event: IncomingEvent, place: EventPlace): StoredEvent {
  const { sections, annotations, partitionKey } = event;
  const { sequenceNumber, offset, enqueuedMs } = place;
  const entries: Buffer[] = [];
  for (const { name, key, value } of annotations) if (!OWN.has(name)) entries.push(key, value);
  entries.push(SEQUENCE_NUMBER_KEY, amqp.long(sequenceNumber), OFFSET_KEY, amqp.string(offset));
  entries.push(ENQUEUED_TIME_KEY, amqp.timestamp(enqueuedMs));
  if (partitionKey !== null) entries.push(PARTITION_KEY_KEY, amqp.string(partitionKey));
  const own = amqp.described(Section.messageAnnotations, amqp.map(entries));
  return {
    sequenceNumber,
    offset,
    enqueuedMs,
    partitionKey,
    isTombstone: hasNullPayload(sections),
    bytes: Buffer.concat([sections.header, own, sections.rest]),
    headerLength: sections.header.length,
  };
}

/** The message with what a reader is told about the end of its partition. */
export function withDeliveryAnnotations({ bytes, headerLength }: StoredEvent, annotations: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, headerLength), annotations, bytes.subarray(headerLength)]);
}
