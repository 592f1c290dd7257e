import { StreamError } from "../errors.ts";
import { describeValue } from "../option-rules.ts";
import type { Codec, StandardSchema } from "./codec.ts";
import { toJsonText } from "./json-text.ts";
import { validate } from "./standard-schema.ts";
import { utf8ToText } from "./utf8.ts";

/** JSON without a check of the type: `json<Flight>()`. A value that JSON would change silently (NaN, a bigint, a hole in an array) is refused. */
export function json<T>(): Codec<T>;
/** JSON, checked both ways by a Standard Schema (Zod, Valibot, ArkType…). Sends the value as given, hands out the schema's output. */
export function json<Output, Input>(schema: StandardSchema<Input, Output>): Codec<Output, Input>;
export function json<Output, Input>(schema?: StandardSchema<Input, Output>): Codec<Output, Input> {
  if (schema === undefined) return { encode, decode: (bytes) => decode(bytes) as Output };
  requireSchema(schema);
  return {
    encode: (value) => {
      // Encoded before the check is awaited: a value that changes meanwhile is sent as it was when it was given.
      const bytes = encode(value);
      const checked = validate(schema, value, "invalid-argument");
      return checked instanceof Promise ? checked.then(() => bytes) : bytes;
    },
    decode: (bytes) => {
      const checked = validate(schema, decode(bytes), "corrupt");
      return checked instanceof Promise ? checked.then(({ output }) => output) : checked.output;
    },
  };
}

function encode(value: unknown): Uint8Array {
  return Buffer.from(toJsonText(value), "utf8");
}

function decode(bytes: Uint8Array): unknown {
  const text = utf8ToText(bytes);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own error quotes the text, so it must not become the cause.
    throw new StreamError("corrupt", `the stored value is not JSON (${bytes.byteLength} bytes)`);
  }
}

function requireSchema(schema: unknown): void {
  // A schema may be a function (ArkType) as well as an object.
  const standard = (schema as { readonly "~standard"?: { readonly version?: unknown; readonly validate?: unknown } } | null)?.["~standard"];
  if (standard?.version !== 1 || typeof standard.validate !== "function") {
    throw new StreamError(
      "invalid-argument",
      `json() takes a schema that follows Standard Schema version 1, or nothing; received ${describeValue(schema)}`,
    );
  }
}
