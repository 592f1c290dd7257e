/** Longer texts are decoded faster by a call into Node. */
const SHORT = 160;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const OTHER = -1;
const PADDING = 0x3d;

/** What each character stands for. */
const BITS = new Int8Array(256).fill(OTHER);
for (let bits = 0; bits < ALPHABET.length; bits += 1) BITS[ALPHABET.charCodeAt(bits)] = bits;

/** How many bytes a part of a text in base64 stands for. */
export function base64Bytes(text: Uint8Array, from: number, to: number): number {
  let end = to;
  while (end > from && text[end - 1] === PADDING) end -= 1;
  return ((end - from) * 3) >> 2;
}

/** The bytes that a part of a text in base64 stands for. */
export function decodeBase64(text: Buffer, from: number, to: number): Buffer {
  return (to - from <= SHORT ? decodeShort(text, from, to) : null) ?? Buffer.from(text.toString("latin1", from, to), "base64");
}

/** Keys are so short that a call into Node takes longer. @returns `null`: it is not quite base64, which Node may read nevertheless */
function decodeShort(text: Buffer, from: number, to: number): Buffer | null {
  let end = to;
  while (end > from && text[end - 1] === PADDING) end -= 1;
  const bytes = Buffer.allocUnsafe(((end - from) * 3) >> 2);
  let at = 0;
  let index = from;
  let seen = 0;
  for (; index + 3 < end; index += 4) {
    const bits = (bitsAt(text, index) << 18) | (bitsAt(text, index + 1) << 12) | (bitsAt(text, index + 2) << 6) | bitsAt(text, index + 3);
    seen |= bits;
    bytes[at] = bits >> 16;
    bytes[at + 1] = bits >> 8;
    bytes[at + 2] = bits;
    at += 3;
  }
  if (index + 1 < end) {
    const bits = (bitsAt(text, index) << 12) | (bitsAt(text, index + 1) << 6) | (index + 2 < end ? bitsAt(text, index + 2) : 0);
    seen |= bits;
    bytes[at] = bits >> 10;
    // Nothing is written behind the end.
    bytes[at + 1] = bits >> 2;
  }
  return seen < 0 ? null : bytes;
}

function bitsAt(text: Buffer, index: number): number {
  return BITS[text[index]!]!;
}
