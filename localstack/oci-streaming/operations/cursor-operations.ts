import { damagedData } from "../../faults/damaged-data.ts";
import { type Call, type CallSubject, type Operation, jsonAnswer } from "../server/call.ts";
import { JsonBody } from "../server/json-body.ts";
import { ServiceError, invalidParameter, missingParameter } from "../server/service-error.ts";
import type { CursorPlace } from "../streams/cursors.ts";
import type { PartitionLog, StoredMessage } from "../streams/partition-log.ts";
import type { Stream } from "../streams/stream.ts";
import { commitPlaces } from "./group-operations.ts";
import { startOfCursor, timeOfCursor } from "./start-of-cursor.ts";
import { bodyIfAny, streamSubject, timeText } from "./stream-answers.ts";

const MOST_LIMIT = 10_000;

export const createCursor: Operation = {
  name: "CreateCursor",
  endpoint: "messages",
  method: "POST",
  path: "/20180418/streams/{streamId}/cursors",
  subjectOf: (call) => streamSubject(call, partitionInBody(call)),
  carryOut: ({ service, path, body: bytes }) => {
    const stream = service.streams.usable(path["streamId"]!);
    const body = JsonBody.parse(bytes);
    const [partition, type] = [body.text("partition"), body.text("type")];
    if (partition === null) throw missingParameter("partition");
    if (type === null) throw missingParameter("type");
    const log = stream.partition(partition);
    if (log === null) throw invalidParameter(`The stream has no partition ${partition}`);
    const places = new Map([[partition, startOfCursor(log, type, body)]]);
    return jsonAnswer({ value: service.cursors.create({ streamId: stream.id, places, group: null, fromMs: timeOfCursor(type, body) }) });
  },
};

function partitionInBody(call: Call): readonly string[] | null {
  try {
    const partition = bodyIfAny(call)?.text("partition") ?? null;
    return partition === null ? null : [partition];
  } catch {
    return null;
  }
}

/** At most one partition is in an answer, also for a group. It may be shorter than `limit`; only where nothing is left it is empty. */
export const getMessages: Operation = {
  name: "GetMessages",
  endpoint: "messages",
  method: "GET",
  path: "/20180418/streams/{streamId}/messages",
  subjectOf: (call): CallSubject => {
    const cursor = call.query.get("cursor");
    const place = cursor === null ? null : call.service.cursors.peek(cursor);
    return { ...streamSubject(call, place === null ? null : [...place.places.keys()]), hasGroup: (place?.group ?? null) !== null };
  },
  carryOut: ({ service, path, query }) => {
    const stream = service.streams.usable(path["streamId"]!);
    const cursor = query.get("cursor");
    if (cursor === null) throw missingParameter("cursor");
    const place = service.cursors.read(cursor, stream.id);
    const limit = query.integer("limit", 1, MOST_LIMIT) ?? MOST_LIMIT;
    const { pageMessages, pageBytes } = service.settings;
    const { log, messages } = readNext(stream, place, Math.min(limit, pageMessages), pageBytes);
    if (place.group?.commitOnGet === true) commitPlaces(service, stream, place);
    const places = new Map(place.places);
    // What was read last comes last the next time.
    places.delete(log.name);
    places.set(log.name, messages.length === 0 ? place.places.get(log.name)! : messages.at(-1)!.offset + 1n);
    const next = service.cursors.create({ ...place, places });
    return { status: 200, headers: { "opc-next-cursor": next }, body: messagesText(stream, log, messages) };
  },
};

interface ReadMessages {
  readonly log: PartitionLog;
  readonly messages: readonly StoredMessage[];
}

/** Of a cursor of a group the first partition that has something. */
function readNext(stream: Stream, { places, group, fromMs }: CursorPlace, most: number, mostBytes: number): ReadMessages {
  let read: ReadMessages | null = null;
  for (const [partition, offset] of places) {
    const log = stream.partition(partition)!;
    if (log.lastExpiredOffset !== null && offset <= log.lastExpiredOffset) {
      throw invalidParameter("The cursor is outside the retention period and is now invalid.");
    }
    const from = fromMs === null ? offset : max(offset, log.offsetAt(fromMs));
    read = { log, messages: log.read(from, most, mostBytes) };
    if (read.messages.length > 0) break;
  }
  const waitMs = stream.readBudget(read!.log.name, group?.name ?? null).take(1);
  if (waitMs === 0) return read!;
  const hint = `next request can be made in ${waitMs} ms`;
  throw new ServiceError(429, "TooManyRequests", `Request was throttled because requests limit exhausted, ${hint}`);
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** Offsets are written in full: no number of JavaScript holds them all. */
function messagesText(stream: Stream, log: PartitionLog, messages: readonly StoredMessage[]): string {
  const head = `{"stream":${JSON.stringify(stream.name)},"partition":"${log.name}","key":`;
  const texts = messages.map((message) => {
    const { key, offset, timestampMs } = message;
    const keyText = key === null ? "null" : `"${key}"`;
    const value = log.isDamagedNow(message) ? damagedData(message.value) : message.value;
    return `${head}${keyText},"value":"${value}","offset":${offset},"timestamp":"${timeText(timestampMs)}"}`;
  });
  return `[${texts.join(",")}]`;
}
