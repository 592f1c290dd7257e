import { parseArgs } from "node:util";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { writeRecord } from "../results/record.ts";
import { distinctKeys } from "./distinct-keys.ts";
import { flatHeap } from "./flat-heap.ts";
import { kafkaFlatMemory } from "./kafka-flat-memory.ts";
import { migrationFlatMemory } from "./migration-flat-memory.ts";
import type { SoakCheck, SoakResult } from "./soak-result.ts";
import { stalledDriver } from "./stalled-driver.ts";

const MESSAGES = 10_000_000;
const KEYS = 1_000_000;
const KAFKA_MESSAGES = 5_000_000;
const MIGRATED_MESSAGES = 10_000_000;

const { values } = parseArgs({ options: { record: { type: "boolean" } } });
const missing = kafkaRequirements();
if (missing !== null) console.error(`environment-missing: ${missing}`);
const startedAt = performance.now();
const checks: SoakCheck[] = [];
const parts: readonly (() => Promise<readonly SoakCheck[]>)[] = [
  () => distinctKeys(KEYS),
  () => flatHeap(MESSAGES, (text) => console.error(text)),
  () => stalledDriver(),
  ...(missing === null
    ? [
        () => kafkaFlatMemory(KAFKA_MESSAGES, (text) => console.error(text)),
        () => migrationFlatMemory(MIGRATED_MESSAGES, (text) => console.error(text)),
      ]
    : []),
];
for (const part of parts) {
  for (const check of await part()) {
    checks.push(check);
    console.log(`${check.holds ? "holds " : "FAILED"}  ${check.name}: ${check.value} (${check.allowed})`);
  }
}
const result: SoakResult = { checks, seconds: Math.round((performance.now() - startedAt) / 1_000) };
console.log(`${result.seconds} s, ${checks.filter(({ holds }) => !holds).length} of ${checks.length} checks failed`);
if (values.record === true) await writeRecord("soak", "npm run soak", result);
if (checks.some(({ holds }) => !holds)) process.exitCode = 1;
