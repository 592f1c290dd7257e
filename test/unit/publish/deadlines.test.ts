import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isStreamError } from "../../../src/errors.ts";
import { createProducer } from "../../../src/publish/producer.ts";
import type { Producer, ProducerOptions } from "../../../src/publish/producer-types.ts";
import { FakeProducerDriver, byHand, fakeContext, retryable, stored, unknown, until } from "./fake-producer-driver.ts";
import { codes, failure } from "./outcomes.ts";

vi.mock("node:timers", () => import("../fakeable-timers.ts"));
vi.mock("node:perf_hooks", () => import("../fakeable-timers.ts"));

const DELIVERY_TIMEOUT_MS = 30;

let driver: FakeProducerDriver;

beforeEach(() => {
  // The turns of the event loop are real: calls are made at the end of a turn.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  driver = new FakeProducerDriver();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function setUp(options: ProducerOptions = {}, encode = (value: string): Promise<Uint8Array> | Uint8Array => Buffer.from(value)) {
  const codec = { encode, decode: () => "" };
  const quick = { retry: { initialDelayMs: 0, maxDelayMs: 1 }, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS };
  return createProducer(fakeContext(driver, { codec }), { ...quick, ...options });
}

/** The process stops: the clock runs on, the timers do not. They fire late, when the process continues. */
async function stopFor(durationMs: number): Promise<void> {
  const now = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => now() + durationMs);
  await vi.advanceTimersByTimeAsync(DELIVERY_TIMEOUT_MS);
}

/** The first message is in a call; the second is queued after it, with a later deadline. */
async function oneSentOneQueued(producer: Producer<string>): Promise<Promise<unknown>[]> {
  const sent = producer.send({ key: "a", value: "1" });
  await until(() => driver.calls.length === 1);
  await vi.advanceTimersByTimeAsync(DELIVERY_TIMEOUT_MS / 2);
  return [sent, producer.send({ key: "a", value: "2" })];
}

test("timeout where it was never sent, outcome-unknown in a call; the call is aborted and the lane stays occupied until it resolves", async () => {
  driver.script = byHand;
  const producer = setUp();
  const ended = codes(await oneSentOneQueued(producer));
  await vi.advanceTimersByTimeAsync(DELIVERY_TIMEOUT_MS / 2);
  expect(await ended).toEqual(["outcome-unknown", "key-blocked"]);
  expect(driver.calls[0]!.signal.aborted).toBe(true);
  const next = failure(producer.send({ key: "a", value: "3" }));
  await vi.advanceTimersByTimeAsync(DELIVERY_TIMEOUT_MS);
  expect((await next).code).toBe("timeout");
  driver.calls[0]!.answer(unknown());
  driver.script = null;
  const last = producer.send({ key: "a", value: "4" });
  // The back-off of a lane whose last call is of unknown outcome.
  await vi.advanceTimersByTimeAsync(1);
  await last;
  expect(driver.calls.slice(1).flatMap(({ slices }) => slices)).toEqual([["a:4"]]);
});

test.each([DELIVERY_TIMEOUT_MS, 1_000])(
  "a message that is queued after one that expired in a call is key-blocked, also when the deadlines are checked %i ms late and its own has passed",
  async (lateMs) => {
    driver.script = byHand;
    const ended = codes(await oneSentOneQueued(setUp()));
    await stopFor(lateMs);
    expect(await ended).toEqual(["outcome-unknown", "key-blocked"]);
  },
);

test("of messages that expire together the first of each key is timeout, and its later ones are key-blocked; without a key each is timeout", async () => {
  const producer = setUp({ onKeyFailure: "hold" }, () => new Promise(() => undefined));
  const sends = ["a", "a", "b", null, null, "b", "a"].map((key) => producer.send({ key, value: "v" }));
  const ended = codes(sends);
  await vi.advanceTimersByTimeAsync(DELIVERY_TIMEOUT_MS);
  expect(await ended).toEqual(["timeout", "key-blocked", "timeout", "timeout", "timeout", "key-blocked", "key-blocked"]);
  expect((await failure(sends[6]!)).cause).toBe(await failure(sends[0]!));
  expect(await failure(producer.send({ key: "a", value: "v" }))).toMatchObject({ code: "key-blocked", cause: { code: "timeout" } });
});

test.each([
  ["nothing was stored", retryable, "timeout"],
  ["it may be stored", unknown, "outcome-unknown"],
])("while retrying, where %s", async (_, answer, code) => {
  driver.script = () => Promise.resolve([answer()]);
  const failed = failure(setUp().send({ key: "a", value: "1" }));
  await until(() => driver.calls.length === 1);
  await vi.advanceTimersByTimeAsync(DELIVERY_TIMEOUT_MS);
  const error = await failed;
  expect(error.code).toBe(code);
  expect(isStreamError(error.cause)).toBe(true);
});

test("a message whose codec hangs expires at the deadline; one whose codec fails blocks nothing", async () => {
  const encode = (value: string): Promise<Uint8Array> =>
    value === "hang"
      ? new Promise(() => undefined)
      : value === "fail"
        ? Promise.reject(new Error("no"))
        : Promise.resolve(Buffer.from(value));
  const producer = setUp({}, encode);
  const ended = codes(["fail", "1", "hang"].map((value) => producer.send({ key: "a", value })));
  await until(() => driver.log.length === 1);
  await vi.advanceTimersByTimeAsync(DELIVERY_TIMEOUT_MS);
  expect(await ended).toEqual(["invalid-argument", "stored", "timeout"]);
  expect(driver.log.map(({ value }) => value)).toEqual(["1"]);
});

test("an answer that arrived while the process was stopped is processed before the deadline is checked", async () => {
  // Fake timers have turns of the event loop between them.
  vi.useRealTimers();
  driver.script = byHand;
  const ended = codes([setUp({ deliveryTimeoutMs: 400 }).send({ key: "a", value: "1" })]);
  await until(() => driver.calls.length === 1);
  setTimeout(() => driver.calls[0]!.answer(stored), 450);
  // Nothing runs until both the deadline and the answer are due.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
  expect(await ended).toEqual(["stored"]);
});
