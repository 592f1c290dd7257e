import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FrameMessage } from "../../../src/envelope/index.ts";
import { anyBatch, contentOf, frameOf, framed, message, utf8 } from "./frames.ts";

/** The bytes of version 1. They are stored in streams: a change here makes stored messages unreadable. A new form is a new version. */
const GOLDEN: readonly { name: string; partitionKey: Uint8Array | null; messages: readonly FrameMessage[]; hex: string }[] = [
  {
    name: "the least message",
    partitionKey: null,
    messages: [message()],
    hex: "f7535046 34f9895e 01 01 00 00 01",
  },
  {
    name: "a tombstone with an empty key",
    partitionKey: new Uint8Array(0),
    messages: [message({ key: new Uint8Array(0), value: null })],
    hex: "f7535046 5ae58889 01 01 00 01 00",
  },
  {
    name: "everything that a message can have",
    partitionKey: utf8("key"),
    messages: [
      message({
        key: utf8("key"),
        id: Uint8Array.of(0, 255),
        timestampMs: 1_700_000_000_123,
        headers: [
          ["a", utf8("1")],
          ["a", null],
          ["", new Uint8Array(0)],
          ["\udcff", utf8("é")],
        ],
        value: utf8("value"),
      }),
    ],
    hex: "f7535046 874a05e1 01 01 0e 046b6579 0200ff 0000018bcfe5687b 04 0161 0231 0161 00 00 01 01ff 03c3a9 0676616c7565",
  },
  {
    name: "several messages, of a key and without one, and extreme times",
    partitionKey: utf8("k"),
    messages: [
      message({ key: utf8("k"), value: utf8("1"), timestampMs: -(2n ** 63n) }),
      message({ key: utf8("k"), value: utf8("2"), timestampMs: 2n ** 63n - 1n }),
      message({ key: null, value: utf8("3"), timestampMs: -1 }),
      message({ key: null, value: null }),
      message({ key: utf8("k"), value: new Uint8Array(127) }),
    ],
    hex: `f7535046 c8bd00a5 01 05 04 026b 8000000000000000 0231 05 7fffffffffffffff 0232 04 00 ffffffffffffffff 0233 01 00 00 026b 8001 ${"00".repeat(127)}`,
  },
];

const toBytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

describe.each(GOLDEN)("$name", ({ partitionKey, messages, hex }) => {
  test("is written as these bytes", () => {
    expect(frameOf(messages, partitionKey).toString("hex")).toBe(toBytes(hex).toString("hex"));
  });

  test("is read from these bytes", () => {
    expect(framed(toBytes(hex), partitionKey).map(contentOf)).toEqual(messages.map((each) => contentOf({ ...each, id: each.id ?? null })));
  });
});

/** A reader written from `src/envelope/README.md` alone, sharing no code with the one that it describes. */
function readByTheBook(frame: Uint8Array): readonly object[] {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  expect(view.getUint32(0)).toBe(0xf7535046);
  expect(view.getUint32(4)).toBe(crc32(frame.slice(8)));
  expect(view.getUint8(8)).toBe(1);
  let at = 9;
  const number = (): number => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = view.getUint8(at++);
      value += (byte % 128) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  const take = (length: number): string => Buffer.from(frame.slice(at, (at += length))).toString("hex");
  const optional = (): string | null => {
    const length = number();
    return length === 0 ? null : take(length - 1);
  };
  let key: string | null = null;
  const messages = Array.from({ length: number() }, () => {
    const flags = view.getUint8(at++);
    if (!(flags & 1)) key = optional();
    const id = flags & 2 ? take(number()) : null;
    const time = flags & 4 ? BigInt.asIntN(64, BigInt(`0x${take(8)}`)) : null;
    const headers = flags & 8 ? Array.from({ length: number() }, () => [take(number()), optional()]) : [];
    return { key, id, headers, time, value: optional() };
  });
  expect(at).toBe(frame.length);
  return messages;
}

test("a reader written from the description agrees with ours on every frame", () => {
  fc.assert(
    fc.property(anyBatch, ({ key, messages }) => {
      const frame = frameOf(messages, key);
      const ours = framed(frame, key).map(contentOf) as { headers: [string, string | null][] }[];
      const byTheBook = readByTheBook(frame) as { headers: [string, string | null][] }[];
      const names = messages.map(({ headers }) => headers.map(([name]) => name));
      expect(
        byTheBook.map(({ headers, ...others }, index) => ({
          ...others,
          headers: headers.map(([, value], at) => [names[index]![at], value]),
        })),
      ).toEqual(ours);
    }),
    { numRuns: 150, seed: 8 },
  );
});
