import * as fc from "fast-check";
import { type FrameMessage, FrameWriter, type FramedRecord, type ServiceRecord, unpackRecord } from "../../../src/envelope/index.ts";
import { bytesToText } from "../../../src/text-bytes.ts";

export const UNBOUNDED = { maxBytes: Infinity, maxMessages: Infinity };

/** A message with nothing in it but what is given. */
export function message(parts: Partial<FrameMessage> = {}): FrameMessage {
  return { key: null, value: new Uint8Array(0), headers: [], timestampMs: null, ...parts };
}

export function utf8(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

export function frameOf(messages: readonly FrameMessage[], partitionKey: Uint8Array | null): Buffer {
  const writer = new FrameWriter(partitionKey, UNBOUNDED);
  for (const each of messages) if (!writer.add(each)) throw new Error("the frame has bounds");
  return writer.finish();
}

export function serviceRecord(data: Uint8Array, partitionKey: Uint8Array | null): ServiceRecord {
  return { data, partitionKey, position: "49590338271490256608559692538361571095", timestampMs: 1_700_000_000_000, native: { sdk: true } };
}

export function framed(data: Uint8Array, partitionKey: Uint8Array | null): readonly FramedRecord[] {
  const unpacked = unpackRecord(serviceRecord(data, partitionKey));
  if (unpacked.kind !== "frame") throw new Error(`the record is ${unpacked.kind}`);
  return unpacked.records;
}

/** Everything that a frame keeps, in a form that can be compared. */
export function contentOf({
  key,
  id,
  headers,
  value,
  ...times
}: Omit<FrameMessage, "timestampMs"> & { timestampMs?: unknown; producedAtMs?: unknown }): object {
  const hex = (bytes: Uint8Array | null | undefined): string | null =>
    bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString("hex");
  const time = "producedAtMs" in times ? times.producedAtMs : times.timestampMs;
  return {
    key: hex(key),
    id: hex(id),
    headers: headers.map(([name, content]) => [name, hex(content)]),
    time: time === null ? null : BigInt(time as number | bigint),
    value: hex(value),
  };
}

/** Lengths around those at which a number takes one byte more. */
const filled = fc
  .tuple(fc.constantFrom(120, 16_376), fc.nat({ max: 16 }), fc.nat({ max: 255 }))
  .map(([least, more, byte]): Uint8Array => Buffer.alloc(least + more, byte));
const someBytes = fc.oneof({ weight: 4, arbitrary: fc.uint8Array({ maxLength: 12 }) }, filled);
const anyTime = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0, -1, 2 ** 32, -(2 ** 32), 1_700_000_000_000, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n),
);
const anyHeaders = fc.array(
  fc.tuple(
    fc.oneof(
      fc.constantFrom("", "a", "traceparent"),
      fc.uint8Array({ maxLength: 8 }).map(bytesToText),
      fc.nat({ max: 20 }).map((more) => "n".repeat(120 + more)),
    ),
    fc.option(someBytes),
  ),
  { maxLength: 5 },
);

/** Messages of one partition key: each has the key, or none. */
export const anyBatch = fc
  .record({
    key: fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.string().map(utf8),
      fc.nat({ max: 255 }).map((byte): Uint8Array => Buffer.alloc(257 + byte, byte)),
    ),
    parts: fc.array(
      fc.record({
        isKeyless: fc.boolean(),
        id: fc.option(fc.uint8Array({ maxLength: 20 })),
        headers: anyHeaders,
        timestampMs: fc.option(anyTime),
        value: fc.option(someBytes),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ key, parts }) => ({
    key,
    messages: parts.map(({ isKeyless, ...others }): FrameMessage => ({ key: isKeyless ? null : key, ...others })),
  }));
