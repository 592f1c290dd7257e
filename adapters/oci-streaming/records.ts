import type { StoredRecord, UnreadableRange } from "../../src/driver/index.ts";
import { comparePackedPositions, unpackRecord } from "../../src/envelope/index.ts";
import { ociError } from "./errors.ts";
import type { Envelope } from "./options.ts";

/** A message as the service gives it; the offset as text. https://docs.oracle.com/iaas/api/#/en/streaming/20180418/Message */
export interface ServiceMessage {
  readonly stream: string;
  readonly partition: string;
  /** Base64. */
  readonly key: string | null;
  readonly value: string;
  readonly offset: string;
  readonly timestamp: string;
}

/** What a message of the service holds. */
export type MessageContent =
  /** `isUnderOtherKey`: a frame whose keys are not that of the message. */
  | { readonly kind: "messages"; readonly messages: readonly StoredRecord[]; readonly isUnderOtherKey: boolean }
  | { readonly kind: "unreadable"; readonly range: UnreadableRange };

const NO_HEADERS: StoredRecord["headers"] = Object.freeze([]);

/** What the messages of a page hold. */
export function contentsOf(messages: readonly ServiceMessage[], envelope: Envelope): readonly MessageContent[] {
  // Many messages are stored in the same millisecond.
  let [text, timestampMs] = ["", Number.NaN];
  return messages.map((message) => {
    if (message.timestamp !== text) [text, timestampMs] = [message.timestamp, Date.parse(message.timestamp)];
    return contentOf(message, timestampMs, envelope);
  });
}

function contentOf(message: ServiceMessage, timestampMs: number, envelope: Envelope): MessageContent {
  const { key, value, offset: position } = message;
  const partitionKey = key === null ? null : Buffer.from(key, "base64");
  const data = Buffer.from(value, "base64");
  if (envelope === "raw") {
    const bytes = (partitionKey?.length ?? 0) + data.length;
    const headers = NO_HEADERS;
    const native = message;
    const record = { key: partitionKey, value: data, headers, position, timestampMs, bytes, deliveryAttempt: null, native };
    return { kind: "messages", messages: [record], isUnderOtherKey: false };
  }
  const unpacked = unpackRecord({ partitionKey, data, position, timestampMs, native: message });
  if (unpacked.kind === "unreadable") return unpacked;
  if (unpacked.kind === "frame") return { kind: "messages", messages: unpacked.records, isUnderOtherKey: false };
  return { kind: "messages", messages: [unpacked.record], isUnderOtherKey: unpacked.reason === "partition-key" };
}

const OFFSET = /^(?:0|[1-9]\d{0,29})$/;

function requireOffset(offset: string): void {
  if (typeof offset === "string" && OFFSET.test(offset)) return;
  const received = typeof offset === "string" ? `a string of ${offset.length} characters` : typeof offset;
  throw ociError("invalid-argument", `a position of OCI Streaming is an offset, a decimal number; received ${received}`);
}

/** @throws `invalid-argument` for a malformed one */
export function compareOffsets(a: string, b: string): number {
  requireOffset(a);
  requireOffset(b);
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Compares two positions of one partition: `<offset>` or `<offset>/<index>`. @throws `invalid-argument` for a malformed one */
export function comparePositions(a: string, b: string): number {
  return comparePackedPositions(a, b, compareOffsets);
}
