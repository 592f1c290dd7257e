import { isUtf8 } from "node:buffer";
import { StreamError } from "./errors.ts";

const FIRST_ESCAPE = 0xdc80;
const LAST_ESCAPE = 0xdcff;

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** UTF-8 as text; a byte that is not UTF-8 shows as a lone surrogate, U+DC80 to U+DCFF, and `textToBytes` turns it back. */
export function bytesToText(bytes: Uint8Array): string {
  return (bytes.length <= SHORT_BYTES ? shortText(bytes) : null) ?? decodedText(bytes);
}

/** Up to this length, which most keys have, joining characters is faster than decoding. */
const SHORT_BYTES = 8;

/** `null`: not ASCII. */
function shortText(bytes: Uint8Array): string | null {
  let text = "";
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte > 0x7f) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}

function decodedText(bytes: Uint8Array): string {
  const text = asBuffer(bytes).toString("utf8");
  return text.includes("\ufffd") && !isUtf8(bytes) ? escapedText(bytes) : text;
}

function escapedText(bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const part = bytes.subarray(at, at + length);
    if (part.length === length && isUtf8(part)) {
      text += decoder.decode(part);
      at += length;
    } else {
      text += String.fromCharCode(0xdc00 + lead);
      at += 1;
    }
  }
  return text;
}

/** Whether the text stands for bytes that are not UTF-8. */
export function hasEscapedBytes(text: string): boolean {
  return !text.isWellFormed();
}

/**
 * The bytes of a key or header value.
 * @throws `invalid-argument` for a lone surrogate outside U+DC80 to U+DCFF, which stands for no byte
 */
export function textToBytes(text: string, what: string): Uint8Array {
  return text.isWellFormed() ? Buffer.from(text, "utf8") : escapedBytes(text, what);
}

function escapedBytes(text: string, what: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code >= FIRST_ESCAPE && code <= LAST_ESCAPE) parts.push(Uint8Array.of(code - 0xdc00));
    else if (code >= 0xd800 && code <= 0xdfff) {
      throw new StreamError(
        "invalid-argument",
        `${what} holds the lone surrogate U+${code.toString(16).toUpperCase()}; allowed are well-formed text and U+DC80 to U+DCFF, which stand for single bytes`,
      );
    } else parts.push(Buffer.from(character, "utf8"));
  }
  return Buffer.concat(parts);
}
