import type { Codec } from "../codec/codec.ts";

// The suite has codecs of its own, so that a case checks the path of the bytes and not a codec of the core.

export const plainBytes: Codec<Uint8Array> = { encode: (value) => value, decode: (stored) => stored };

export const plainText: Codec<string> = {
  encode: (value) => Buffer.from(value, "utf8"),
  decode: (stored) => Buffer.from(stored).toString("utf8"),
};
