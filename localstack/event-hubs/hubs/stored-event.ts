import { AmqpWriter, DESCRIPTOR_BYTES, FIXED_BYTES, MAP_HEAD_BYTES, amqp, stringLength } from "../wire/amqp-writer.ts";
import { Section } from "../wire/message-sections.ts";
import { type IncomingEvent, PARTITION_KEY, hasNullPayload } from "./incoming-event.ts";

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

/**
 * An event in a partition. What was sent is kept as it came, and put together with the annotations of the service for each reader: a copy for each event
 * was most of what a publish cost.
 */
export class StoredEvent {
  readonly sequenceNumber: number;
  /** Opaque to clients. */
  readonly offset: string;
  readonly enqueuedMs: number;
  readonly partitionKey: string | null;
  readonly isTombstone: boolean;
  /** Of the message as readers get it. */
  readonly length: number;
  /** Of the header and of the rest, as `ByteRange` has them: most of what is kept is one object for each event. */
  readonly #headerSource: Buffer;
  readonly #headerStart: number;
  readonly #headerEnd: number;
  readonly #restSource: Buffer;
  readonly #restStart: number;
  readonly #restEnd: number;
  /** Keys and values of annotations that are not the service's. */
  readonly #others: readonly Buffer[];
  readonly #annotationsLength: number;

  constructor({ sections, annotations, partitionKey }: IncomingEvent, { sequenceNumber, offset, enqueuedMs }: EventPlace) {
    this.sequenceNumber = sequenceNumber;
    this.offset = offset;
    this.enqueuedMs = enqueuedMs;
    this.partitionKey = partitionKey;
    this.isTombstone = hasNullPayload(sections);
    const { header, rest } = sections;
    [this.#headerSource, this.#headerStart, this.#headerEnd] = [header.source, header.start, header.end];
    [this.#restSource, this.#restStart, this.#restEnd] = [rest.source, rest.start, rest.end];
    this.#others = othersOf(annotations);
    let length = PLACE_BYTES + stringLength(offset);
    for (const other of this.#others) length += other.length;
    if (partitionKey !== null) length += PARTITION_KEY_KEY.length + stringLength(partitionKey);
    this.#annotationsLength = length;
    this.length = this.headerLength + DESCRIPTOR_BYTES + MAP_HEAD_BYTES + length + (rest.end - rest.start);
  }

  /** Where the delivery annotations of a reader go: behind the header. */
  get headerLength(): number {
    return this.#headerEnd - this.#headerStart;
  }

  /** The message as readers get it, in a new buffer. */
  get bytes(): Buffer {
    return this.#messageWith(this.#restSource, this.#restStart, this.#restEnd);
  }

  /** The message with a data section that holds no binary, which AMQP does not have, instead of all that was sent. */
  get damagedBytes(): Buffer {
    const damaged = amqp.described(Section.data, amqp.boolean(true));
    return this.#messageWith(damaged, 0, damaged.length);
  }

  #messageWith(rest: Buffer, restStart: number, restEnd: number): Buffer {
    const writer = new AmqpWriter(this.length - (this.#restEnd - this.#restStart) + (restEnd - restStart));
    writer.range(this.#headerSource, this.#headerStart, this.#headerEnd);
    writer.descriptor(Section.messageAnnotations);
    writer.mapHead(this.#annotationsLength, this.#others.length + (this.partitionKey === null ? 6 : 8));
    for (const item of this.#others) writer.bytes(item);
    writer.bytes(SEQUENCE_NUMBER_KEY);
    writer.long(this.sequenceNumber);
    writer.bytes(OFFSET_KEY);
    writer.string(this.offset);
    writer.bytes(ENQUEUED_TIME_KEY);
    writer.timestamp(this.enqueuedMs);
    if (this.partitionKey !== null) {
      writer.bytes(PARTITION_KEY_KEY);
      writer.string(this.partitionKey);
    }
    writer.range(rest, restStart, restEnd);
    return writer.target;
  }
}

const NO_OTHERS: readonly Buffer[] = [];

function othersOf(annotations: IncomingEvent["annotations"]): readonly Buffer[] {
  const others = annotations.filter(({ name }) => !OWN.has(name));
  return others.length === 0 ? NO_OTHERS : others.flatMap(({ key, value }) => [key, value]);
}

/** The message with what a reader is told about the end of its partition. */
export function withDeliveryAnnotations(message: Buffer, { headerLength }: StoredEvent, annotations: Buffer): Buffer {
  return Buffer.concat([message.subarray(0, headerLength), annotations, message.subarray(headerLength)]);
}
