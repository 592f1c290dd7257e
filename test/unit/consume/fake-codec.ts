import type { Codec } from "../../../src/codec/codec.ts";

/** Text, except that "bad" cannot be decoded. */
export function pickyText(): Codec<string> {
  return {
    encode: (value) => Buffer.from(value),
    decode: (stored) => {
      const text = Buffer.from(stored).toString();
      if (text === "bad") throw new Error("not a value");
      return text;
    },
  };
}
