import { expect, test } from "vitest";
import { originText, parseOrigin } from "../../src/handled-origin.ts";

test("what was handled elsewhere comes back from its text, whatever the partitions are called", () => {
  const origin = {
    source: "Zk3f9a2c1Qw",
    ordinals: new Map([
      ["0", "42"],
      ["shardId-000000000001", "0"],
      ["a b=c", "7"],
    ]),
  };
  expect(originText(origin)).toMatch(/^[\x20-\x7e]+$/);
  expect(parseOrigin(originText(origin))).toEqual(origin);
  expect(parseOrigin(originText({ source: "Zk3f9a2c1Qw", ordinals: new Map() }))).toEqual({ source: "Zk3f9a2c1Qw", ordinals: new Map() });
});

test.each(["", "Zk3f9a2c1Qw 0", "Zk3f9a2c1Qw 0=x", "Zk3f9a2c1Qw %zz=1", "Zk3f9a2c1Qw 0=-1"])("%j says nothing", (text) => {
  expect(parseOrigin(text)).toBeNull();
});
