import { type Answer, type Call, type Operation, NO_SUBJECT, jsonAnswer } from "../server/call.ts";
import { JsonBody } from "../server/json-body.ts";
import { ServiceError, invalidParameter, missingParameter, notAuthorizedOrNotFound } from "../server/service-error.ts";
import type { Stream } from "../streams/stream.ts";
import type { WorkRequest } from "../streams/work-requests.ts";
import { listPage } from "./list-page.ts";
import { bodyIfAny, streamDetails, streamSubject, streamSummary } from "./stream-answers.ts";

const STREAMS = "/20180418/streams";
const STREAM = `${STREAMS}/{streamId}`;
const DEFAULT_RETENTION_HOURS = 24n;

function nameInBody(call: Call): string | null {
  try {
    return bodyIfAny(call)?.text("name") ?? null;
  } catch {
    return null;
  }
}

const createStream: Operation = {
  name: "CreateStream",
  endpoint: "admin",
  method: "POST",
  path: STREAMS,
  subjectOf: (call) => {
    const name = nameInBody(call);
    return name === null ? NO_SUBJECT : { topics: new Map([[name, null]]) };
  },
  carryOut: ({ service, body: bytes }) => {
    const body = JsonBody.parse(bytes);
    const [name, partitions] = [body.text("name"), body.integer("partitions")];
    if (name === null) throw missingParameter("name");
    if (partitions === null) throw missingParameter("partitions");
    const stream = service.streams.create({
      name,
      partitions: Number(partitions),
      retentionInHours: Number(body.integer("retentionInHours") ?? DEFAULT_RETENTION_HOURS),
      streamPoolId: poolOf(service.streams.defaultPool.id, body),
      freeformTags: body.texts("freeformTags") ?? {},
      isActive: false,
    });
    return jsonAnswer(streamDetails(stream, service.messagesEndpoint), {
      etag: stream.etag,
      ...accepted(service, "CREATE_STREAM", stream),
    });
  },
};

/** A stream is in the pool that is named, else in the default pool of the compartment. */
function poolOf(defaultPoolId: string, body: JsonBody): string {
  const [streamPoolId, compartmentId] = [body.text("streamPoolId"), body.text("compartmentId")];
  if (streamPoolId !== null && compartmentId !== null) throw invalidParameter("streamPoolId and compartmentId exclude each other");
  if (streamPoolId === null && compartmentId === null) throw missingParameter("streamPoolId or compartmentId");
  return streamPoolId ?? defaultPoolId;
}

function accepted(service: Call["service"], type: WorkRequest["operationType"], stream: Stream): Readonly<Record<string, string>> {
  return { "opc-work-request-id": service.workRequests.accept(type, stream).id };
}

const listStreams: Operation = {
  name: "ListStreams",
  endpoint: "admin",
  method: "GET",
  path: STREAMS,
  subjectOf: ({ service, query }) => {
    const id = query.get("id");
    const name = query.get("name") ?? (id === null ? null : (service.streams.find(id)?.name ?? null));
    return name === null ? NO_SUBJECT : { topics: new Map([[name, null]]) };
  },
  carryOut: (call) => {
    const { service, query } = call;
    const [streamPoolId, compartmentId] = [query.get("streamPoolId"), query.get("compartmentId")];
    if (streamPoolId !== null && compartmentId !== null) throw invalidParameter("streamPoolId and compartmentId exclude each other");
    if (streamPoolId === null && compartmentId === null) throw missingParameter("streamPoolId or compartmentId");
    if (streamPoolId !== null) service.streams.pool(streamPoolId);
    const streams = service.streams.all.filter((stream) =>
      streamPoolId === null ? stream.compartmentId === compartmentId : stream.streamPoolId === streamPoolId,
    );
    return listPage(
      call,
      streams,
      ({ state }) => state,
      (stream) => streamSummary(stream, service.messagesEndpoint),
    );
  },
};

const getStream: Operation = {
  name: "GetStream",
  endpoint: "admin",
  method: "GET",
  path: STREAM,
  subjectOf: streamSubject,
  carryOut: (call) => {
    const stream = knownStream(call);
    return jsonAnswer(streamDetails(stream, call.service.messagesEndpoint), { etag: stream.etag });
  },
};

const updateStream: Operation = {
  name: "UpdateStream",
  endpoint: "admin",
  method: "PUT",
  path: STREAM,
  subjectOf: streamSubject,
  carryOut: (call) => {
    const stream = changeableStream(call);
    const body = JsonBody.parse(call.body);
    const streamPoolId = body.text("streamPoolId");
    if (streamPoolId !== null) call.service.streams.pool(streamPoolId);
    stream.update({ streamPoolId, freeformTags: body.texts("freeformTags") });
    return jsonAnswer(streamDetails(stream, call.service.messagesEndpoint), {
      etag: stream.etag,
      ...accepted(call.service, "UPDATE_STREAM", stream),
    });
  },
};

const deleteStream: Operation = {
  name: "DeleteStream",
  endpoint: "admin",
  method: "DELETE",
  path: STREAM,
  subjectOf: streamSubject,
  carryOut: (call): Answer => {
    const stream = changeableStream(call);
    stream.delete();
    return { status: 202, headers: accepted(call.service, "DELETE_STREAM", stream) };
  },
};

/** Also a deleted one. */
function knownStream({ service, path: { streamId } }: Call): Stream {
  const stream = service.streams.find(streamId!);
  if (stream === null) throw notAuthorizedOrNotFound(`Unknown stream ${streamId}`);
  return stream;
}

function changeableStream(call: Call): Stream {
  const stream = knownStream(call);
  if (!stream.exists) throw notAuthorizedOrNotFound(`Unknown stream ${stream.id}`);
  if (stream.state !== "ACTIVE") throw new ServiceError(409, "IncorrectState", `The stream ${stream.id} is ${stream.state}`);
  const ifMatch = call.headers["if-match"];
  if (ifMatch !== undefined && ifMatch !== stream.etag) throw new ServiceError(412, "NoEtagMatch", "The etag does not match");
  return stream;
}

export const streamOperations: readonly Operation[] = [createStream, listStreams, getStream, updateStream, deleteStream];
