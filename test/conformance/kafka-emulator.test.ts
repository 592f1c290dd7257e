import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { compareWithExpected, conformanceCases, runCases } from "../../src/conformance/index.ts";
import { json } from "../../src/codec/json.ts";
import { connect } from "../../src/connect.ts";
import type { FaultKind } from "../../src/driver/index.ts";
import { expectFormPasses } from "./emulated-kafka-form.ts";
import { expectedResults } from "./expected-results.ts";

const OF_PRODUCERS: readonly FaultKind[] = ["throttle", "fail-entry", "fail-before-write", "fail-after-write", "disconnect"];

// The other forms run whole in the long tier: `test/long/kafka-forms.test.ts`.
test("an emulated Kafka of 3 brokers with compression passes completely", { timeout: 300_000 }, async () => {
  // With compression an answer holds more than is taken in at once.
  await expectFormPasses({ brokers: 3, firstFaultTurn: 1, options: "?compression=gzip" });
});

test("an emulated Kafka of 1 broker shows what only an emulator shows", { timeout: 300_000 }, async () => {
  const { missing } = await expectedResults("kafka");
  await expectFormPasses({ brokers: 1, firstFaultTurn: 0, options: "" }, Object.keys(missing));
});

test("an idempotent producer outlives every fault, whichever way it is shown first", { timeout: 300_000 }, async () => {
  await using emulator = await startEmulatedKafka({ brokers: 3, firstFaultTurn: 1 });
  const cases = conformanceCases().filter(({ faults }) => faults.some((fault) => OF_PRODUCERS.includes(fault)));
  expect(cases.length).toBeGreaterThan(10);
  const reports = await runCases(cases, { connect: async () => connect(`${emulator.url}?idempotent=true`), emulator });
  expect(reports.filter(({ result }) => result !== "passed")).toEqual([]);
});

/** The suite allows repeats after an unknown outcome, as it has to of a plain producer. */
const unknownOutcomes = (["fail-after-write", "fail-before-write", "disconnect"] as const).flatMap((kind) =>
  [0, 1, 2].map((firstFaultTurn) => ({ kind, firstFaultTurn })),
);
test.each(unknownOutcomes)(
  "an idempotent producer stores each message once under $kind, from variant $firstFaultTurn on",
  async (variant) => {
    const { kind, firstFaultTurn } = variant;
    await using emulator = await startEmulatedKafka({ brokers: 3, firstFaultTurn, topics: { once: { partitions: 2 } } });
    await using connection = await connect(`${emulator.url}?idempotent=true`);
    const topic = connection.topic<{ readonly count: number }>("once", { codec: json() });
    const producer = topic.producer({ retry: { initialDelayMs: 1, maxDelayMs: 10 } });
    const counts = Array.from({ length: 60 }, (_, count) => count);
    const sends: Promise<unknown>[] = [];
    for (const count of counts) {
      if (count % 20 === 10) emulator.inject({ kind, topic: "once", times: 2 });
      sends.push(producer.send({ key: "key", value: { count } }));
      if (count % 3 === 0) await nextTurn();
    }
    await Promise.all(sends);
    const stored: number[] = [];
    for await (const { value } of topic.reader({ until: "now" })) stored.push(value.count);
    expect(stored).toEqual(counts);
  },
);

test("an emulated Kafka of 1 broker, of which only the URL is known, shows what every server shows", { timeout: 300_000 }, async () => {
  await using emulator = await startEmulatedKafka();
  const reports = await runCases(conformanceCases(), { connect: async () => connect(emulator.url) });
  expect(compareWithExpected(reports, await expectedResults("kafka"))).toEqual([]);
  expect(reports).toHaveLength(conformanceCases().length);
});

test("where a group waits for its first members, they start at one place", { timeout: 60_000 }, async () => {
  await using emulator = await startEmulatedKafka({ properties: { "group.initial.rebalance.delay.ms": "200" } });
  const target = { connect: async () => connect(emulator.url), emulator };
  const reports = await runCases(conformanceCases(), target, { run: ["group/latest/members-at-once"], repeat: 20 });
  expect(reports.map((report) => `${report.case} ${report.result}: ${report.reason}`)).toEqual(
    reports.map((report) => `${report.case} passed: null`),
  );
  expect(reports).toHaveLength(1);
});
