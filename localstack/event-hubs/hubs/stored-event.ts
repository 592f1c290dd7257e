import { AmqpWriter, DESCRIPTOR_BYTES, FIXED_BYTES, MAP_HEAD_BYTES, amqp, stringLength } from "../wire/amqp-writer.ts";
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
/** What each event gets, but for its offset. */
const PLACE_BYTES = SEQUENCE_NUMBER_KEY.length + FIXED_BYTES + OFFSET_KEY.length + ENQUEUED_TIME_KEY.length + FIXED_BYTES;

/** Into one buffer that is as large as needed: this is done for each event, and is most of what a publish costs. */
export function storedEvent(event: IncomingEvent, place: EventPlace): StoredEvent {
  const { sections, annotations, partitionKey } = event;
  const { sequenceNumber, offset, enqueuedMs } = place;
  const others: Buffer[] = [];
  for (const { name, key, value } of annotations) if (!OWN.has(name)) others.push(key, value);
  const items = others.length + (partitionKey === null ? 6 : 8);
  let content = PLACE_BYTES + stringLength(offset);
  for (const { length } of others) content += length;
  if (partitionKey !== null) content += PARTITION_KEY_KEY.length + stringLength(partitionKey);
  const { header, rest } = sections;
  const writer = new AmqpWriter(header.length + DESCRIPTOR_BYTES + MAP_HEAD_BYTES + content + rest.length);
  writer.bytes(header);
  writer.descriptor(Section.messageAnnotations);
  writer.mapHead(content, items);
  for (const item of others) writer.bytes(item);
  writer.bytes(SEQUENCE_NUMBER_KEY);
  writer.long(sequenceNumber);
  writer.bytes(OFFSET_KEY);
  writer.string(offset);
  writer.bytes(ENQUEUED_TIME_KEY);
  writer.timestamp(enqueuedMs);
  if (partitionKey !== null) {
    writer.bytes(PARTITION_KEY_KEY);
    writer.string(partitionKey);
  }
  writer.bytes(rest);
  return {
    sequenceNumber,
    offset,
    enqueuedMs,
    partitionKey,
    isTombstone: hasNullPayload(sections),
    bytes: writer.target,
    headerLength: header.length,
  };
}

/** The message with what a reader is told about the end of its partition. */
export function withDeliveryAnnotations({ bytes, headerLength }: StoredEvent, annotations: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, headerLength), annotations, bytes.subarray(headerLength)]);
}
