import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createProducer } from "../../../src/publish/producer.ts";
import { FakeProducerDriver, byHand, fakeContext, stored, unknown, until } from "./fake-producer-driver.ts";

let clockMs: number;

beforeEach(() => {
  clockMs = 1_000_000;
  vi.spyOn(performance, "now").mockImplementation(() => clockMs);
});

afterEach(() => void vi.restoreAllMocks());

function setUp(options = {}) {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const producer = createProducer(fakeContext(driver), options);
  /** The keys a, b, c and d are those of the partitions 1, 2, 3 and 0. */
  const send = (key: string, value = "v"): Promise<unknown> => producer.send({ key, value });
  const lanesFrom = (call: number): unknown[] => driver.calls.slice(call).map(({ lanes }) => lanes);
  const answer = (call: number): void => driver.calls[call]!.answer(...driver.calls[call]!.lanes.map(() => stored));
  return { driver, send, lanesFrom, answer };
}

test("a call that takes just a second is in time: its lanes share the next call", async () => {
  const { driver, send, lanesFrom, answer } = setUp();
  const first = [send("a"), send("b")];
  await until(() => driver.calls.length === 1);
  clockMs += 1_000;
  answer(0);
  await Promise.all(first);
  const second = [send("a"), send("b")];
  await until(() => driver.calls.length > 1);
  expect(lanesFrom(1)).toEqual([["p1", "p2"]]);
  answer(1);
  await Promise.all(second);
});

test("lanes of a late call travel alone, each until a call of its own is in time", async () => {
  const { driver, send, lanesFrom, answer } = setUp();
  const first = [send("a"), send("b")];
  await until(() => driver.calls.length === 1);
  clockMs += 1_001;
  answer(0);
  await Promise.all(first);

  const second = [send("c"), send("a"), send("d"), send("b")];
  await until(() => driver.calls.length === 5);
  // No lane shares a call with a late one.
  expect(lanesFrom(1)).toEqual([["p3"], ["p1"], ["p0"], ["p2"]]);
  for (const call of [1, 2, 3]) answer(call);
  await Promise.all(second.slice(0, 3));
  clockMs += 1_001;
  answer(4);
  await second[3];

  const third = [send("a"), send("c"), send("b"), send("d")];
  await until(() => driver.calls.length === 8);
  expect(lanesFrom(5)).toEqual([["p1", "p3"], ["p2"], ["p0"]]);
  for (const call of [5, 6, 7]) answer(call);
  await Promise.all(third);

  const fourth = [send("a"), send("b"), send("c"), send("d")];
  await until(() => driver.calls.length === 9);
  expect(lanesFrom(8)).toEqual([["p1", "p2", "p3", "p0"]]);
  answer(8);
  await Promise.all(fourth);
});

test("a message that expires in a call fails those of its key after it, and none of another key in the same slice", async () => {
  const { driver, send } = setUp({ deliveryTimeoutMs: 20, retry: { initialDelayMs: 0, maxDelayMs: 1 } });
  driver.partitions = 1;
  const outcomes: string[] = [];
  const note = (name: string, sent: Promise<unknown>): Promise<void> =>
    sent.then(
      () => void outcomes.push(`${name} stored`),
      (error: { code: string }) => void outcomes.push(`${name} ${error.code}`),
    );
  const first = note("a1", send("a", "1"));
  clockMs += 15;
  const rest = [note("b1", send("b", "1")), note("a2", send("a", "2"))];
  await until(() => driver.calls.length === 1);
  expect(driver.calls[0]!.slices).toEqual([["a:1", "b:1", "a:2"]]);
  rest.push(note("a3", send("a", "3")), note("b2", send("b", "2")));
  clockMs += 6;
  await first;
  await until(() => outcomes.length === 3);
  expect(outcomes).toEqual(["a1 outcome-unknown", "a2 outcome-unknown", "a3 key-blocked"]);
  // The callers of key b still wait for the call.
  expect(driver.calls[0]!.signal.aborted).toBe(false);
  driver.calls[0]!.answer(unknown());
  await until(() => driver.calls.length === 2);
  expect(driver.calls[1]!.slices).toEqual([["b:1", "b:2"]]);
  driver.calls[1]!.answer(stored);
  await Promise.all(rest);
  expect(outcomes.slice(3)).toEqual(["b1 stored", "b2 stored"]);
});
