import type { Receiver } from "rhea";
import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import type { Hub } from "../hubs/hub.ts";
import type { IncomingEvent } from "../hubs/incoming-event.ts";
import type { PartitionLog } from "../hubs/partition-log.ts";
import type { ProducerState } from "../hubs/producer-sequences.ts";
import type { AmqpLibrary } from "../library.ts";
import { valueOf } from "../wire/message-sections.ts";

/** The producer of a link that asked for idempotent publishing. */
export interface IdempotentProducer {
  readonly state: ProducerState;
}

export const IDEMPOTENT_CAPABILITY = "com.microsoft:idempotent-producer";
const EPOCH = "com.microsoft:producer-epoch";
const ID = "com.microsoft:producer-id";
const SEQUENCE_NUMBER = "com.microsoft:producer-sequence-number";

/** Agrees with a link on who its producer is; the answer is in the properties of the link. @throws AmqpRefusal */
export function attachProducer({ types }: AmqpLibrary, hub: Hub, partition: PartitionLog | null, receiver: Receiver): IdempotentProducer {
  if (partition === null) throw new AmqpRefusal(Condition.argument, "An idempotent producer has to name a partition.");
  const proposed = (receiver.properties ?? {}) as Readonly<Record<string, unknown>>;
  const state = hub.producers.attach(partition.id, {
    id: proposed[ID] === null || proposed[ID] === undefined ? null : BigInt(proposed[ID] as number),
    epoch: numberOf(proposed[EPOCH]),
    sequenceNumber: numberOf(proposed[SEQUENCE_NUMBER]),
  });
  const { attach } = (receiver as unknown as { readonly local: { readonly attach: { properties: unknown } } }).local;
  attach.properties = {
    [EPOCH]: types.wrap_short(state.epoch),
    [ID]: types.wrap_long(Number(state.id)),
    [SEQUENCE_NUMBER]: types.wrap_int(state.sequenceNumber),
  };
  return { state };
}

/** What the events say of their producer. @throws AmqpRefusal if one says nothing */
export function sequencesOf(events: readonly IncomingEvent[]): { readonly epoch: number; readonly numbers: readonly number[] } {
  const read = ({ annotations }: IncomingEvent, wanted: string): number => {
    const entry = annotations.find(({ name }) => name === wanted);
    const number = entry === undefined ? null : numberOf(valueOf(entry.value));
    if (number === null) throw new AmqpRefusal(Condition.argument, `An event of an idempotent producer needs the annotation ${wanted}.`);
    return number;
  };
  return { epoch: read(events[0]!, EPOCH), numbers: events.map((event) => read(event, SEQUENCE_NUMBER)) };
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : null;
}
