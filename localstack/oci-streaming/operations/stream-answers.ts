import { type Call, type CallSubject, NO_SUBJECT } from "../server/call.ts";
import { JsonBody } from "../server/json-body.ts";
import type { Stream } from "../streams/stream.ts";

/** As the vendor writes a time. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** A stream as `GetStream` and the lists show it. */
export function streamSummary(stream: Stream, messagesEndpoint: string): Readonly<Record<string, unknown>> {
  const { name, id, partitions, compartmentId, streamPoolId, state, timeCreatedMs, freeformTags } = stream;
  return {
    name,
    id,
    partitions: partitions.length,
    compartmentId,
    streamPoolId,
    lifecycleState: state,
    timeCreated: timeText(timeCreatedMs),
    messagesEndpoint,
    freeformTags,
    definedTags: {},
  };
}

export function streamDetails(stream: Stream, messagesEndpoint: string): Readonly<Record<string, unknown>> {
  return { ...streamSummary(stream, messagesEndpoint), retentionInHours: stream.retentionInHours, lifecycleStateDetails: null };
}

/** The stream that the path names, with all its partitions or with these. */
export function streamSubject({ service, path: { streamId } }: Call, partitions: readonly string[] | null = null): CallSubject {
  const stream = streamId === undefined ? null : service.streams.find(streamId);
  return stream === null ? NO_SUBJECT : { topics: new Map([[stream.name, partitions]]) };
}

/** The body, if it can be read. */
export function bodyIfAny({ body }: Call): JsonBody | null {
  try {
    return JsonBody.parse(body);
  } catch {
    return null;
  }
}
