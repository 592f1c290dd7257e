import { expect, test } from "vitest";
import { createProducer } from "../../../src/publish/producer.ts";
import { FakeProducerDriver, SHAPES, byHand, fakeContext, stored, until } from "./fake-producer-driver.ts";

/** Keys whose partition is p0, p1, p2, p3. */
const KEYS = ["d", "a", "b", "c"] as const;

/** Partitions 0 and 1 are led by one broker, 2 and 3 by another, each with one call at a time; the test answers. */
function setUp() {
  const driver = new FakeProducerDriver({ ...SHAPES["kafka"]!, maxCallsInFlight: 1 });
  driver.script = byHand;
  const leaders = new Map<string | null, string>([
    ["p0", "one"],
    ["p1", "one"],
    ["p2", "two"],
    ["p3", "two"],
  ]);
  driver.destinationOf = (lane) => leaders.get(lane) ?? "one";
  const producer = createProducer(fakeContext(driver), {});
  const send = (partition: 0 | 1 | 2 | 3, value: string): Promise<unknown> => producer.send({ key: KEYS[partition], value });
  /** Of every call: the messages of each lane. */
  const calls = (): unknown[] => driver.calls.map(({ lanes, slices }) => Object.fromEntries(lanes.map((lane, at) => [lane, slices[at]])));
  const answer = (call: number): void => driver.calls[call]!.answer(...driver.calls[call]!.lanes.map(() => stored));
  return { driver, leaders, send, calls, answer };
}

test("lanes of one destination share a call, and each destination has its own calls in flight", async () => {
  const { driver, send, calls, answer } = setUp();
  const first = ([0, 1, 2, 3] as const).map((partition) => send(partition, "1"));
  await until(() => driver.calls.length === 2);
  expect(calls()).toEqual([
    { p0: ["d:1"], p1: ["a:1"] },
    { p2: ["b:1"], p3: ["c:1"] },
  ]);
  // The first destination is busy; the second does not wait for it.
  answer(1);
  await Promise.all(first.slice(2));
  const second = [send(1, "2"), send(2, "2")];
  await until(() => driver.calls.length === 3);
  expect(calls()[2]).toEqual({ p2: ["b:2"] });
  answer(0);
  await until(() => driver.calls.length === 4);
  expect(calls()[3]).toEqual({ p1: ["a:2"] });
  answer(2);
  answer(3);
  await Promise.all([...first, ...second]);
  expect(driver.violations).toEqual([]);
});

test("a partition whose leader changes while it is ready is sent to the new leader, in order, and in one call only", async () => {
  const { driver, leaders, send, calls, answer } = setUp();
  const sends = [send(0, "1")];
  await until(() => driver.calls.length === 1);
  // Ready, while its destination is busy.
  sends.push(send(1, "1"));
  await new Promise((resolve) => setImmediate(resolve));
  leaders.set("p1", "two");
  sends.push(send(1, "2"));
  await until(() => driver.calls.length === 2);
  expect(calls()[1]).toEqual({ p1: ["a:1", "a:2"] });
  sends.push(send(0, "2"));
  answer(0);
  await until(() => driver.calls.length === 3);
  expect(calls()[2]).toEqual({ p0: ["d:2"] });
  answer(1);
  answer(2);
  await Promise.all(sends);
  expect(driver.violations).toEqual([]);
});

test("a partition that has changed its leader shares no call with partitions of the old one, also when nothing new is sent to it", async () => {
  const { driver, leaders, send, calls, answer } = setUp();
  const sends = [send(0, "1")];
  await until(() => driver.calls.length === 1);
  sends.push(send(0, "2"), send(1, "1"));
  await new Promise((resolve) => setImmediate(resolve));
  leaders.set("p1", "two");
  answer(0);
  await until(() => driver.calls.length === 3);
  expect(calls().slice(1)).toEqual(expect.arrayContaining([{ p0: ["d:2"] }, { p1: ["a:1"] }]));
  answer(1);
  answer(2);
  await Promise.all(sends);
});
