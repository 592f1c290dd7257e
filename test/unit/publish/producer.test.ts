import { getEventListeners } from "node:events";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { channels } from "../../../src/diagnostics/channels.ts";
import type { RecordResult } from "../../../src/driver/producer-driver.ts";
import { StreamError } from "../../../src/errors.ts";
import type { OutgoingMessage } from "../../../src/message.ts";
import { createProducer } from "../../../src/publish/producer.ts";
import type { ProducerOptions } from "../../../src/publish/producer-types.ts";
import type { TypedTopic } from "../../../src/topic-context.ts";
import { FakeProducerDriver, SHAPES, byHand, fakeContext, refused, retryable, stored, unknown, until } from "./fake-producer-driver.ts";
import { codes, failure } from "./outcomes.ts";

const quick: ProducerOptions = { retry: { initialDelayMs: 0, maxDelayMs: 1 } };

function setUp(
  options: ProducerOptions = {},
  driver = new FakeProducerDriver(),
  more: Partial<TypedTopic<string>> = {},
  without: string[] = [],
) {
  return { driver, producer: createProducer(fakeContext(driver, more, without), { ...quick, ...options }) };
}

test("sends of one tick share calls and keep their order; receipts have the positions", async () => {
  const { driver, producer } = setUp();
  const receipts = await Promise.all(["1", "2", "3"].map((value) => producer.send({ key: "a", value })));
  expect(driver.calls.length).toBe(1);
  expect(driver.log.map(({ value }) => value)).toEqual(["1", "2", "3"]);
  expect(receipts[0]!.partition).toBe("p1");
  expect(receipts[0]!.position).not.toBe(receipts[1]!.position);
  expect(Object.keys(receipts[0]!)).toEqual(["partition", "timestamp"]);
  expect(JSON.parse(JSON.stringify(receipts[2]))).toMatchObject({ partition: "p1", position: receipts[2]!.position });
});

test("asynchronous encoding keeps the slot and blocks only its lane", async () => {
  const driver = new FakeProducerDriver();
  let finish!: (bytes: Uint8Array) => void;
  const codec = {
    encode: (value: string) => (value === "slow" ? new Promise<Uint8Array>((resolve) => (finish = resolve)) : Buffer.from(value)),
    decode: () => "",
  };
  const { producer } = setUp({}, driver, { codec });
  const slow = producer.send({ key: "a", value: "slow" });
  const behind = producer.send({ key: "a", value: "behind" });
  await producer.send({ key: "b", value: "other" });
  expect(driver.log.map(({ value }) => value)).toEqual(["other"]);
  finish(Buffer.from("late"));
  await Promise.all([slow, behind]);
  expect(driver.log.map(({ value }) => value)).toEqual(["other", "late", "behind"]);
});

test.each([
  ["retryable", retryable()],
  ["unknown", unknown()],
])("%s: the same messages are retried, in order, and later ones wait", async (_name, first) => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({}, driver);
  const sends = ["1", "2"].map((value) => producer.send({ key: "a", value }));
  await until(() => driver.calls.length === 1);
  sends.push(producer.send({ key: "a", value: "3" }));
  driver.calls[0]!.answer(first);
  await until(() => driver.calls.length === 2);
  expect(driver.calls[1]!.slices).toEqual([["a:1", "a:2", "a:3"]]);
  driver.calls[1]!.answer(stored);
  await Promise.all(sends);
});

test.each<[string, unknown, string]>([
  ["nothing", undefined, "undefined to a call of 1 slices"],
  ["null", null, "null to a call"],
  ["too few", [], "0 results to a call of 1 slices"],
  ["too many", [stored, stored], "2 results to a call of 1 slices"],
  ["no result", [undefined], "without one of the possible outcomes"],
  ["an unknown outcome", [{ outcome: "done" }], "without one of the possible outcomes"],
  ["fewer than records", [{ outcome: "each", results: [unknown()] }], "1 results to a slice of 2 records"],
  ["each without results", [{ outcome: "each" }], "undefined to a slice of 2 records"],
  ["no results of records", [{ outcome: "each", results: [null, null] }], "2 results to a slice of 2 records"],
])("an invalid answer fails the messages at once and names the driver as the cause: %s", async (_name, answer, what) => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({}, driver);
  const sends = ["1", "2"].map((value) => producer.send({ key: "a", value }));
  await until(() => driver.calls.length === 1);
  const behind = producer.send({ key: "a", value: "3" });
  const outcomes = Promise.allSettled([...sends, behind]);
  driver.calls[0]!.answerWrongly(answer);
  const [first, second, third] = (await outcomes).map((outcome) => (outcome.status === "rejected" ? outcome.reason : null));
  for (const error of [first, second]) {
    // It is not known whether they were stored, and that is the driver's fault.
    expect(error).toMatchObject({ code: "outcome-unknown", message: expect.stringContaining("the driver is at fault") });
    expect(error).toMatchObject({ message: expect.stringContaining(what), cause: { code: "internal" } });
  }
  expect(third).toMatchObject({ code: "key-blocked" });
  expect(driver.calls.length).toBe(1);
});

test("a rejected write is of unknown outcome and is retried", async () => {
  const driver = new FakeProducerDriver();
  driver.script = () => (driver.calls.length < 3 ? Promise.reject(new Error("gone")) : Promise.resolve([stored]));
  const { producer } = setUp({}, driver);
  await producer.send({ key: "a", value: "1" });
  expect(driver.calls.length).toBe(3);
});

test("a retry waits for retryAfterMs", async () => {
  const driver = new FakeProducerDriver();
  driver.script = () => Promise.resolve([driver.calls.length < 2 ? retryable(40) : stored]);
  const { producer } = setUp({}, driver);
  const start = performance.now();
  await producer.send({ key: "a", value: "1" });
  expect(performance.now() - start).toBeGreaterThan(35);
});

test("a refused slice is split until the culprit is alone; only later messages of its key fail, in the same step", async () => {
  const driver = new FakeProducerDriver();
  driver.partitions = 1;
  driver.script = (call) =>
    Promise.resolve(
      call.slices.map(({ lane, records }) =>
        records.some(({ value }) => Buffer.from(value!).toString() === "bad") ? refused() : driver.store(lane, records),
      ),
    );
  const { producer } = setUp({}, driver);
  const order: string[] = [];
  const send = (key: string, value: string): Promise<unknown> => {
    const sent = producer.send({ key, value });
    sent.then(
      () => order.push(`${key}${value}`),
      (error: StreamError) => order.push(`${key}${value} ${error.code}`),
    );
    return sent;
  };
  const sends = [send("a", "1"), send("b", "1"), send("a", "bad"), send("b", "2"), send("a", "2"), send("b", "3"), send("a", "3")];
  expect(await codes(sends)).toEqual(["stored", "stored", "invalid-argument", "stored", "key-blocked", "stored", "key-blocked"]);
  expect(driver.log.map(({ key, value }) => key + value)).toEqual(["a1", "b1", "b2", "b3"]);
  expect(order.indexOf("a2 key-blocked") - order.indexOf("abad invalid-argument")).toBe(1);
  expect((await failure(sends[4]!)).cause).toBe(await failure(sends[2]!));
  await producer.send({ key: "a", value: "afresh" });
});

test("a culprit that the answer names fails later messages of its key; those before it are retried", async () => {
  const driver = new FakeProducerDriver();
  driver.partitions = 1;
  driver.script = (call) =>
    Promise.resolve(
      call.slices.map(({ lane, records }) => {
        const bad = records.findIndex(({ value }) => Buffer.from(value!).toString() === "bad");
        if (bad < 0) return driver.store(lane, records);
        const spared: RecordResult = { outcome: "retryable", error: new StreamError("unavailable", "not stored") };
        const results = records.map((_, at) => (at === bad ? refused() : spared));
        return { outcome: "each" as const, results };
      }),
    );
  const { producer } = setUp({}, driver);
  const sends = ["1", "2", "bad", "3", "4"].flatMap((value) =>
    (value === "bad" ? ["a"] : ["a", "b"]).map((key) => producer.send({ key, value })),
  );
  expect(await codes(sends)).toEqual([
    "stored",
    "stored",
    "stored",
    "stored",
    "invalid-argument",
    "key-blocked",
    "stored",
    "key-blocked",
    "stored",
  ]);
  expect(driver.log.map(({ key, value }) => key + value)).toEqual(["a1", "b1", "a2", "b2", "b3", "b4"]);
});

test("onKeyFailure hold: the key stays blocked until it is released", async () => {
  const driver = new FakeProducerDriver();
  driver.script = () => Promise.resolve([driver.calls.length === 1 ? refused() : stored]);
  const { producer } = setUp({ onKeyFailure: "hold" }, driver);
  expect(await codes([producer.send({ key: "a", value: "1" })])).toEqual(["invalid-argument"]);
  expect(await codes([producer.send({ key: "a", value: "2" }), producer.send({ key: "b", value: "1" })])).toEqual([
    "key-blocked",
    "stored",
  ]);
  producer.releaseKey("a");
  await producer.send({ key: "a", value: "3" });
});

test("an abort before the message was sent withdraws it and blocks nothing; after, the outcome is unknown with the reason as cause", async () => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({}, driver);
  const sent = new AbortController();
  const queued = new AbortController();
  const first = producer.send({ key: "a", value: "1" }, { signal: sent.signal });
  await until(() => driver.calls.length === 1);
  const second = producer.send({ key: "a", value: "2" }, { signal: queued.signal });
  const third = producer.send({ key: "b", value: "3" });
  const why = new Error("why");
  queued.abort(why);
  await expect(second).rejects.toBe(why);
  sent.abort(why);
  const error = await failure(first);
  expect([error.code, error.cause]).toEqual(["outcome-unknown", why]);
  expect(driver.calls[0]!.signal.aborted).toBe(true);
  await until(() => driver.calls.length === 2);
  driver.calls[1]!.answer(stored);
  await third;
  await expect(producer.send({ key: "a", value: "4" }, { signal: queued.signal })).rejects.toBe(why);
});

test.each<["continue" | "hold", string]>([
  ["continue", "alone"],
  ["hold", "alone"],
  ["hold", "with another"],
])("an abort is no failure of the key: later messages are sent when the call has resolved (%s, %s)", async (onKeyFailure, which) => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({ onKeyFailure }, driver);
  const controller = new AbortController();
  const aborted = producer.send({ key: "a", value: "1" }, { signal: controller.signal });
  const others = which === "alone" ? [] : [producer.send({ key: "a", value: "2" })];
  await until(() => driver.calls.length === 1);
  const behind = [producer.send({ key: "a", value: "3" }), producer.send({ key: "a", value: "4" })];
  controller.abort("why");
  expect((await failure(aborted)).code).toBe("outcome-unknown");
  // With another message in the call, the driver is not asked to stop.
  expect([driver.calls.length, driver.calls[0]!.signal.aborted]).toEqual([1, which === "alone"]);
  if (which === "alone") driver.calls[0]!.reject(new Error("aborted"));
  else driver.calls[0]!.answer(stored);
  await until(() => driver.calls.length === 2);
  expect(driver.calls[1]!.slices).toEqual([["a:3", "a:4"]]);
  driver.calls[1]!.answer(stored);
  expect(await codes([...others, ...behind])).toEqual([...others, ...behind].map(() => "stored"));
  const next = producer.send({ key: "a", value: "5" });
  await until(() => driver.calls.length === 3);
  driver.calls[2]!.answer(stored);
  await next;
});

test("an abort between two attempts is no failure of the key either", async () => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({ onKeyFailure: "hold", retry: { initialDelayMs: 20, maxDelayMs: 20 } }, driver);
  const controller = new AbortController();
  const aborted = producer.send({ key: "a", value: "1" }, { signal: controller.signal });
  await until(() => driver.calls.length === 1);
  const behind = producer.send({ key: "a", value: "2" });
  driver.calls[0]!.answer(unknown());
  await new Promise((resolve) => setTimeout(resolve, 1));
  controller.abort("why");
  expect((await failure(aborted)).code).toBe("outcome-unknown");
  await until(() => driver.calls.length === 2);
  expect(driver.calls[1]!.slices).toEqual([["a:2"]]);
  driver.calls[1]!.answer(stored);
  await behind;
});

test("a shared signal keeps no listener", async () => {
  const { producer } = setUp();
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 100 }, (_, at) => producer.send({ key: `k${at}`, value: "v" }, { signal })));
  await producer.sendBatch([{ key: "a", value: "1" }], { signal });
  await producer.sendStream([{ key: "a", value: "1" }], { signal });
  await producer.flush({ signal });
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("admission: no more than the bound in calls, a quarter for one lane, and throttled when as many bytes again wait", async () => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({ maxBufferedBytes: 400 }, driver);
  const value = "v".repeat(49);
  const sends = Array.from({ length: 10 }, () => producer.send({ key: "a", value }));
  await until(() => driver.calls.length === 1);
  expect(driver.calls[0]!.slices[0]!.length).toBe(2);
  expect(await codes([producer.send({ key: "b", value })])).toEqual(["throttled"]);
  driver.calls[0]!.answer(stored);
  await until(() => driver.calls.length === 2);
  expect(driver.calls[1]!.slices[0]!.length).toBe(2);
  const other = producer.send({ key: "b", value: "small" });
  await until(() => driver.calls.length === 3);
  expect(driver.calls[2]!.slices).toEqual([["b:small"]]);
  driver.script = null;
  driver.calls[1]!.answer(stored);
  driver.calls[2]!.answer(stored);
  await Promise.all([...sends, other]);
});

test("a message larger than the whole bound is sent alone, and a large batch on an idle producer is accepted", async () => {
  const { producer, driver } = setUp({ maxBufferedBytes: 100 });
  await producer.send({ key: "a", value: "v".repeat(500) });
  const receipts = await producer.sendBatch(Array.from({ length: 50 }, (_, at) => ({ key: `k${at % 7}`, value: "v".repeat(40) })));
  expect(receipts.length).toBe(50);
  expect(driver.log.length).toBe(51);
});

test("keyless messages are sent in any call, in several at once, and fail with no other message", async () => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({}, driver);
  const first = producer.send({ key: null, value: "1" });
  await until(() => driver.calls.length === 1);
  const second = producer.send({ key: null, value: "2" });
  await until(() => driver.calls.length === 2);
  driver.calls[1]!.answer(stored);
  await second;
  driver.calls[0]!.answer(refused());
  expect(await codes([first])).toEqual(["invalid-argument"]);
});

test("lanes of a call follow the shape", async () => {
  for (const [name, lanes] of [
    ["kafka", 3],
    ["event-hubs", 1],
    ["pubsub", 1],
    ["kinesis", 3],
    ["oci", 3],
  ] as const) {
    const driver = new FakeProducerDriver(SHAPES[name]);
    const { producer } = setUp({}, driver);
    await Promise.all(["a", "b", "c", "a"].map((key) => producer.send({ key, value: "v" })));
    expect([name, driver.calls[0]!.lanes.length]).toEqual([name, lanes]);
    expect(driver.violations).toEqual([]);
  }
});

test("a lane that failed travels alone until it succeeds", async () => {
  const driver = new FakeProducerDriver();
  driver.script = (call) =>
    Promise.resolve(
      call.slices.map(({ lane, records }) => (driver.calls.length < 3 && lane === "p1" ? retryable() : driver.store(lane, records))),
    );
  const { producer } = setUp({}, driver);
  await Promise.all(["a", "b"].map((key) => producer.send({ key, value: "v" })));
  expect(driver.calls.map(({ lanes }) => lanes)).toEqual([["p1", "p2"], ["p1"], ["p1"]]);
});

test("prepare: retried while the error is retryable; a terminal error fails all that wait, and the next send starts a new attempt", async () => {
  const driver = new FakeProducerDriver();
  driver.preparing = () =>
    Promise.reject(driver.prepareCalls < 3 ? new StreamError("unavailable", "soon") : new StreamError("not-found", "no such topic"));
  const { producer } = setUp({}, driver);
  expect(await codes([producer.send({ key: "a", value: "1" }), producer.send({ key: "b", value: "1" })])).toEqual([
    "not-found",
    "not-found",
  ]);
  expect(driver.prepareCalls).toBe(3);
  driver.preparing = () => Promise.resolve();
  await producer.send({ key: "a", value: "2" });
  expect(driver.prepareCalls).toBe(4);
});

test("messages that waited for prepare are routed in call order; a bad one of them blocks nothing", async () => {
  const driver = new FakeProducerDriver();
  driver.limits = { messageBytes: 5, keyBytes: 3, headerBytes: 10 };
  const { producer } = setUp({}, driver);
  const sends = [
    producer.send({ key: "a", value: "1" }),
    producer.send({ key: "a", value: "too large" }),
    producer.send({ key: "long", value: "1" }),
    producer.send({ key: "a", value: "1", toPartition: "9" }),
    producer.send({ key: "a", value: "2" }),
  ];
  expect(await codes(sends)).toEqual(["stored", "too-large", "too-large", "invalid-argument", "stored"]);
  expect(driver.log.map(({ value }) => value)).toEqual(["1", "2"]);
  expect(await codes([producer.send({ key: "a", value: "too large" })])).toEqual(["too-large"]);
});

test("close drains, refuses later calls, and closes the driver once", async () => {
  const driver = new FakeProducerDriver();
  const context = fakeContext(driver);
  const producer = createProducer(context, quick);
  const sent = producer.send({ key: "a", value: "1" });
  await Promise.all([producer.close(), producer.close()]);
  await sent;
  expect([driver.closed, context.tracked.size]).toEqual([1, 0]);
  expect((await failure(producer.send({ key: "a", value: "2" }))).code).toBe("closed");
});

test("close past its timeout: unsent messages fail as closed, those in a call as outcome-unknown", async () => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({}, driver);
  const sends = [producer.send({ key: "a", value: "1" })];
  await until(() => driver.calls.length === 1);
  sends.push(producer.send({ key: "a", value: "2" }));
  const settled = codes(sends);
  await producer.close({ timeoutMs: 10 });
  expect(await settled).toEqual(["outcome-unknown", "closed"]);
  expect(driver.calls[0]!.signal.aborted).toBe(true);
  const idle = setUp().producer;
  await idle.close();
});

test("flush waits for what was sent before it, also for failures", async () => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({ lingerMs: 10_000 }, driver);
  const first = codes([producer.send({ key: "a", value: "1" })]);
  const flushed = producer.flush();
  await until(() => driver.calls.length === 1);
  void producer.send({ key: "b", value: "2" }).catch(() => undefined);
  driver.calls[0]!.answer(refused());
  await flushed;
  expect(await first).toEqual(["invalid-argument"]);
  await producer.close({ timeoutMs: 0 });
});

test("sendBatch: receipts in order, or every outcome", async () => {
  const driver = new FakeProducerDriver();
  const { producer } = setUp({}, driver);
  expect(await producer.sendBatch([])).toEqual([]);
  const error = await failure(
    producer.sendBatch([{ key: "a", value: "1" }, { value: "2" }, { key: "a", value: "3" }, { value: "4" }] as OutgoingMessage<string>[]),
  );
  expect(error.code).toBe("invalid-argument");
  expect(error.batch!.receipts.map((receipt) => receipt !== null)).toEqual([true, false, true, false]);
  expect(error.batch!.failures.map(({ index }) => index)).toEqual([1, 3]);
  expect(driver.log.map(({ value }) => value)).toEqual(["1", "3"]);
});

test("an aborted sendBatch that was not sent rejects with the reason; one that was sent has each outcome", async () => {
  const driver = new FakeProducerDriver({ ...SHAPES["kafka"]!, maxCallMessages: 1 });
  driver.script = byHand;
  const { producer } = setUp({}, driver);
  const controller = new AbortController();
  const messages = ["1", "2"].map((value) => ({ key: "a", value }));
  const unsent = producer.sendBatch(messages, { signal: controller.signal });
  controller.abort("why");
  await expect(unsent).rejects.toBe("why");
  const second = new AbortController();
  const sent = producer.sendBatch(messages, { signal: second.signal });
  await until(() => driver.calls.length === 1);
  second.abort("why");
  const error = await failure(sent);
  expect([error.code, error.cause]).toEqual(["outcome-unknown", "why"]);
  expect(error.batch!.failures.length).toBe(2);
});

test("sendStream pulls at the provider's pace, counts, and ends the source when it stops", async () => {
  const driver = new FakeProducerDriver();
  const { producer } = setUp({ maxBufferedBytes: 1_000 }, driver);
  expect(
    await producer.sendStream(Readable.from(Array.from({ length: 500 }, (_, at) => ({ key: `k${at % 5}`, value: "v".repeat(90) })))),
  ).toBe(500);
  driver.script = byHand;
  let pulled = 0;
  let returned = false;
  const source = (function* () {
    try {
      for (;;) yield { key: `k${pulled++}`, value: "v".repeat(90) };
    } finally {
      returned = true;
    }
  })();
  const before = driver.calls.length;
  const streaming = producer.sendStream(source);
  await until(() => driver.calls.length > before);
  expect(pulled).toBeLessThan(12);
  driver.script = (call) => Promise.resolve(call.slices.map(() => refused()));
  driver.calls.slice(before).forEach((call) => call.answer(...call.lanes.map(() => refused())));
  expect((await failure(streaming)).code).toBe("invalid-argument");
  expect(returned).toBe(true);
});

test("a failed sendStream waits for the messages before the failure, and has the count of those stored from the start", async () => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({}, driver);
  const message = (value: string) => ({ key: value === "" ? (5 as never) : value, value });
  const streaming = producer.sendStream(["a", "b", "", "c"].map(message));
  const failed = failure(streaming);
  let isSettled = false;
  void failed.then(() => (isSettled = true));
  await until(() => driver.calls.length === 1);
  expect([driver.calls[0]!.slices.flat(), isSettled]).toEqual([["a:a", "b:b"], false]);
  driver.calls[0]!.answer(...driver.calls[0]!.lanes.map(() => stored));
  expect(await failed).toMatchObject({ code: "invalid-argument", stored: 2, topic: "orders", operation: "send" });
});

test("the first failure in the order of the stream counts, not the first in time", async () => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({}, driver);
  const source = function* () {
    yield { key: "a", value: "1" };
    yield { key: "b", value: "2" };
    throw new Error("the file is gone");
  };
  const failed = failure(producer.sendStream(source()));
  await until(() => driver.calls.length === 1);
  expect(driver.calls[0]!.slices).toEqual([["a:1"], ["b:2"]]);
  driver.calls[0]!.answer(stored, refused());
  expect(await failed).toMatchObject({ code: "invalid-argument", stored: 1, message: expect.not.stringContaining("source") });
});

test.each([
  ["nothing was sent", 0],
  ["some are stored", 2],
])("an aborted sendStream when %s", async (_, storedCount) => {
  const driver = new FakeProducerDriver();
  const { producer } = setUp({}, driver);
  const controller = new AbortController();
  const source = async function* () {
    for (let at = 0; at < storedCount; at += 1) yield { key: "a", value: String(at) };
    await new Promise(() => undefined);
  };
  const streaming = producer.sendStream(source(), { signal: controller.signal });
  const ended = streaming.catch((error: unknown) => error);
  await until(() => driver.log.length === storedCount);
  await producer.flush();
  controller.abort("why");
  if (storedCount === 0) expect(await ended).toBe("why");
  else expect(await ended).toMatchObject({ code: "timeout", stored: 2, retryable: false, cause: "why" });
});

test("a sendStream that is refused as a whole, or aborted in flight, has the count of what is stored", async () => {
  const driver = new FakeProducerDriver();
  driver.script = byHand;
  const { producer } = setUp({}, driver);
  const controller = new AbortController();
  const streaming = producer.sendStream([{ key: "a", value: "1" }], { signal: controller.signal });
  await until(() => driver.calls.length === 1);
  controller.abort("why");
  expect(await failure(streaming)).toMatchObject({ code: "outcome-unknown", stored: 0, cause: "why" });
  expect(await failure(producer.sendStream(5 as unknown as []))).toMatchObject({ code: "invalid-argument", stored: 0 });
  await producer.close({ timeoutMs: 10 });
  expect(await failure(producer.sendStream([]))).toMatchObject({ code: "closed", stored: 0 });
});

test("an aborted sendStream whose source hangs rejects with the reason", async () => {
  const { producer } = setUp();
  const controller = new AbortController();
  const source = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
  const streaming = producer.sendStream(source, { signal: controller.signal });
  setImmediate(() => controller.abort("why"));
  await expect(streaming).rejects.toBe("why");
});

test("message ids are unique and the same in a retry; a subscriber of the channel adds headers", async () => {
  const driver = new FakeProducerDriver();
  const { producer } = setUp({ messageIds: true }, driver);
  driver.script = async (call) => {
    call.slices.forEach(({ lane, records }) => driver.store(lane, records));
    return driver.calls.length === 1 ? [unknown()] : [stored];
  };
  const subscriber = (event: unknown): void => {
    (event as { headers: Record<string, string> }).headers["trace"] = "t";
  };
  channels.send.start.subscribe(subscriber);
  try {
    await producer.sendBatch([
      { key: "a", value: "1", headers: { own: "h" } },
      { key: "a", value: "2" },
    ]);
  } finally {
    channels.send.start.unsubscribe(subscriber);
  }
  const [one, two, retried] = driver.log;
  expect(retried!.headers).toEqual(one!.headers);
  expect(one!.headers).not.toEqual(two!.headers);
  expect(one!.headers.slice(0, 2)).toEqual(["own=h", "trace=t"]);
});
