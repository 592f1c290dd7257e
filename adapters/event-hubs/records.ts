import type { ReceivedEventData } from "@azure/event-hubs";
import type { StoredRecord } from "../../src/driver/index.ts";
import { eventHubsError } from "./errors.ts";

/** The application property that tells a tombstone from an empty value: either has an empty body. */
export const TOMBSTONE_PROPERTY = "streamport-tombstone";

/** The AMQP library loses a property of the first name, so that it is stored under the second. */
export const LOST_NAME = "__proto__";
export const STAND_IN_NAME = "streamport-__proto__";

const NO_BYTES = Buffer.alloc(0);

const NO_HEADERS: StoredRecord["headers"] = Object.freeze([]);

/** An event as the core takes it, whoever has written it. */
class EventRecord implements StoredRecord {
  /** The SDK has keys as text, and few are asked for as bytes. Not so where another client has set the key to something else. */
  readonly keyText: string | null | undefined;
  readonly value: Uint8Array | null;
  readonly headers: StoredRecord["headers"];
  readonly timestampMs: number;
  readonly bytes: number;
  readonly deliveryAttempt = null;
  readonly native: ReceivedEventData;

  constructor(event: ReceivedEventData) {
    const partitionKey: unknown = event.partitionKey ?? null;
    // As they came: in `properties` the SDK makes objects of bytes.
    const { applicationProperties } = event.getRawAmqpMessage();
    const { headers, isTombstone, bytes } = applicationProperties === undefined ? WITHOUT_PROPERTIES : headersOf(applicationProperties);
    const isText = typeof partitionKey === "string";
    const keyBytes = isText ? Buffer.byteLength(partitionKey, "utf8") : (bytesOf(partitionKey)?.length ?? 0);
    this.keyText = isText || partitionKey === null ? partitionKey : undefined;
    this.value = isTombstone ? null : bodyOf(event);
    this.headers = headers;
    this.timestampMs = event.enqueuedTimeUtc.getTime();
    this.bytes = bytes + keyBytes + (this.value?.length ?? 0);
    this.native = event;
  }

  get key(): Uint8Array | null {
    return bytesOf(this.native.partitionKey);
  }

  get position(): string {
    return positionOf(this.native.sequenceNumber, this.native.offset);
  }
}

/** @throws where its parts have no form that can be read */
export function recordOf(event: ReceivedEventData): StoredRecord {
  return new EventRecord(event);
}

interface Properties {
  readonly headers: StoredRecord["headers"];
  readonly isTombstone: boolean;
  readonly bytes: number;
}

const WITHOUT_PROPERTIES: Properties = { headers: NO_HEADERS, isTombstone: false, bytes: 0 };

function headersOf(properties: Readonly<Record<string, unknown>>): Properties {
  const headers: [string, Uint8Array | null][] = [];
  let isTombstone = false;
  let bytes = 0;
  for (const [name, property] of Object.entries(properties)) {
    if (name === TOMBSTONE_PROPERTY) {
      isTombstone = true;
      continue;
    }
    const value = bytesOf(property);
    bytes += Buffer.byteLength(name) + (value?.length ?? 0);
    headers.push([name === STAND_IN_NAME ? LOST_NAME : name, value]);
  }
  return { headers, isTombstone, bytes };
}

/** Data sections are bytes as they are. What other clients have put into value or sequence sections becomes text. @throws for what has no form */
function bodyOf(event: ReceivedEventData): Uint8Array | null {
  const body: unknown = event.body;
  if (event.getRawAmqpMessage().bodyType !== "data") return bytesOf(body);
  return Array.isArray(body) ? Buffer.concat(body.map((section) => dataOf(section) ?? NO_BYTES)) : dataOf(body);
}

/** The SDK writes a data section with `null` where it is given that as a body. */
function dataOf(section: unknown): Uint8Array | null {
  if (section === null || section instanceof Uint8Array) return section;
  throw new TypeError("a data section holds no bytes");
}

/** A value of AMQP as bytes: bytes and texts as they are, what has no bytes of its own as JSON. @throws for what has no form */
function bytesOf(value: unknown): Uint8Array | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (value instanceof Date) return Buffer.from(String(checkedTime(value).getTime()), "utf8");
  if (typeof value === "object") return Buffer.from(JSON.stringify(value, asText), "utf8");
  return Buffer.from(String(value as number | bigint | boolean), "utf8");
}

/** Within a structure: bytes as base64, and numbers that JSON does not know as text. */
function asText(this: Readonly<Record<string, unknown>>, name: string, value: unknown): unknown {
  const own = this[name];
  if (own instanceof Date) checkedTime(own);
  if (typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))) return String(value);
  const { type, data } = (value ?? {}) as { readonly type?: unknown; readonly data?: unknown };
  return type === "Buffer" && Array.isArray(data) ? Buffer.from(data as number[]).toString("base64") : value;
}

/** AMQP has times that JavaScript has not, and the AMQP library has lost them by now. */
function checkedTime(time: Date): Date {
  if (Number.isNaN(time.getTime())) throw new RangeError("a time is more than 275,000 years away");
  return time;
}

/** The number orders; the offset is what other processors resume by, and is opaque. */
export function positionOf(sequenceNumber: number, offset: string | undefined): string {
  return offset === undefined || offset === "" ? String(sequenceNumber) : `${sequenceNumber}@${offset}`;
}

/**
 * In the place of an offset: the event of this number may be missing, and nobody knows how many before it. The place of a checkpoint that has an offset alone,
 * which retention has passed.
 */
const PASSED_OFFSET = "?";

/** The place before the oldest event that is left, where it is not known how many events are missing before it. */
export function passedPosition(sequenceNumber: number): string {
  return positionOf(sequenceNumber, PASSED_OFFSET);
}

/** Is it known how many events lie between this position and a later one? */
export function isCountable(position: string): boolean {
  return parsePosition(position).offset !== PASSED_OFFSET;
}

const POSITION = /^(0|[1-9]\d{0,15})(?:@([!-~]{1,200}))?$/;

export interface ParsedPosition {
  readonly sequenceNumber: number;
  readonly offset: string | null;
}

/** @throws `invalid-argument` for a malformed one */
export function parsePosition(position: string): ParsedPosition {
  const match = typeof position === "string" ? POSITION.exec(position) : null;
  const sequenceNumber = Number(match?.[1]);
  if (match === null || !Number.isSafeInteger(sequenceNumber)) {
    const received = typeof position === "string" ? `a string of ${position.length} characters` : typeof position;
    throw eventHubsError(
      "invalid-argument",
      `a position of Event Hubs is a sequence number and an offset, such as 42@8176; received ${received}`,
    );
  }
  return { sequenceNumber, offset: match[2] ?? null };
}

/** Compares two positions of one partition by their sequence numbers. @throws `invalid-argument` for a malformed one */
export function comparePositions(a: string, b: string): number {
  return parsePosition(a).sequenceNumber - parsePosition(b).sequenceNumber;
}
