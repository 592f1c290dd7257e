import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import type { Hub } from "../hubs/hub.ts";
import type { PartitionLog } from "../hubs/partition-log.ts";
import type { Namespace } from "../namespace.ts";
import { amqp } from "../wire/amqp-writer.ts";
import type { RequestMessage, ResponseMessage } from "./request-message.ts";

/** The first instant of the year 1: what the service says where nothing has been enqueued. */
export const NEVER_MS = -62_135_596_800_000;

const OK = 200;
const HUB_TYPE = "com.microsoft:eventhub";
const PARTITION_TYPE = "com.microsoft:partition";
const STATUS_OF: Readonly<Record<string, number>> = {
  [Condition.notFound]: 404,
  [Condition.unauthorized]: 401,
  [Condition.serverBusy]: 503,
  [Condition.internalError]: 500,
  [Condition.notImplemented]: 501,
};

/** What a request to `$management` is about. */
export function subjectOf({ properties }: RequestMessage): { readonly hub: string; readonly partition: string | null } {
  return { hub: properties.get("name") ?? "", partition: properties.get("partition") ?? null };
}

/** Answers a request to `$management` for the properties of a hub or a partition. @throws AmqpRefusal */
export function answerPropertyRequest(namespace: Namespace, request: RequestMessage): ResponseMessage {
  const { properties } = request;
  const type = properties.get("type");
  if (properties.get("operation") !== "READ" || (type !== HUB_TYPE && type !== PARTITION_TYPE)) {
    throw new AmqpRefusal(Condition.notImplemented, "Only the properties of hubs and partitions can be read.");
  }
  const { hub: name, partition } = subjectOf(request);
  const hub = namespace.hub(name);
  if (type === HUB_TYPE) return { statusCode: OK, description: "OK", body: hubProperties(hub) };
  return { statusCode: OK, description: "OK", body: partitionProperties(hub, hub.partition(partition ?? "")) };
}

export function refusedPropertyRequest({ condition, message }: AmqpRefusal): ResponseMessage {
  return { statusCode: STATUS_OF[condition] ?? 400, description: message, condition };
}

function hubProperties({ name, createdMs, partitions, hasGeoReplication }: Hub): Buffer {
  return encoded({
    name: amqp.string(name),
    type: amqp.string(HUB_TYPE),
    created_at: amqp.timestamp(createdMs),
    partition_count: amqp.int(partitions.length),
    partition_ids: amqp.strings(partitions.map(({ id }) => id)),
    georeplication_factor: amqp.int(hasGeoReplication ? 2 : 1),
  });
}

function partitionProperties(hub: Hub, { id, begin, end, isEmpty }: PartitionLog): Buffer {
  return encoded({
    name: amqp.string(hub.name),
    type: amqp.string(PARTITION_TYPE),
    partition: amqp.string(id),
    begin_sequence_number: amqp.long(begin),
    last_enqueued_sequence_number: amqp.long(end.sequenceNumber),
    last_enqueued_offset: amqp.string(end.offset),
    last_enqueued_time_utc: amqp.timestamp(end.enqueuedMs ?? NEVER_MS),
    is_partition_empty: amqp.boolean(isEmpty),
  });
}

function encoded(fields: Readonly<Record<string, Buffer>>): Buffer {
  return amqp.map(Object.entries(fields).flatMap(([name, value]) => [amqp.string(name), value]));
}
