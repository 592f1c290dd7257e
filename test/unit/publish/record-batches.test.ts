import { expect, test } from "vitest";
import { StreamError } from "../../../src/errors.ts";
import { openRecordSender } from "../../../src/publish/open-record-sender.ts";
import type { OutgoingRecord } from "../../../src/driver/record.ts";
import { FakeProducerDriver, SHAPES, byHand, fakeContext, refused, unknown, until } from "./fake-producer-driver.ts";

const record = (key: string | null, value: string): OutgoingRecord => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  headers: [],
  timestampMs: null,
  toPartition: undefined,
});

function open(driver: FakeProducerDriver) {
  return openRecordSender(fakeContext(driver), { retry: { initialDelayMs: 1, maxDelayMs: 1 } });
}

test.each(Object.keys(SHAPES))("records sent together keep their order in each lane, in the shape of %s", async (shape) => {
  const driver = new FakeProducerDriver(SHAPES[shape]);
  const sender = open(driver);
  const records = Array.from({ length: 300 }, (_, index) => record(`k${index % 7}`, String(index)));
  // A call of unknown outcome, which is sent again.
  let calls = 0;
  driver.script = async (call) => call.slices.map(({ lane, records }) => (++calls === 3 ? unknown() : driver.store(lane, records)));
  await Promise.all([sender.sendRecords(records.slice(0, 150)), sender.sendRecords(records.slice(150))]);
  expect(driver.violations).toEqual([]);
  for (let key = 0; key < 7; key += 1) {
    const values = driver.log.filter((entry) => entry.key === `k${key}`).map(({ value }) => Number(value));
    expect([...new Set(values)]).toEqual(Array.from({ length: 300 }, (_, index) => index).filter((index) => index % 7 === key));
  }
  await sender.close();
});

test("the answer names the position that was stored last in each partition, and no record is forgotten", async () => {
  const driver = new FakeProducerDriver();
  const sender = open(driver);
  const receipts = await sender.sendRecords([record("a", "1"), record("b", "2"), record("a", "3")]);
  expect(receipts.lastPositions()).toEqual(
    new Map([
      ["p1", String(driver.log.findIndex(({ value }) => value === "3"))],
      ["p2", String(driver.log.findIndex(({ value }) => value === "2"))],
    ]),
  );
  expect((await sender.sendRecords([])).lastPositions().size).toBe(0);
  await sender.close();
});

test("the promise settles when the last of them has settled, with the first failure in the order of the call", async () => {
  const driver = new FakeProducerDriver(SHAPES["kinesis"]);
  const sender = open(driver);
  await sender.prepare();
  driver.script = byHand;
  const sent = sender.sendRecords([record("a", "1"), record("b", "2"), record("b", "3"), record("c", "4")]);
  let settled = false;
  const outcome = sent.then(
    () => "stored",
    (error: unknown) => error,
  );
  void outcome.then(() => (settled = true));
  await until(() => driver.calls.length > 0);
  const [call] = driver.calls;
  call!.answer(...call!.slices.map(([first]) => (first === "b:2" ? refused("no b") : driver.store(null, []))));
  expect(await outcome).toMatchObject({ code: "invalid-argument" });
  expect(settled).toBe(true);
  // Behind the failure of its key nothing was handed to the driver.
  expect(driver.calls.flatMap(({ slices }) => slices.flat())).not.toContain("b:3");
  await sender.close();
});

test("what the topic cannot take is known before anything is sent", async () => {
  const driver = new FakeProducerDriver();
  const sender = open(driver);
  await sender.prepare();
  expect(sender.refusal(record("a", "1"))).toBeNull();
  expect(sender.refusal(record("x".repeat(200), "1"))).toMatchObject({ code: "too-large", topic: "orders" });
  driver.limits = { ...driver.limits, headerCount: 0 };
  expect(sender.refusal({ ...record("a", "1"), headers: [["h", Buffer.from("1")]] })).toMatchObject({ code: "unsupported" });
  expect(driver.calls).toEqual([]);
  await sender.close();
});

test("an abort before the call, and while it waits", async () => {
  const driver = new FakeProducerDriver();
  const sender = open(driver);
  await sender.prepare();
  const reason = new StreamError("ownership-lost", "gone");
  await expect(sender.sendRecords([record("a", "1")], AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(driver.log).toEqual([]);
  driver.script = byHand;
  const controller = new AbortController();
  const sent = sender.sendRecords([record("a", "1"), record("a", "2")], controller.signal);
  const outcome = sent.catch((error: unknown) => error);
  await until(() => driver.calls.length > 0);
  controller.abort(reason);
  expect(await outcome).toMatchObject({ code: "outcome-unknown" });
  driver.calls[0]!.answer(driver.store("p1", []));
  await sender.close();
});
