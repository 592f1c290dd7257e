import { beforeAll, expect, test } from "vitest";
import { startEmulatedKafka } from "../../../../../localstack/kafka/broker/emulated-kafka.ts";
import { DEVIATIONS } from "../../../../kafka/comparison/deviations.ts";
import { expectSame } from "../../../../kafka/comparison/expect-same.ts";
import { type Outcomes, quickOperations, tryAll } from "../../../../kafka/comparison/operations.ts";
import { recordedOutcomes } from "../../../../kafka/comparison/recorded-outcomes.ts";

// What raw clients and kafkajs did on a real Kafka, done on the emulator. `test/kafka/emulator-comparison.test.ts` makes the record.

const recorded = recordedOutcomes();
let outcomes: Outcomes;

beforeAll(async () => {
  await using kafka = await startEmulatedKafka();
  outcomes = await tryAll(quickOperations, kafka.bootstrapServers, 16);
}, 120_000);

test.each(quickOperations.map(({ name }) => name))("%s", (name) => {
  expect(Object.keys(recorded)).toContain(name);
  expectSame(name, outcomes[name], recorded[name]);
});

test("every deviation is of an operation", () => {
  expect(Object.keys(recorded)).toEqual(expect.arrayContaining(Object.keys(DEVIATIONS)));
});
