import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodePosition,
  encodePosition,
  positionEncoder,
  requireSameTopic,
  sealBookmark,
  unsealBookmark,
} from "../../../src/position/position.ts";

const PARTS = { provider: "fake", cluster: "c", topic: "t", incarnation: "", partition: "0", position: "42/\u0000é" };

test("comes back, and is the same for the same parts", () => {
  expect(decodePosition(encodePosition(PARTS))).toEqual(PARTS);
  expect(encodePosition({ ...PARTS })).toBe(encodePosition(PARTS));
  expect(encodePosition({ ...PARTS, position: "43" })).not.toBe(encodePosition(PARTS));
  expect(encodePosition(PARTS)).toMatch(/^[\w.-]+$/);
});

test("a position is the check over its parts, whatever is in them and in whatever order they are encoded", () => {
  const part = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "binary", maxLength: 12 }), fc.string({ maxLength: 300 }));
  fc.assert(
    fc.property(fc.array(part, { minLength: 5, maxLength: 5 }), fc.array(part, { minLength: 1, maxLength: 5 }), (common, positions) => {
      const [provider, cluster, topic, incarnation, partition] = common as [string, string, string, string, string];
      const encode = positionEncoder({ provider, cluster, topic, incarnation, partition });
      for (const position of positions) {
        const body = Buffer.from(JSON.stringify([...common, position]), "utf8").toString("base64url");
        expect(encode(position)).toBe(`p1.${body}.${crc32(`p1.${body}`).toString(36)}`);
        expect(encodePosition({ provider, cluster, topic, incarnation, partition, position })).toBe(encode(position));
      }
    }),
  );
});

test("a bookmark given for a position is recognised, and the reverse", () => {
  expect(() => decodePosition(sealBookmark([]))).toThrow("this is a bookmark; a position is needed here");
  expect(() => unsealBookmark(encodePosition(PARTS))).toThrow("this is a position; a bookmark is needed here");
});

test("a right check over what is no JSON, or has other parts, is refused all the same", () => {
  const forge = (text: string): string => {
    const body = Buffer.from(text).toString("base64url");
    return `p1.${body}.${crc32(`p1.${body}`).toString(36)}`;
  };
  for (const text of ["{", "[]", '["a","b","c","d","e",6]', "null"]) {
    expect(() => decodePosition(forge(text))).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  }
  expect(decodePosition(forge('["a","b","c","d","e","f"]')).position).toBe("f");
});

test("what was received is named by its length or type, never shown", () => {
  expect(() => decodePosition("secret-token")).toThrow(/received 12 characters/);
  expect(() => decodePosition(5)).toThrow(/received number/);
  expect(() => decodePosition("secret-token")).not.toThrow(/secret/);
});

test("the same topic passes, any difference is a mismatch", () => {
  requireSameTopic("position", PARTS, "fake", PARTS);
  for (const other of [{ cluster: "x" }, { topic: "x" }, { incarnation: "x" }]) {
    expect(() => requireSameTopic("position", PARTS, "fake", { ...PARTS, ...other })).toThrow(
      expect.objectContaining({ code: "position-mismatch" }),
    );
  }
});
