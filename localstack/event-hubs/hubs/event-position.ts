import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import { NO_OFFSET, type PartitionLog } from "./partition-log.ts";

/**
 * Where a reader begins, as the selector filter of its link says.
 * @param selector `amqp.annotation.x-opt-offset > '-1'` and the like; `null`: from the oldest event
 * @param hasGeoReplication offsets that are plain numbers are refused
 * @returns the sequence number of the first event that may be delivered
 * @throws AmqpRefusal for what lies beyond the end, and for what is no position
 */
export function firstSequenceNumber(log: PartitionLog, selector: string | null, hasGeoReplication: boolean): number {
  if (selector === null) return log.begin;
  const parts = SELECTOR.exec(selector);
  if (parts === null) throw new AmqpRefusal(Condition.argument, `The filter expression ${JSON.stringify(selector)} is not supported.`);
  const [, annotation, operator, value = ""] = parts;
  const isInclusive = operator === ">=";
  if (annotation === "offset") return ofOffset(log, value, isInclusive, hasGeoReplication);
  const number = Number(value);
  if (value.trim() === "" || !Number.isInteger(number)) {
    throw new AmqpRefusal(Condition.argument, `The value '${value}' of the filter expression is no integer.`);
  }
  if (annotation === "sequence-number") return ofSequenceNumber(log, number, isInclusive);
  const first = log.find(({ enqueuedMs }) => (isInclusive ? enqueuedMs >= number : enqueuedMs > number));
  return first?.sequenceNumber ?? log.next;
}

const SELECTOR = /^\s*amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time)\s*(>=|>)\s*'([^']*)'\s*$/;

function ofSequenceNumber(log: PartitionLog, number: number, isInclusive: boolean): number {
  const last = log.end.sequenceNumber;
  if (number > last) throw beyondTheEnd("sequence number", String(number), String(last));
  return isInclusive ? number : number + 1;
}

function ofOffset(log: PartitionLog, offset: string, isInclusive: boolean, hasGeoReplication: boolean): number {
  if (offset === NO_OFFSET) return log.begin;
  if (offset === "@latest") return log.next;
  if (hasGeoReplication && /^\d+$/.test(offset)) {
    const text = `The supplied offset '${offset}' is invalid. Offsets of a geo-replicated Event Hub are strings of another form.`;
    throw new AmqpRefusal(Condition.invalidOffset, text);
  }
  const wanted = byteOffsetOf(offset);
  const last = log.end.offset === NO_OFFSET ? -1 : byteOffsetOf(log.end.offset);
  if (Number.isNaN(wanted)) throw new AmqpRefusal(Condition.argument, `The supplied offset '${offset}' is invalid.`);
  if (wanted > last) throw beyondTheEnd("offset", offset, log.end.offset);
  const first = log.find((event) => {
    const own = byteOffsetOf(event.offset);
    return isInclusive ? own >= wanted : own > wanted;
  });
  return first?.sequenceNumber ?? log.next;
}

/** Offsets of hubs with geo-replication begin with the number of the primary region, and a colon. */
function byteOffsetOf(offset: string): number {
  const digits = /^(?:\d+:)?(\d+)$/.exec(offset)?.[1];
  return digits === undefined ? Number.NaN : Number(digits);
}

/** The text has both numbers: https://github.com/Azure/azure-sdk-for-net/issues/9213 */
function beyondTheEnd(what: string, supplied: string, last: string): AmqpRefusal {
  return new AmqpRefusal(Condition.argument, `The supplied ${what} '${supplied}' is invalid. The last ${what} in the system is '${last}'`);
}
