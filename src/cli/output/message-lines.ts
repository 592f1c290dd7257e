import { isUtf8 } from "node:buffer";
import type { Message, RawRecord } from "../../message.ts";
import { LATEST_TIME_MS } from "../../stored-time.ts";
import { exactNumber } from "../input/outgoing-line.ts";

type PlainMessage = Message<Uint8Array | null>;

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
export function messageLine(message: PlainMessage): string {
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

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The JSON escapes of control characters. */
const CONTROL_ESCAPES: readonly Buffer[] = Array.from({ length: 0x20 }, (_, code) => {
  return Buffer.from(JSON.stringify(String.fromCharCode(code)).slice(1, -1), "latin1");
});
const LONGEST_ESCAPE = 6;
const BEFORE_TIMESTAMP = Buffer.from('","timestamp":', "latin1");
const BEFORE_KEY = Buffer.from(',"key":', "latin1");
const BEFORE_VALUE = Buffer.from(',"value":"', "latin1");
const TAIL = Buffer.from('","headers":{}}\n', "latin1");

const LEAST_BYTES = 1_024;

/** More than the fixed parts of a line, with the longest time. */
const FIXED_BYTES = 128;

/**
 * The lines of `messageLine` for many messages, as bytes. A topic is read several times as fast if values are not converted to text
 * and back. Rare messages (tombstones, headers, unusual times, bytes that are not UTF-8) are left to `messageLine`.
 */
export class MessageLines {
  /** The beginning of all lines of a partition. */
  readonly #heads = new Map<string, { readonly topic: string; readonly bytes: Buffer }>();
  #bytes = Buffer.alloc(0);
  #end = 0;

  of(messages: readonly PlainMessage[]): Uint8Array {
    // A new buffer as large as the last one, because the last lines may still be on their way to a slow reader.
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, this.#bytes.length));
    this.#end = 0;
    for (const message of messages) if (!this.#addPlain(message)) this.#addText(messageLine(message));
    return this.#bytes.subarray(0, this.#end);
  }

  /** @returns whether the message was added; rare messages are not */
  #addPlain({ topic, partition, position, timestamp, key, value, raw }: PlainMessage): boolean {
    const timestampMs = timestamp.getTime();
    if (value === null || raw.headers.length > 0 || !(timestampMs > 0 && timestampMs < LATEST_TIME_MS)) return false;
    const head = this.#headOf(topic, partition);
    const keyLength = key === null ? 0 : key.length;
    this.#reserve(head.length + position.length + (keyLength + value.length) * LONGEST_ESCAPE + FIXED_BYTES);
    const bytes = this.#bytes;
    let end = writeBytes(bytes, this.#end, head);
    end += bytes.write(position, end, "latin1");
    end = writeBytes(bytes, end, BEFORE_TIMESTAMP);
    end = writeInteger(bytes, end, timestampMs);
    end = writeBytes(bytes, end, BEFORE_KEY);
    end = writeKey(bytes, end, key);
    end = writeBytes(bytes, end, BEFORE_VALUE);
    end = writeEscaped(bytes, end, value);
    if (end < 0) return false;
    this.#end = writeBytes(bytes, end, TAIL);
    return true;
  }

  #addText(line: string): void {
    this.#reserve(line.length * 3);
    this.#end += this.#bytes.write(line, this.#end, "utf8");
  }

  #headOf(topic: string, partition: string): Buffer {
    const known = this.#heads.get(partition);
    if (known?.topic === topic) return known.bytes;
    const bytes = Buffer.from(`{"topic":${JSON.stringify(topic)},"partition":${JSON.stringify(partition)},"position":"`, "utf8");
    this.#heads.set(partition, { topic, bytes });
    return bytes;
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#end + more));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

// Each of these returns the index behind the written bytes.

function writeBytes(bytes: Buffer, begin: number, part: Uint8Array): number {
  bytes.set(part, begin);
  return begin + part.length;
}

/** A whole number above 0. */
function writeInteger(bytes: Buffer, begin: number, integer: number): number {
  let end = begin + 1;
  for (let least = 10; least <= integer; least *= 10) end += 1;
  let rest = integer;
  for (let at = end - 1; at >= begin; at -= 1) {
    const before = Math.floor(rest / 10);
    bytes[at] = 0x30 + rest - before * 10;
    rest = before;
  }
  return end;
}

function writeKey(bytes: Buffer, begin: number, key: string | null): number {
  if (key === null) return begin + bytes.write("null", begin, "latin1");
  let end = begin + 1;
  for (let index = 0; index < key.length; index += 1) {
    const code = key.charCodeAt(index);
    if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) return begin + bytes.write(JSON.stringify(key), begin, "utf8");
    bytes[end++] = code;
  }
  bytes[begin] = QUOTE;
  bytes[end] = QUOTE;
  return end + 1;
}

/** UTF-8 with JSON escapes; -1: the bytes are not UTF-8. */
function writeEscaped(bytes: Buffer, begin: number, value: Uint8Array): number {
  let end = begin;
  let union = 0;
  for (let at = 0; at < value.length; at += 1) {
    const byte = value[at]!;
    union |= byte;
    if (byte < 0x20) end += CONTROL_ESCAPES[byte]!.copy(bytes, end);
    else {
      if (byte === QUOTE || byte === BACKSLASH) bytes[end++] = BACKSLASH;
      bytes[end++] = byte;
    }
  }
  return union < 0x80 || isUtf8(value) ? end : -1;
}
