import { isUtf8 } from "node:buffer";
import type { Message, RawRecord } from "../../message.ts";
import { LATEST_TIME_MS } from "../../stored-time.ts";
import { exactNumber } from "../input/outgoing-line.ts";

/**
 * A message as one line of JSON, line break included; the format is fixed, other programs read it:
 *
 *     { "topic", "partition", "position", "timestamp", "key", "value" | "valueBase64", "headers", "rawHeaders"? }
 *
 * `timestamp` is in milliseconds since the epoch, with all stored digits: some clients write nanoseconds, which have more digits than
 * a JavaScript number holds. `value` is the stored text, always a string, also if the text is JSON; `null`
 * for a tombstone. Bytes that are not UTF-8 are `valueBase64` instead. In `key` and `headers` a byte that is not UTF-8 is a lone
 * surrogate (\udc80 to \udcff), which JSON escapes. `rawHeaders` is present if `headers` cannot express all headers: repeats, an order that an
 * object does not keep, headers without a value. It has pairs of a name and the value in base64, or `null`. `produce` restores the same
 * bytes from the line.
 */
export function messageLine(message: Message<Uint8Array | null>): string {
  const { topic, partition, position, key, value, headers, raw } = message;
  const timestampMs = message.timestamp.getTime();
  const timestamp = Math.abs(timestampMs) < LATEST_TIME_MS ? timestampMs : exactNumber(raw.timestamp);
  const rawHeaders = rawHeadersOf(headers, raw);
  return `${JSON.stringify({ topic, partition, position, timestamp, key, ...valueOf(value), headers, rawHeaders })}\n`;
}

/** `undefined` if `headers` expresses all headers. */
function rawHeadersOf(headers: Readonly<Record<string, string>>, raw: RawRecord): readonly unknown[] | undefined {
  const names = Object.keys(headers);
  const isComplete =
    names.length === raw.headers.length && raw.headers.every(([name, value], index) => name === names[index] && value !== null);
  return isComplete ? undefined : raw.headers.map(([name, value]) => [name, value === null ? null : toBase64(value)]);
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function valueOf(value: Uint8Array | null): { readonly value: string | null } | { readonly valueBase64: string } {
  if (value === null) return { value };
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return isUtf8(bytes) ? { value: bytes.toString("utf8") } : { valueBase64: bytes.toString("base64") };
}
