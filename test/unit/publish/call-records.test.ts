import { expect, test } from "vitest";
import type { CallShape } from "../../../src/driver/producer-driver.ts";
import { createProducer } from "../../../src/publish/producer.ts";
import { FakeProducerDriver, SHAPES, byHand, fakeContext, stored, until } from "./fake-producer-driver.ts";

/** Up to three records in a call; each packs up to ten messages of its key. */
const PACKING: CallShape = { ...SHAPES["kinesis"]!, maxLaneMessages: 10, maxCallMessages: 100, maxCallRecords: 3, maxCallsInFlight: 1 };

function setUp(shape = PACKING, options = {}) {
  const driver = new FakeProducerDriver(shape);
  driver.script = byHand;
  const producer = createProducer(fakeContext(driver), options);
  const send = (key: string | null, value = "v"): Promise<unknown> => producer.send({ key, value });
  const answer = (call: number): void => driver.calls[call]!.answer(...driver.calls[call]!.lanes.map(() => stored));
  return { driver, producer, send, answer };
}

async function answerAll({ driver, answer }: ReturnType<typeof setUp>, first: number, end: number): Promise<void> {
  for (let call = first; call < end; call += 1) {
    await until(() => driver.calls.length > call);
    answer(call);
  }
}

test("a slice of a lane counts as one record, however many messages it has", async () => {
  const it = setUp();
  const sends = ["a", "b", "c", "d"].flatMap((key) => Array.from({ length: 10 }, () => it.send(key)));
  await answerAll(it, 0, 2);
  await Promise.all(sends);
  expect(it.driver.calls.map(({ lanes, slices }) => [lanes, slices.map(({ length }) => length)])).toEqual([
    [
      ["ka", "kb", "kc"],
      [10, 10, 10],
    ],
    [["kd"], [10]],
  ]);
  expect(it.driver.violations).toEqual([]);
});

test("each message without a lane counts as one record, beside lanes and when it is retried", async () => {
  const it = setUp();
  const sends = [it.send("a"), it.send("a"), ...["1", "2", "3", "4", "5"].map((value) => it.send(null, value))];
  await until(() => it.driver.calls.length === 1);
  expect(it.driver.calls[0]!.slices).toEqual([
    ["a:v", "a:v"],
    ["null:1", "null:2"],
  ]);
  it.driver.calls[0]!.answer(stored, { outcome: "retryable", error: new Error("no") as never, retryAfterMs: 0 });
  await answerAll(it, 1, 3);
  await Promise.all(sends);
  for (const { slices } of it.driver.calls.slice(1)) expect(slices.flat().length).toBeLessThanOrEqual(3);
  expect(it.driver.violations).toEqual([]);
});

test("a producer that lingers flushes as soon as there are enough records for a call", async () => {
  for (const keys of [
    ["a", "b", "c"],
    [null, null, null],
  ]) {
    const it = setUp(PACKING, { lingerMs: 60_000 });
    // The first message also waits for `prepare`.
    const first = it.send("first");
    const sends = keys.map((key) => it.send(key));
    await until(() => it.driver.calls.length > 0);
    it.driver.script = null;
    it.answer(0);
    void it.producer.flush();
    await Promise.all([first, ...sends]);
    expect(it.driver.violations).toEqual([]);
  }
});

test.each<[string, Partial<CallShape>]>([
  ["in calls of records", {}],
  ["in calls of messages", { maxCallRecords: undefined, maxCallMessages: 3 }],
  ["in calls of one lane", { maxCallRecords: undefined, maxCallMessages: 3, lanesPerCall: "one" }],
])("a flood of messages without a key does not keep keys waiting: %s", async (_, shape) => {
  const it = setUp({ ...PACKING, ...shape });
  const flood = Array.from({ length: 30 }, (_, index) => it.send(null, String(index)));
  await until(() => it.driver.calls.length === 1);
  const keyed = it.send("a");
  await new Promise((resolve) => setImmediate(resolve));
  it.answer(0);
  await until(() => it.driver.calls.length === 2);
  it.answer(1);
  await until(() => it.driver.calls.length === 3);
  expect(it.driver.calls.slice(1, 3).some(({ lanes }) => lanes.includes("ka"))).toBe(true);
  it.driver.script = null;
  it.answer(2);
  await Promise.all([...flood, keyed]);
});

test("prepare may change how calls are filled, and so may a driver while it runs", async () => {
  const it = setUp({ ...PACKING, maxCallRecords: 100 });
  it.driver.preparing = async () => {
    it.driver.shape = { ...PACKING, maxLaneMessages: 2, maxCallRecords: 2 };
  };
  const sends = ["a", "a", "a", "b", "c"].map((key) => it.send(key));
  await until(() => it.driver.calls.length === 1);
  expect(it.driver.calls[0]!.slices).toEqual([["a:v", "a:v"], ["b:v"]]);
  it.driver.shape = PACKING;
  it.answer(0);
  await until(() => it.driver.calls.length === 2);
  expect(it.driver.calls[1]!.slices).toEqual([["c:v"], ["a:v"]]);
  it.answer(1);
  await Promise.all(sends);
});
