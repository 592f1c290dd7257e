import { randomUUID } from "node:crypto";
import { type Answer, type Call, type CallSubject, type Operation, jsonAnswer } from "../server/call.ts";
import { JsonBody } from "../server/json-body.ts";
import { ServiceError, invalidParameter, missingParameter, notAuthorizedOrNotFound } from "../server/service-error.ts";
import type { StreamingService } from "../streaming-service.ts";
import { ConsumerGroup } from "../streams/consumer-group.ts";
import type { CursorPlace } from "../streams/cursors.ts";
import type { Stream } from "../streams/stream.ts";
import { GROUP_TYPES, startOfCursor } from "./start-of-cursor.ts";
import { streamSubject, timeText } from "./stream-answers.ts";

// https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview_topic-Limits_on_Streaming_Resources.htm
const MOST_GROUPS = 50;
const DEFAULT_TIMEOUT_MS = 30_000n;
const LONGEST_TIMEOUT_MS = 86_400_000n;

function groupSubject(call: Call): CallSubject {
  return { ...streamSubject(call), hasGroup: true };
}

const createGroupCursor: Operation = {
  name: "CreateGroupCursor",
  endpoint: "messages",
  method: "POST",
  path: "/20180418/streams/{streamId}/groupCursors",
  subjectOf: groupSubject,
  carryOut: ({ service, path, body: bytes }) => {
    const stream = service.streams.usable(path["streamId"]!);
    const body = JsonBody.parse(bytes);
    const name = body.text("groupName");
    if (name === null || name === "") throw missingParameter("groupName");
    const timeoutInMs = body.integer("timeoutInMs") ?? DEFAULT_TIMEOUT_MS;
    if (timeoutInMs < 1n || timeoutInMs > LONGEST_TIMEOUT_MS) throw invalidParameter("timeoutInMs must be from 1 ms to one day");
    const group = stream.groups.get(name) ?? createGroup(stream, name, startsOf(stream, body));
    const ofCursor = {
      name,
      instance: body.text("instanceName") ?? randomUUID(),
      timeoutInMs: Number(timeoutInMs),
      commitOnGet: body.flag("commitOnGet") ?? true,
    };
    group.reserve(ofCursor.instance, service.clock.nowMs + ofCursor.timeoutInMs);
    return jsonAnswer({ value: service.cursors.create({ streamId: stream.id, places: group.starts, group: ofCursor, fromMs: null }) });
  },
};

function createGroup(stream: Stream, name: string, starts: ReadonlyMap<string, bigint>): ConsumerGroup {
  if (stream.groups.size >= MOST_GROUPS) throw new ServiceError(400, "LimitExceeded", `A stream has at most ${MOST_GROUPS} groups`);
  const group = new ConsumerGroup(name, starts);
  stream.groups.set(name, group);
  return group;
}

function startsOf(stream: Stream, body: JsonBody): ReadonlyMap<string, bigint> {
  const type = body.text("type");
  if (type === null) throw missingParameter("type");
  if (!GROUP_TYPES.includes(type)) throw invalidParameter(`type must be one of ${GROUP_TYPES.join(", ")}`);
  return new Map(stream.partitions.map(({ name }) => [name, startOfCursor(stream.partition(name)!, type, body)]));
}

/** Stores what the cursor has read. */
export function commitPlaces(service: StreamingService, stream: Stream, { places, group: ofCursor }: CursorPlace): void {
  const group = groupOf(stream, ofCursor!.name);
  group.commit(places);
  group.reserve(ofCursor!.instance, service.clock.nowMs + ofCursor!.timeoutInMs);
}

function groupOf(stream: Stream, name: string): ConsumerGroup {
  const group = stream.groups.get(name);
  if (group === undefined) throw notAuthorizedOrNotFound(`Unknown group ${name}`);
  return group;
}

const consumerCommit: Operation = {
  name: "ConsumerCommit",
  endpoint: "messages",
  method: "POST",
  path: "/20180418/streams/{streamId}/commit",
  subjectOf: groupSubject,
  carryOut: (call) => renewed(call, commitPlaces),
};

const consumerHeartbeat: Operation = {
  name: "ConsumerHeartbeat",
  endpoint: "messages",
  method: "POST",
  path: "/20180418/streams/{streamId}/heartbeat",
  subjectOf: groupSubject,
  carryOut: (call) =>
    renewed(call, (service, stream, { group }) => {
      groupOf(stream, group!.name).reserve(group!.instance, service.clock.nowMs + group!.timeoutInMs);
    }),
};

/** Both answer the cursor to use next. */
function renewed({ service, path, query }: Call, change: typeof commitPlaces): Answer {
  const stream = service.streams.usable(path["streamId"]!);
  const cursor = query.get("cursor");
  if (cursor === null) throw missingParameter("cursor");
  const place = service.cursors.read(cursor, stream.id);
  if (place.group === null) throw invalidParameter("The cursor is not a cursor of a group");
  change(service, stream, place);
  return jsonAnswer({ value: service.cursors.create(place) });
}

const getGroup: Operation = {
  name: "GetGroup",
  endpoint: "messages",
  method: "GET",
  path: "/20180418/streams/{streamId}/groups/{groupName}",
  subjectOf: groupSubject,
  carryOut: ({ service, path }) => {
    const stream = service.streams.usable(path["streamId"]!);
    const group = groupOf(stream, path["groupName"]!);
    const isReserved = service.clock.nowMs < group.reservedUntilMs;
    const instance = isReserved ? JSON.stringify(group.instance) : "null";
    const until = isReserved ? `"${timeText(group.reservedUntilMs)}"` : "null";
    const reservations = stream.partitions.map(
      ({ name }) =>
        `{"partition":"${name}","committedOffset":${group.committedOffset(name)},"reservedInstance":${instance},"timeReservedUntil":${until}}`,
    );
    const head = `{"streamId":"${stream.id}","groupName":${JSON.stringify(group.name)}`;
    return { status: 200, body: `${head},"reservations":[${reservations.join(",")}]}` };
  },
};

const updateGroup: Operation = {
  name: "UpdateGroup",
  endpoint: "messages",
  method: "PUT",
  path: "/20180418/streams/{streamId}/groups/{groupName}",
  subjectOf: groupSubject,
  carryOut: ({ service, path, body }): Answer => {
    const stream = service.streams.usable(path["streamId"]!);
    groupOf(stream, path["groupName"]!).reset(startsOf(stream, JsonBody.parse(body)));
    return { status: 204 };
  },
};

export const groupOperations: readonly Operation[] = [createGroupCursor, consumerCommit, consumerHeartbeat, getGroup, updateGroup];
