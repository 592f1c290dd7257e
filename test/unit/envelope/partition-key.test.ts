import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { partitionKeyOf, unpackRecord } from "../../../src/envelope/index.ts";
import { frameOf, framed, message, serviceRecord, utf8 } from "./frames.ts";

/** As Kinesis: text of 1 to 256 characters. */
const isTaken = (key: Uint8Array): boolean => key.length > 0 && isUtf8(key) && Buffer.from(key).toString("utf8").length <= 256;

test("a key that the service takes is its own partition key; another is replaced by its hash, and comes back from the frame", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.string({ maxLength: 400 }).map(utf8)), (key) => {
      const partitionKey = partitionKeyOf(key, isTaken);
      expect(isTaken(partitionKey)).toBe(true);
      if (isTaken(key)) expect(partitionKey).toBe(key);
      const [only] = framed(frameOf([message({ key })], partitionKey), partitionKey);
      expect(Buffer.from(only!.key!)).toEqual(Buffer.from(key));
    }),
    { numRuns: 500, seed: 7 },
  );
});

test("derived partition keys never change", () => {
  const derived = (key: Uint8Array): string => Buffer.from(partitionKeyOf(key, () => false)).toString("latin1");
  expect(derived(new Uint8Array(0))).toBe("streamport-key-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
  expect(derived(Uint8Array.of(0xff))).toBe("streamport-key-qBAK5qoZQNC2Y7sxzUZhQuu9vVGHExuS2TgYmHgy64k");
  expect(derived(utf8("x".repeat(300)))).toHaveLength(58);
});

test("a frame stays one when the service takes more, or less, than when it was written", () => {
  const key = utf8("x".repeat(300));
  const derived = partitionKeyOf(key, isTaken);
  for (const partitionKey of [key, derived]) expect(framed(frameOf([message({ key })], partitionKey), partitionKey)).toHaveLength(1);
});

test("the partition key that was derived from one key is not that of another", () => {
  const key = Uint8Array.of(0xff);
  const frame = frameOf([message({ key })], partitionKeyOf(key, isTaken));
  const ofAnother = partitionKeyOf(Uint8Array.of(0xfe), isTaken);
  expect(unpackRecord(serviceRecord(frame, ofAnother))).toMatchObject({ kind: "foreign", reason: "partition-key" });
});
