import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import { MalformedAmqp } from "../wire/amqp-reader.ts";
import { type MessageSections, type RawEntry, NULL, entriesOf, splitMessage, valueOf } from "../wire/message-sections.ts";

export const PARTITION_KEY = "x-opt-partition-key";

/** An event as a client sent it, before it has a place in a partition. */
export interface IncomingEvent {
  readonly sections: MessageSections;
  readonly annotations: readonly RawEntry[];
  /** Its own one, else that of the batch. */
  readonly partitionKey: string | null;
}

/** The message format of a batch: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide */
const BATCH_FORMAT = 0x80013700;

/**
 * The events of one transfer: one of a plain message, or all of a batch, whose data sections are messages.
 * @throws AmqpRefusal
 */
export function incomingEvents(transferred: Buffer, format: number): readonly IncomingEvent[] {
  // The events are kept as they came: a small payload must not keep all that was read from the connection with it.
  const payload = transferred.length * 2 < transferred.buffer.byteLength ? Buffer.from(transferred) : transferred;
  try {
    return format === BATCH_FORMAT ? eventsOfBatch(payload) : [incomingEvent(splitMessage(payload), null)];
  } catch (error) {
    if (!(error instanceof MalformedAmqp)) throw error;
    throw new AmqpRefusal(Condition.decodeError, `The message could not be decoded: ${error.message}`);
  }
}

function eventsOfBatch(payload: Buffer): readonly IncomingEvent[] {
  const { messageAnnotations, data } = splitMessage(payload);
  if (data === null) throw new AmqpRefusal(Condition.notAllowed, "A batch needs data sections, each with one message");
  const key = partitionKeyOf(entriesOf(messageAnnotations));
  return data.map(({ source, start, end }) => incomingEvent(splitMessage(source, start, end), key));
}

function incomingEvent(sections: MessageSections, keyOfBatch: string | null): IncomingEvent {
  const annotations = entriesOf(sections.messageAnnotations);
  return { sections, annotations, partitionKey: partitionKeyOf(annotations) ?? keyOfBatch };
}

function partitionKeyOf(annotations: readonly RawEntry[]): string | null {
  const entry = annotations.find(({ name }) => name === PARTITION_KEY);
  if (entry === undefined) return null;
  const key = valueOf(entry.value);
  if (typeof key === "string") return key;
  // Python also sends bytes.
  return Buffer.isBuffer(key) ? key.toString("utf8") : null;
}

/** A body without any byte: the payload of a tombstone. */
export function hasNullPayload(sections: MessageSections): boolean {
  if (sections.hasSequence) return false;
  const { value } = sections;
  return value === undefined ? !sections.hasData : value[0] === NULL;
}
