import { expect, test } from "vitest";
import {
  checkAtLeastOnceInOrder,
  checkComplete,
  checkExactlyOnceInOrder,
  checkNoDuplicates,
  checkNothingForeign,
  checkOrder,
  checkPositions,
  checkRepeatsFollowLosses,
  checkRepeatsInOrder,
} from "../../../src/conformance/history/check.ts";
import { type Delivery, History } from "../../../src/conformance/history/history.ts";
import type { Sequenced } from "../../../src/conformance/history/sequenced.ts";

/** `a0 b0 a1` as values of a topic. */
function values(text: string): readonly Sequenced[] {
  return text.split(" ").map((word) => ({ topic: "t", key: word[0]!, sequence: Number(word.slice(1)) }));
}

function deliveries(text: string, changes: Partial<Delivery> = {}): readonly Delivery[] {
  return values(text).map((value, index) => ({
    ...value,
    messageKey: value.key,
    partition: "0",
    position: `p${index}`,
    receiver: "r",
    ...changes,
  }));
}

test("order judges first occurrences of each key, and nothing else", () => {
  checkOrder(values("a0 b0 a1 b1"));
  checkOrder(values("a0 a1 a0 a1 a2"));
  checkOrder(values("a0 a2"));
  expect(() => checkOrder(values("a0 b0 a2 b1 a1"))).toThrow('order per key: "a" #1 was received after #2');
  expect(() => checkOrder(values("b1 a0 b0"))).toThrow('"b" #0');
});

test("completeness judges what is missing, whatever the order and however often", () => {
  checkComplete(values("a0 a1"), values("a1 a0 a0"));
  expect(() => checkComplete(values("a0 a1 b0"), values("a0"))).toThrow('2 of 3 messages never came, first "a" #1, "b" #0');
});

test("duplicates are judged by themselves", () => {
  checkNoDuplicates(values("a1 a0"));
  expect(() => checkNoDuplicates(values("a0 b0 a0"))).toThrow('"a" #0 came more than once');
});

test("what was never sent, sent elsewhere, or has another key is foreign", () => {
  checkNothingForeign(values("a0"), deliveries("a0"), "t");
  expect(() => checkNothingForeign(values("a0"), deliveries("a0 a1"), "t")).toThrow('"a" #1 was never sent');
  expect(() => checkNothingForeign(values("a0"), deliveries("a0"), "other")).toThrow("another topic");
  expect(() => checkNothingForeign(values("a0"), deliveries("a0", { messageKey: "b" }), "t")).toThrow("another key");
});

test("a position names one message; a message stored twice has two", () => {
  checkPositions(deliveries("a0 a1 a0"));
  expect(() => checkPositions(deliveries("a0 a1", { position: "same" }))).toThrow("names another message");
  const moved = [...deliveries("a0"), ...deliveries("a0", { partition: "1", position: "p9" })];
  expect(() => checkPositions(moved)).toThrow("two partitions");
});

test("after a redelivery a key goes on without a hole", () => {
  checkRepeatsInOrder(values("a0 a1 a2 a1 a2 a3"));
  expect(() => checkRepeatsInOrder(values("a0 a1 a2 a0 a2"))).toThrow('after "a" #0 came #2');
});

test("a repeat needs a loss of its partition, and each loss allows one", () => {
  const twice = [...deliveries("a0 b0"), ...deliveries("a0 b0")];
  expect(() => checkRepeatsFollowLosses(deliveries("a0 b0"), new Map())).not.toThrow();
  expect(() => checkRepeatsFollowLosses(twice, new Map([["0", 1]]))).not.toThrow();
  expect(() => checkRepeatsFollowLosses(twice, new Map([["1", 1]]))).toThrow(
    'duplicates: "a" #0 came 2 times; its partition was lost 0 times',
  );
  expect(() => checkRepeatsFollowLosses([...twice, ...deliveries("a0")], new Map([["0", 1]]))).toThrow(/came 3 times/);
});

test("the two summaries differ in duplicates only", () => {
  const sent = values("a0 a1");
  checkAtLeastOnceInOrder(sent, deliveries("a0 a0 a1"), "t");
  expect(() => checkExactlyOnceInOrder(sent, deliveries("a0 a0 a1"), "t")).toThrow("duplicates");
  expect(() => checkAtLeastOnceInOrder(sent, deliveries("a1 a0"), "t")).toThrow("order per key");
});

test("a history numbers each key without gaps, and a new page goes on where it is", () => {
  const history = new History(() => undefined);
  expect([history.next("t", "a"), history.next("t", "b"), history.next("t", "a")].map(({ sequence }) => sequence)).toEqual([0, 0, 1]);
  const page = history.continued();
  expect(page.sent).toEqual([]);
  expect(page.next("t", "a").sequence).toBe(2);
  expect(history.sent).toHaveLength(3);
});
