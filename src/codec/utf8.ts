import { isUtf8 } from "node:buffer";
import { StreamError } from "../errors.ts";

/**
 * Stored bytes as text. A value, unlike a key, has no escape for a byte that is not UTF-8: replacing it would change the
 * value silently.
 * @throws `corrupt`
 */
export function utf8ToText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  // Only a text with the replacement character can have lost a byte.
  if (text.includes("\ufffd") && !isUtf8(bytes)) {
    throw new StreamError("corrupt", `the stored value is not UTF-8 (${bytes.byteLength} bytes)`);
  }
  return text;
}
