import { expect, test } from "vitest";
import { z } from "zod";
import { bytes } from "../../../src/codec/bytes.ts";
import type { Codec, StandardSchema } from "../../../src/codec/codec.ts";
import { json } from "../../../src/codec/json.ts";
import { text } from "../../../src/codec/text.ts";
import type { Message } from "../../../src/message.ts";

const TARGET = { topic: "t", key: null, headers: {} };
const MESSAGE = {} as Message<Uint8Array>;
const encode = <T, Input>(codec: Codec<T, Input>, value: unknown): Uint8Array | Promise<Uint8Array> => codec.encode(value as Input, TARGET);
const decode = <T, Input>(codec: Codec<T, Input>, stored: string | Uint8Array): T | Promise<T> =>
  codec.decode(typeof stored === "string" ? Buffer.from(stored) : stored, MESSAGE);
const refusal = (code: string, message: RegExp): unknown => expect.objectContaining({ code, message: expect.stringMatching(message) });

test.each([
  ["an object", { a: 1, b: [true, null, "x"], c: undefined }, '{"a":1,"b":[true,null,"x"]}'],
  ["null inside", { when: null }, '{"when":null}'],
  ["a text with null in it", "null and NaN", '"null and NaN"'],
  ["a Date", { when: new Date(0), none: null }, '{"when":"1970-01-01T00:00:00.000Z","none":null}'],
  ["a method", { a: null, run() {} }, '{"a":null}'],
  ["a lone surrogate", "\ud800", '"\\ud800"'],
  ["the same object twice", ((one) => [one, one, null])({ x: 1 }), '[{"x":1},{"x":1},null]'],
  ["toJSON", { toJSON: () => ({ left: null }) }, '{"left":null}'],
])("json: %s", (_, value, stored) => {
  const codec = json<unknown>();
  expect(Buffer.from(encode(codec, value) as Uint8Array).toString()).toBe(stored);
  expect(decode(codec, stored)).toEqual(JSON.parse(stored));
});

test.each<[string, unknown, RegExp]>([
  ["undefined", undefined, /hold undefined; allowed are strings/],
  ["a function", () => 1, /hold a function; allowed are strings/],
  ["a symbol", Symbol("secret"), /hold a symbol; allowed are strings/],
  ["NaN", Number.NaN, /hold NaN; allowed are strings/],
  ["Infinity inside", { a: [{ b: Number.POSITIVE_INFINITY }] }, /hold Infinity \(at a\[0\]\.b\); allowed are strings/],
  ["a boxed NaN", { a: new Number(Number.NaN) }, /hold NaN \(at a\); allowed are strings/],
  ["a bigint inside", { deep: { id: 1n } }, /hold a bigint \(at deep\.id\); allowed are strings/],
  ["undefined in an array", [1, undefined], /hold undefined in an array \(at \[1\]\); allowed are strings/],
  ["a function in an array", { a: [() => 1] }, /hold function in an array \(at a\[0\]\); allowed are strings/],
  ["an invalid Date", { at: new Date(Number.NaN) }, /hold an invalid Date \(at at\); allowed are strings/],
  [
    "a circle",
    (() => {
      const value: Record<string, unknown> = { secret: "secret" };
      return Object.assign(value, { self: value });
    })(),
    /circular/,
  ],
  [
    "a toJSON that throws",
    {
      toJSON: () => {
        throw new Error("secret");
      },
    },
    /its toJSON threw/,
  ],
])("json cannot hold %s", (_, value, message) => {
  expect(() => encode(json<unknown>(), value)).toThrow(refusal("invalid-argument", message));
  expect(() => encode(json<unknown>(), value)).not.toThrow(/secret/);
});

test.each<[string, string | Uint8Array]>([
  ["no JSON", "{secret"],
  ["nothing", ""],
  ["no UTF-8", Uint8Array.of(0x22, 0xff, 0x22)],
])("json: %s is corrupt, and neither message nor cause shows it", (_, stored) => {
  try {
    void decode(json<unknown>(), stored);
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: "corrupt" });
    expect(JSON.stringify([String(error), String((error as Error).cause)])).not.toContain("secret");
  }
});

const FLIGHT = z.object({ origin: z.string(), delay: z.string().transform(Number), legs: z.array(z.object({ to: z.string() })) });

test("a schema checks both ways: sends what was given, hands out its output, at once", () => {
  const codec = json(FLIGHT);
  const given = { origin: "AUS", delay: "5", legs: [] };
  const stored = encode(codec, given);
  expect(stored).toBeInstanceOf(Uint8Array);
  expect(JSON.parse(Buffer.from(stored as Uint8Array).toString())).toEqual(given);
  expect(decode(codec, stored as Uint8Array)).toEqual({ origin: "AUS", delay: 5, legs: [] });
});

test("issues name path and vendor, not the value", () => {
  const codec = json(FLIGHT);
  const bad = { origin: "secret", delay: "5", legs: [{ to: "x" }, { to: 7 }] };
  const message = /^the zod schema does not accept the value: 1 issue at legs\[1\]\.to$/;
  expect(() => encode(codec, bad)).toThrow(refusal("invalid-argument", message));
  expect(() => decode(codec, JSON.stringify(bad))).toThrow(refusal("corrupt", message));
  expect(() => decode(codec, '"secret"')).toThrow(refusal("corrupt", /1 issue at the value itself$/));
});

function asyncSchema(validate: (value: unknown) => Promise<unknown>): StandardSchema<string, number> {
  return { "~standard": { version: 1, vendor: "hand-written", validate } };
}

test("an asynchronous schema", async () => {
  const codec = json(
    asyncSchema(async (value) =>
      typeof value === "string" ? { value: value.length } : { issues: [{ message: "secret", path: [{ key: "a" }, 0] }] },
    ),
  );
  expect(Buffer.from(await encode(codec, "four")).toString()).toBe('"four"');
  await expect(decode(codec, '"four"')).resolves.toBe(4);
  await expect(encode(codec, 4)).rejects.toEqual(refusal("invalid-argument", /^the hand-written schema .* 1 issue at a\[0\]$/));
  await expect(decode(codec, "4")).rejects.toEqual(refusal("corrupt", /^the hand-written schema .* 1 issue at a\[0\]$/));
});

test("a schema that throws or rejects is not an accepted value", async () => {
  const cause = new Error("broken");
  const throwing = json<number, string>({
    "~standard": {
      version: 1,
      vendor: "v",
      validate: () => {
        throw cause;
      },
    },
  });
  expect(() => encode(throwing, "x")).toThrow(expect.objectContaining({ code: "invalid-argument", cause }));
  const rejecting = json(asyncSchema(() => Promise.reject(cause)));
  await expect(decode(rejecting, '"x"')).rejects.toMatchObject({ code: "corrupt", cause });
});

test("many issues are counted, not listed", () => {
  const issues = Array.from({ length: 30 }, (_, index) => ({ path: [`field-${index}`] }));
  const codec = json<string, string>({ "~standard": { version: 1, vendor: "v", validate: () => ({ issues }) } });
  expect(() => encode(codec, "x")).toThrow(/30 issues at field-0, field-1, field-2, field-3, field-4 and 25 more$/);
});

test.each([null, {}, 5, { "~standard": { version: 2, validate: () => ({}) } }])("json(%o) is refused", (schema) => {
  expect(() => json(schema as never)).toThrow(refusal("invalid-argument", /Standard Schema version 1/));
});

test("text", () => {
  const codec = text();
  for (const value of ["", "é👍", "\ufffd", "\ufeffmark"]) expect(decode(codec, encode(codec, value) as Uint8Array)).toBe(value);
  for (const value of [5, null, Buffer.from("x")])
    expect(() => encode(codec, value)).toThrow(refusal("invalid-argument", /sends a string/));
  expect(() => encode(codec, "a\ud800")).toThrow(refusal("invalid-argument", /well-formed/));
  expect(() => decode(codec, Uint8Array.of(0x61, 0xff))).toThrow(refusal("corrupt", /not UTF-8 \(2 bytes\)/));
});

test("bytes", () => {
  const codec = bytes();
  const value = Uint8Array.of(0, 255);
  expect(encode(codec, value)).toBe(value);
  expect(encode(codec, Buffer.from("x"))).toEqual(Buffer.from("x"));
  expect(decode(codec, value)).toBe(value);
  for (const other of ["x", [1], new Uint16Array(1), new ArrayBuffer(2), new DataView(new ArrayBuffer(2)), null]) {
    expect(() => encode(codec, other)).toThrow(refusal("invalid-argument", /sends a Uint8Array or Buffer/));
  }
});
