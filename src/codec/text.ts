import { StreamError } from "../errors.ts";
import { describeValue } from "../option-rules.ts";
import type { Codec } from "./codec.ts";
import { utf8ToText } from "./utf8.ts";

/** UTF-8. Text that is not well-formed is refused in both directions, never repaired. */
export function text(): Codec<string> {
  return {
    encode: (value) => {
      if (typeof value !== "string") {
        throw new StreamError("invalid-argument", `the codec text() sends a string; received ${describeValue(value)}`);
      }
      if (!value.isWellFormed()) {
        throw new StreamError(
          "invalid-argument",
          `the codec text() sends well-formed text; received a string of ${value.length} characters with a lone surrogate`,
        );
      }
      return Buffer.from(value, "utf8");
    },
    decode: utf8ToText,
  };
}
