import { beforeEach, expect, test } from "vitest";
import { HeldKeys } from "../../../../adapters/pubsub/subscription/held-keys.ts";

const UNTIL_MS = 100;

let held: HeldKeys;
beforeEach(() => {
  held = new HeldKeys();
});

const message = (messageId: string, orderingKey = "k") => ({ ackId: `ack-${messageId}`, message: { messageId, orderingKey } });

/** @param names `1!`: it is not this member's @returns the ids of what can be handled */
function take(...names: readonly string[]): readonly string[] {
  const lost = names.filter((name) => name.endsWith("!")).map((name) => `ack-${name.slice(0, -1)}`);
  const messages = names.map((name) => message(name.replace("!", "")));
  return held.take(messages, new Set(lost), UNTIL_MS).map((one) => one.message.messageId ?? "");
}

test("where all is this member's nothing waits", () => {
  expect(take("1", "2")).toEqual(["1", "2"]);
  expect(held.isEmpty).toBe(true);
});

test("what is behind a missing message of its key waits until that has come again", () => {
  expect(take("1", "2!", "3")).toEqual(["1"]);
  expect(take("4")).toEqual([]);
  expect(take("2")).toEqual(["2", "3", "4"]);
  expect(held.isEmpty).toBe(true);
  expect(take("5")).toEqual(["5"]);
});

test("what is missing may be missing again, and more may be missing behind it", () => {
  expect(take("1!", "2", "3!", "4")).toEqual([]);
  expect(take("1!")).toEqual([]);
  expect(take("1")).toEqual(["1", "2"]);
  expect(take("4")).toEqual([]);
  expect(take("3")).toEqual(["3", "4"]);
});

test("other keys go on, and messages without a key have no order", () => {
  expect(take("1!")).toEqual([]);
  expect(held.take([message("a", "other"), message("b", ""), message("2")], new Set(), UNTIL_MS)).toEqual([
    message("a", "other"),
    message("b", ""),
  ]);
  expect(held.take([message("c", ""), message("d", "")], new Set(["ack-c"]), UNTIL_MS)).toEqual([message("d", "")]);
});

test("what waits is given up when the missing message has not come in its time, and is taken as it comes then", () => {
  expect(take("1!", "2", "3")).toEqual([]);
  expect(held.giveUp(UNTIL_MS - 1)).toEqual([]);
  expect(held.giveUp(UNTIL_MS)).toEqual(["2", "3"]);
  expect(held.isEmpty).toBe(true);
  expect(take("2", "3")).toEqual(["2", "3"]);
});
