import { isUint8Array } from "node:util/types";
import { StreamError } from "../errors.ts";
import { describeValue } from "../option-rules.ts";
import type { Codec } from "./codec.ts";

/** Bytes as they are. Takes any Uint8Array, a Buffer included; hands out the stored bytes uncopied. */
export function bytes(): Codec<Uint8Array> {
  return {
    encode: (value) => {
      if (!isUint8Array(value)) {
        throw new StreamError("invalid-argument", `the codec bytes() sends a Uint8Array or Buffer; received ${describeValue(value)}`);
      }
      return value;
    },
    decode: (stored) => stored,
  };
}
