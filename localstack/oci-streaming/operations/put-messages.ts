import type { CallFaults } from "../faults/call-faults.ts";
import type { PublishedEntry } from "../faults/invalid-messages.ts";
import type { Call, Operation } from "../server/call.ts";
import { JsonBody } from "../server/json-body.ts";
import { invalidParameter, missingParameter } from "../server/service-error.ts";
import type { PartitionLog } from "../streams/partition-log.ts";
import type { Stream } from "../streams/stream.ts";
import { streamSubject, timeText } from "./stream-answers.ts";

// https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview_topic-Limits_on_Streaming_Resources.htm
const MOST_REQUEST_BYTES = 1_048_576;
const MOST_KEY_BYTES = 256;

interface Entry extends PublishedEntry {
  /** Decoded, key and value. */
  readonly bytes: number;
  readonly log: PartitionLog;
}

/**
 * Stores each entry by itself: an entry of a partition that is over its budget fails inside of an answer 200, and later ones may be stored.
 * Anything else that is wrong refuses the call, and nothing is stored.
 */
export const putMessages: Operation = {
  name: "PutMessages",
  endpoint: "messages",
  method: "POST",
  path: "/20180418/streams/{streamId}/messages",
  mayLeaveBodyUnsigned: true,
  subjectOf: (call) => streamSubject(call, partitionsOf(call)),
  carryOut: ({ service, path, body }, faults) => {
    const stream = service.streams.usable(path["streamId"]!);
    const entries = entriesOf(body, stream);
    if (faults.has("invalid-message")) service.invalidMessages.choose(entries);
    if (service.invalidMessages.refuses(entries)) throw invalidParameter("A message of the request is invalid");
    const timestampMs = service.clock.nowMs;
    let failures = 0;
    const results = entries.map((entry) => {
      const error = entryError(stream, entry, faults, () => service.throttlesNextEntry());
      if (error === null) return stored(entry, timestampMs);
      failures += 1;
      return `{"partition":null,"offset":null,"timestamp":null,"error":"${error.error}","errorMessage":${JSON.stringify(error.message)}}`;
    });
    return { status: 200, body: `{"failures":${failures},"entries":[${results.join(",")}]}` };
  },
};

/** Of entries that can be read. A key that is missing could go anywhere. */
function partitionsOf({ service, path: { streamId }, body }: Call): readonly string[] | null {
  const stream = streamId === undefined ? null : service.streams.find(streamId);
  if (stream === null || service.faults.isEmpty) return null;
  try {
    const entries = entriesOf(body, stream);
    return entries.some(({ key }) => key === null) ? null : [...new Set(entries.map(({ log }) => log.name))];
  } catch {
    return null;
  }
}

function entriesOf(body: Buffer, stream: Stream): readonly Entry[] {
  const messages = JsonBody.parse(body).list("messages");
  if (messages === null || messages.length === 0) throw missingParameter("messages");
  let total = 0;
  const entries = messages.map((message) => {
    const fields = JsonBody.of(message);
    // The vendor does not say what an empty key is; here it is none.
    const [key, value] = [fields.text("key") || null, fields.text("value")];
    if (value === null) throw missingParameter("value");
    const keyBytes = key === null ? 0 : decodedBytes(key, "key");
    if (keyBytes > MOST_KEY_BYTES) throw invalidParameter(`The size of a key is limited to ${MOST_KEY_BYTES} bytes`);
    const bytes = keyBytes + decodedBytes(value, "value");
    total += bytes;
    return { key, value, bytes, log: stream.partitionOf(key) };
  });
  if (total > MOST_REQUEST_BYTES) throw invalidParameter("Request size is limited to 1 MiB");
  return entries;
}

/** @throws `ServiceError` for anything but base64 */
function decodedBytes(text: string, name: string): number {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw invalidParameter(`Unable to parse JSON body: ${name} is not base64`);
  const padding = text.endsWith("==") ? 2 : Number(text.endsWith("="));
  return (text.length / 4) * 3 - padding;
}

function entryError(
  stream: Stream,
  { bytes, log }: Entry,
  faults: CallFaults,
  isThrottled: () => boolean,
): { readonly error: string; readonly message: string } | null {
  const planned = faults.entryError(log.name);
  if (planned !== null) return planned;
  const waitMs = isThrottled() ? 1 : stream.writeBudget(log).take(bytes);
  if (waitMs === 0) return null;
  return { error: "429", message: `Request was throttled because bytes limit exhausted, next request can be made in ${waitMs} ms` };
}

function stored({ log, key, value, bytes }: Entry, nowMs: number): string {
  const { offset, timestampMs } = log.append({ timestampMs: nowMs, key, value, bytes });
  const time = timeText(timestampMs);
  return `{"partition":"${log.name}","offset":${offset},"timestamp":"${time}","error":null,"errorMessage":null}`;
}
