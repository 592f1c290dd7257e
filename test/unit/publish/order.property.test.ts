import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { OutgoingRecord } from "../../../src/driver/record.ts";
import { StreamError, isStreamError } from "../../../src/errors.ts";
import { TopicProducer } from "../../../src/publish/producer.ts";
import { ProducerLifetime } from "../../../src/publish/producer-lifetime.ts";
import { resolveProducerOptions } from "../../../src/publish/producer-options.ts";
import { FakeProducerDriver, SHAPES, fakeContext, refused, retryable, unknown, until } from "./fake-producer-driver.ts";

type Fault = "none" | "retryable" | "unknown-before" | "unknown-after" | "refuse-bad" | "reject" | "throw" | "short" | "each" | "slow";
const FAULTS: readonly Fault[] = [
  "none",
  "none",
  "retryable",
  "unknown-before",
  "unknown-after",
  "reject",
  "throw",
  "short",
  "each",
  "slow",
];

/**
 * Refuses a slice with a value that starts with "bad", like a provider that checks every message; or the whole call, like one that does
 * not say which message it was.
 */
function scripted(driver: FakeProducerDriver, faults: readonly Fault[], refusesCalls = false): void {
  let next = 0;
  driver.script = async (call) => {
    const fault = next < faults.length ? faults[next++]! : "none";
    if (fault === "throw") throw new Error("thrown");
    if (fault === "slow") await new Promise((resolve) => setTimeout(resolve, 2));
    const isBad = ({ value }: OutgoingRecord): boolean => Buffer.from(value!).toString().startsWith("bad");
    if (refusesCalls && call.slices.length > 1 && call.slices.some(({ records }) => records.some(isBad))) {
      return call.slices.map(() => ({ outcome: "retryable", error: new StreamError("invalid-argument", "a message is invalid") }));
    }
    const results = [];
    for (const { lane, records } of call.slices) {
      if (fault === "retryable") results.push(retryable());
      else if (fault === "unknown-before") results.push(unknown());
      else if (records.some(isBad)) results.push(refused());
      else if (fault === "each") {
        const half = records.length >> 1;
        const answer = half === 0 ? null : driver.store(lane, records.slice(0, half));
        results.push({
          outcome: "each" as const,
          results: records.map((_, at) =>
            at < half && answer?.outcome === "stored"
              ? { outcome: "stored" as const, partition: lane, position: String(at), timestampMs: 1 }
              : retryable(),
          ),
        });
      } else results.push(driver.store(lane, records));
      if (fault === "unknown-after") results[results.length - 1] = unknown();
    }
    if (fault === "reject") throw new Error("rejected after the write");
    return fault === "short" ? results.slice(1) : results;
  };
}

const plan = fc.record({
  shape: fc.constantFrom(...Object.keys(SHAPES)),
  faults: fc.array(fc.constantFrom(...FAULTS), { maxLength: 25 }),
  refusesCalls: fc.boolean(),
  messages: fc.array(
    fc.record({
      key: fc.option(fc.constantFrom("a", "b", "c", "d", "e"), { nil: null, freq: 6 }),
      bad: fc.integer({ min: 0, max: 12 }).map((n) => n === 0),
      asynchronous: fc.boolean(),
      pause: fc.integer({ min: 0, max: 8 }).map((n) => n === 0),
      abort: fc.integer({ min: 0, max: 15 }).map((n) => n === 0),
    }),
    { maxLength: 60 },
  ),
  maxBufferedBytes: fc.constantFrom(40, 400, 100_000),
  hold: fc.boolean(),
});

test("under random faults every key keeps its order, nothing acknowledged is missing, and nothing is left behind", async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ shape, faults, refusesCalls, messages, maxBufferedBytes, hold }) => {
      const driver = new FakeProducerDriver(SHAPES[shape]);
      scripted(driver, faults, refusesCalls);
      const codec = {
        encode: (value: string) =>
          value.endsWith("!") ? new Promise<Uint8Array>((resolve) => setImmediate(() => resolve(Buffer.from(value)))) : Buffer.from(value),
        decode: () => "",
      };
      const options = resolveProducerOptions({
        maxBufferedBytes,
        retry: { initialDelayMs: 0, maxDelayMs: 1 },
        onKeyFailure: hold ? "hold" : "continue",
        deliveryTimeoutMs: 5_000,
      });
      const context = fakeContext(driver, { codec });
      const lifetime = new ProducerLifetime(context, options);
      const producer = new TopicProducer(context, lifetime);
      const settled: { key: string | null; value: string; outcome: string }[] = [];
      const sends: Promise<void>[] = [];
      for (const [index, { key, bad, asynchronous, pause, abort }] of messages.entries()) {
        const value = `${bad ? "bad" : "good"}-${String(index).padStart(4, "0")}${asynchronous ? "!" : ""}`;
        const signal = abort ? AbortSignal.timeout(1) : undefined;
        const note = (outcome: string): void => void settled.push({ key, value, outcome });
        sends.push(
          producer.send({ key, value }, { signal }).then(
            () => note("stored"),
            (error: unknown) => note(isStreamError(error) ? error.code : "withdrawn"),
          ),
        );
        if (pause) await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(sends);
      expect(driver.violations).toEqual([]);
      expect(settled.length).toBe(messages.length);
      const inLog = new Set(driver.log.map(({ value }) => value));
      const sure = new Map(settled.map(({ value, outcome }) => [value, outcome]));
      for (const { value, outcome } of settled) {
        if (outcome === "stored") expect(inLog.has(value)).toBe(true);
        if (outcome === "invalid-argument") expect(value).toMatch(/^bad/);
        if (["key-blocked", "withdrawn", "timeout", "invalid-argument", "throttled"].includes(outcome))
          expect(inLog.has(value)).toBe(false);
      }
      for (const key of ["a", "b", "c", "d", "e"]) {
        const firsts = [...new Set(driver.log.filter((entry) => entry.key === key).map(({ value }) => value))];
        // The promise does not cover messages of unknown outcome.
        const order = firsts.filter((value) => sure.get(value) === "stored").map((value) => Number(/\d{4}/.exec(value)![0]));
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }
      // A call may still be in flight when all its messages have been given up.
      await until(() => lifetime.isEmpty);
      await producer.close();
      expect(driver.closed).toBe(messages.length === 0 ? 0 : 1);
    }),
    { numRuns: 250, seed: 20260101 },
  );
}, 60_000);

test.each(Object.keys(SHAPES))(
  "%s: many keys leave nothing behind (the soak sends a million)",
  async (name) => {
    const driver = new FakeProducerDriver({ ...SHAPES[name]!, maxCallMessages: 500, maxLaneMessages: 500 });
    driver.script = (call) =>
      Promise.resolve(call.slices.map(({ lane }) => ({ outcome: "stored", partition: lane, timestampMs: 1, positionOf: () => null })));
    driver.calls.push = () => 0;
    const context = fakeContext(driver);
    const lifetime = new ProducerLifetime(context, resolveProducerOptions({ onKeyFailure: "hold" }));
    const producer = new TopicProducer(context, lifetime);
    let count = 0;
    const total = name === "kinesis" ? 100_000 : 20_000;
    const stream = function* (): Generator<{ key: string; value: string }> {
      while (count < total) yield { key: `key-${count++}`, value: "v" };
    };
    expect(await producer.sendStream(stream())).toBe(total);
    expect(driver.violations).toEqual([]);
    expect(lifetime.isEmpty).toBe(true);
    await producer.close();
    expect(context.tracked.size).toBe(0);
  },
  60_000,
);
