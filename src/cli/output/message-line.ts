import { isUtf8 } from "node:buffer";
import type { Message } from "../../message.ts";

/**
 * A message as one line of JSON, line break included; the format is fixed, other programs read it:
 *
 *     { "topic", "partition", "position", "timestamp", "key", "value" | "valueBase64", "headers" }
 *
 * `timestamp` is in milliseconds since the epoch. `value` is the stored text, always a string, also where the text is JSON; `null`
 * for a tombstone. Bytes that are not UTF-8 are `valueBase64` instead. In `key` and `headers` a byte that is not UTF-8 is a lone
 * surrogate (\udc80 to \udcff), which JSON escapes. `produce` makes the same bytes of the line again.
 */
export function messageLine({ topic, partition, position, timestamp, key, value, headers }: Message<Uint8Array | null>): string {
  return `${JSON.stringify({ topic, partition, position, timestamp: timestamp.getTime(), key, ...valueOf(value), headers })}\n`;
}

function valueOf(value: Uint8Array | null): { readonly value: string | null } | { readonly valueBase64: string } {
  if (value === null) return { value };
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return isUtf8(bytes) ? { value: bytes.toString("utf8") } : { valueBase64: bytes.toString("base64") };
}
