import type { OutgoingRecord, StoredRecord } from "../../src/driver/index.ts";
import { pubsubError } from "./errors.ts";

/** A message on its way, as the client takes it. */
export interface PublishedMessage {
  readonly data: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey: string;
}

/** A message as a stream delivers it. https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1#receivedmessage */
export interface ReceivedMessage {
  readonly ackId: string;
  readonly message: NativeMessage;
  /** 0: the subscription does not count. */
  readonly deliveryAttempt?: number | null;
}

interface NativeMessage {
  readonly data?: Uint8Array | string | null;
  readonly attributes?: Readonly<Record<string, string>> | null;
  readonly messageId?: string | null;
  readonly publishTime?: { readonly seconds?: unknown; readonly nanos?: number | null } | null;
  readonly orderingKey?: string | null;
}

/**
 * The service takes no message without data and attributes, and has no absent data: this attribute says what the empty data means. It counts
 * only if the data is empty and it has one of the two values.
 */
const MARKER = "streamport-value";
const TOMBSTONE = "tombstone";
const EMPTY = "empty";

const NOTHING = new Uint8Array(0);
const NO_HEADERS: StoredRecord["headers"] = Object.freeze([]);

const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");

/** @throws `invalid-argument` for a header that would be taken for the marker */
export function publishedMessage({ key, value, headers }: OutgoingRecord): PublishedMessage {
  const attributes: Record<string, string> = {};
  for (const [name, text] of headers) {
    // `Object.fromEntries` semantics: a header may have any name, also that of a setter.
    Object.defineProperty(attributes, name, {
      value: text === null ? "" : utf8(text),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  if (value === null || value.length === 0) {
    if (Object.hasOwn(attributes, MARKER)) {
      throw pubsubError("invalid-argument", `a message without a value cannot have a header ${MARKER}: it is the mark of a tombstone`);
    }
    if (value === null) attributes[MARKER] = TOMBSTONE;
    else if (headers.length === 0) attributes[MARKER] = EMPTY;
  }
  return { data: value ?? NOTHING, attributes, orderingKey: key === null ? "" : utf8(key) };
}

/** A received message. Its position is the id that the receipt of its publisher names. */
export function storedRecord({ message, deliveryAttempt }: ReceivedMessage): StoredRecord {
  const { data, attributes, messageId, publishTime, orderingKey } = message;
  const bytes = dataOf(data);
  const key = orderingKey === undefined || orderingKey === null || orderingKey === "" ? null : Buffer.from(orderingKey, "utf8");
  const marker = bytes.length === 0 ? attributes?.[MARKER] : undefined;
  const isMarked = marker === TOMBSTONE || marker === EMPTY;
  const value = marker === TOMBSTONE ? null : bytes;
  const headers = headersOf(attributes, isMarked);
  const headerBytes = headers.reduce((sum, [name, text]) => sum + Buffer.byteLength(name) + (text?.length ?? 0), 0);
  return {
    key,
    value,
    headers,
    timestampMs: timeOf(publishTime),
    position: messageId ?? "",
    bytes: (key?.length ?? 0) + bytes.length + headerBytes,
    deliveryAttempt: deliveryAttempt === undefined || deliveryAttempt === null || deliveryAttempt === 0 ? null : deliveryAttempt,
    native: message,
  };
}

function dataOf(data: NativeMessage["data"]): Uint8Array {
  if (data === undefined || data === null) return NOTHING;
  return typeof data === "string" ? Buffer.from(data, "base64") : data;
}

function headersOf(attributes: NativeMessage["attributes"], isMarked: boolean): StoredRecord["headers"] {
  if (attributes === undefined || attributes === null) return NO_HEADERS;
  const headers: [string, Uint8Array][] = [];
  for (const [name, text] of Object.entries(attributes)) {
    if (!isMarked || name !== MARKER) headers.push([name, Buffer.from(text, "utf8")]);
  }
  return headers;
}

/** Whole milliseconds: times are compared with those of applications, which have no more. */
function timeOf(time: NativeMessage["publishTime"]): number {
  return Number(time?.seconds ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1_000_000);
}

const MOST_ID_CHARACTERS = 256;

function requireId(id: string): void {
  if (typeof id === "string" && id !== "" && id.length <= MOST_ID_CHARACTERS) return;
  const received = typeof id === "string" ? `a string of ${id.length} characters` : typeof id;
  throw pubsubError("invalid-argument", `a position of Pub/Sub is the id of a message; received ${received}`);
}

/** Some order of two ids. The service promises none: it says nothing about the log. @throws `invalid-argument` for a malformed one */
export function comparePositions(a: string, b: string): number {
  requireId(a);
  requireId(b);
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
