import { expect, test } from "vitest";
import type { PublishCall, SliceResult } from "../../../src/driver/producer-driver.ts";
import { StreamError } from "../../../src/errors.ts";
import { createProducer } from "../../../src/publish/producer.ts";
import { FakeProducerDriver, SHAPES, fakeContext, refused, retryable } from "./fake-producer-driver.ts";
import { codes } from "./outcomes.ts";

const valueOf = (record: { readonly value: Uint8Array | null }): string => Buffer.from(record.value!).toString();

/** A service that refuses a whole call because of one message in it. The calls that it stores are in `log`. A back-off would end the test. */
function setUp(maxLaneMessages = 100) {
  const driver = new FakeProducerDriver({ ...SHAPES["kinesis"]!, maxLaneMessages, maxCallMessages: 1_000, maxCallRecords: 500 });
  let refusedTogether = 0;
  driver.script = async ({ slices }: PublishCall): Promise<readonly SliceResult[]> => {
    const isBad = slices.some(({ records }) => records.some((record) => valueOf(record).startsWith("bad")));
    if (!isBad) return slices.map(({ lane, records }) => driver.store(lane, records));
    if (slices.length === 1) return [refused()];
    refusedTogether += 1;
    return slices.map(() => ({ outcome: "retryable", error: new StreamError("invalid-argument", "a message of the call is invalid") }));
  };
  const producer = createProducer(fakeContext(driver), { retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 } });
  return { driver, producer, refusedTogether: () => refusedTogether };
}

test("of a call that is refused as a whole only the invalid message fails, and its key behind it", async () => {
  const it = setUp();
  const values = ["1", "2", "bad", "4", "5"];
  const sends = [
    ...values.map((value) => it.producer.send({ key: "x", value })),
    ...["a", "b", "c"].flatMap((key) => ["1", "2"].map((value) => it.producer.send({ key, value }))),
    ...["k1", "k2"].map((value) => it.producer.send({ key: null, value })),
  ];
  expect(await codes(sends)).toEqual([
    "stored",
    "stored",
    "invalid-argument",
    "key-blocked",
    "key-blocked",
    ...Array.from({ length: 8 }, () => "stored"),
  ]);
  const of = (key: string): string[] => it.driver.log.filter((entry) => entry.key === key).map(({ value }) => value);
  expect([of("x"), of("a"), of("b"), of("c"), of("null").toSorted()]).toEqual([
    ["1", "2"],
    ["1", "2"],
    ["1", "2"],
    ["1", "2"],
    ["k1", "k2"],
  ]);
  expect(it.driver.violations).toEqual([]);
});

test("the lane of the invalid message is found by halves, without a wait, and other keys go on", async () => {
  const it = setUp();
  const keys = Array.from({ length: 400 }, (_, index) => `key-${index}`);
  const sends = keys.map((key) => it.producer.send({ key, value: key === "key-321" ? "bad" : "v" }));
  expect(await codes(sends)).toEqual(keys.map((key) => (key === "key-321" ? "invalid-argument" : "stored")));
  // 400, then two halves each time: 200, 100, 50, 25, 12, 6, 3, 1; odd halves leave some more.
  expect(it.driver.calls.length).toBeLessThanOrEqual(1 + 2 * 8 + 8);
  expect(it.refusedTogether()).toBeLessThanOrEqual(8);
  const before = it.driver.calls.length;
  await Promise.all(keys.slice(0, 100).map((key) => it.producer.send({ key, value: "again" })));
  expect(it.driver.calls.length).toBe(before + 1);
  expect(it.driver.violations).toEqual([]);
});

test("the lane of the invalid message travels alone until it is found: no other lane is refused with it a second time", async () => {
  const it = setUp();
  const lane = Array.from({ length: 64 }, (_, index) => (index === 40 ? "bad" : String(index)));
  const sends = lane.map((value, index) => it.producer.send({ key: `x${index === 40 ? "" : index}`, value, toPartition: "0" }));
  // All of one lane; other keys go on all the time.
  const others: Promise<unknown>[] = [];
  let isDone = false;
  const traffic = (async () => {
    while (!isDone) {
      others.push(it.producer.send({ key: "a", value: "v" }), it.producer.send({ key: "b", value: "v" }));
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const outcomes = await codes(sends);
  isDone = true;
  await traffic;
  expect(outcomes.filter((code) => code !== "stored")).toEqual(["invalid-argument"]);
  expect(new Set(await codes(others))).toEqual(new Set(["stored"]));
  expect(it.refusedTogether()).toBeLessThanOrEqual(1);
  expect(it.driver.violations).toEqual([]);
});

test("when the culprit is found, its lane shares calls again", async () => {
  const it = setUp();
  await codes(["1", "bad", "3"].map((value) => it.producer.send({ key: "x", value })));
  await it.producer.send({ key: "x", value: "4" });
  const before = it.driver.calls.length;
  await Promise.all(["x", "y"].map((key) => it.producer.send({ key, value: "v" })));
  expect(it.driver.calls.slice(before).map(({ lanes }) => lanes)).toEqual([["kx", "ky"]]);
});

test("a single message that is refused alone fails at once", async () => {
  const it = setUp(1);
  expect(await codes(["a", "bad", "c"].map((value) => it.producer.send({ key: value, value })))).toEqual([
    "stored",
    "invalid-argument",
    "stored",
  ]);
});

test("a refusal that is not about a message fails all that was sent at once, without a search for a culprit", async () => {
  const driver = new FakeProducerDriver(SHAPES["event-hubs"]);
  driver.script = async ({ slices }) =>
    slices.map(() => ({ outcome: "refused", error: new StreamError("permission-denied", "you may not write here") }));
  const producer = createProducer(fakeContext(driver), {});
  const keys = ["a", "a", "e", null, null, null];
  expect(await codes(keys.map((key) => producer.send({ key, value: "v" })))).toEqual(keys.map(() => "permission-denied"));
  expect(driver.calls.length).toBe(2);
});

test("throttled lanes share calls when they are sent again: they do not use up the calls of others", async () => {
  const driver = new FakeProducerDriver({ ...SHAPES["packing"]!, maxCallMessages: 1_000, maxCallRecords: 500, maxCallsInFlight: 1 });
  let isThrottled = true;
  driver.script = async ({ slices }) => {
    const results = slices.map(({ lane, records }) => (isThrottled ? retryable(5) : driver.store(lane, records)));
    isThrottled = false;
    return results;
  };
  const producer = createProducer(fakeContext(driver), { retry: { initialDelayMs: 0, maxDelayMs: 0 } });
  await Promise.all(Array.from({ length: 100 }, (_, index) => producer.send({ key: `key-${index}`, value: "v" })));
  expect(driver.calls.length).toBeLessThan(10);
  expect(driver.violations).toEqual([]);
});
