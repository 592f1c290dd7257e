import { randomUUID } from "node:crypto";
import { setTimeout as later } from "node:timers/promises";
import { expect, test } from "vitest";
import { memoryBroker } from "../../adapters/memory/broker/brokers.ts";
import { loadKafkaOpener } from "../../adapters/kafka/open.ts";
import { openMemory } from "../../adapters/memory/open.ts";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import type { Driver } from "../../src/driver/provider-driver.ts";
import { connect, text } from "../../src/index.ts";
import { until } from "../unit/consume/fake-driver.ts";
import { assignmentMutant, sinkMutant } from "./driver-parts.ts";
import type { Mutant } from "./mutant.ts";

// What no case of the suite can show, because no service cuts its log, or stops a client, on demand. Each test passes on the sound
// driver and fails on the one with the defect.

/** A driver that does not report that the log is another one, or a core that does not listen. */
const trustsAfterTruncation = sinkMutant("trusts-after-truncation", () => ({ forgetAhead: () => undefined }));

/** A driver whose ownerships are current until it reports their loss, or a core that does not ask. */
const isAlwaysCurrent = assignmentMutant("is-always-current", () => ({ assigned: () => ({ isCurrent: () => true }) }));

const PATIENCE = { timeout: 20_000 };

function broken(driver: Driver, mutant: Mutant | null): Driver {
  return mutant?.break().driver?.(driver) ?? driver;
}

/** @returns which of the records that were stored behind the cut are handled by the next member */
async function handledBehindTheCut(mutant: Mutant | null): Promise<readonly string[]> {
  await using kafka = await startEmulatedKafka({ brokers: 3 });
  await kafka.createTopic("orders", { partitions: 1 });
  const driver = (await loadKafkaOpener())(kafka.url);
  await using connection = await connect(broken(driver, mutant));
  const topic = connection.topic("orders", { codec: text(), key: (value) => value });
  const send = async (values: readonly string[]): Promise<void> => {
    await using producer = topic.producer();
    // One batch for each: a log is cut between batches.
    for (const value of values) await producer.send({ value });
  };
  await send(Array.from({ length: 12 }, (_, index) => `old ${index}`));
  const never = Promise.withResolvers<void>();
  const handled = new Set<string>();
  const member = topic.consumer({ group: "billing", concurrency: 32 });
  const run = member.run(({ value }) => (value === "old 0" ? never.promise : void handled.add(value)));
  await expect.poll(() => handled.size, PATIENCE).toBe(11);
  await member.close({ timeoutMs: 500 });
  await run;
  kafka.truncate("orders", 0, 8n);
  const values = Array.from({ length: 8 }, (_, index) => `new ${index}`);
  await send(values);
  const next = topic.consumer({ group: "billing" });
  const running = next.run(({ value }) => void handled.add(value));
  await expect.poll(() => handled.has(values.at(-1)!), PATIENCE).toBe(true);
  await next.close();
  await running;
  return values.filter((value) => handled.has(value));
}

test("a log that was cut: what took the place of handled records is handled, and trusts-after-truncation is caught", async () => {
  expect(await handledBehindTheCut(null)).toHaveLength(8);
  expect(await handledBehindTheCut(trustsAfterTruncation), "of 8, four are at offsets that were handled before").toHaveLength(4);
});

/** @returns how many handlers a member starts after its session, before it hears of the loss */
async function startedAfterTheSession(mutant: Mutant | null): Promise<number> {
  const name = randomUUID();
  await using connection = await connect(broken(openMemory(`memory:${name}?create=orders`), mutant));
  const topic = connection.topic("orders", { codec: text(), key: (value) => value });
  await topic.producer().sendBatch(Array.from({ length: 400 }, (_, index) => ({ value: String(index) })));
  const sessionTimeoutMs = 40;
  let [started, late, isLate] = [0, 0, false];
  const consumer = topic.consumer({ group: "billing", sessionTimeoutMs });
  const run = consumer.run(async () => {
    started += 1;
    if (isLate) late += 1;
    await later(2);
  });
  await until(() => started > 5);
  const [member] = memoryBroker(name).topic("orders").groups.get("billing")!.members;
  member!.freeze();
  await later(2 * sessionTimeoutMs);
  isLate = true;
  await later(2 * sessionTimeoutMs);
  isLate = false;
  member!.thaw();
  await consumer.close();
  await run;
  return late;
}

test("a member that is cut off for longer than its session starts no handler, and is-always-current is caught", async () => {
  expect(await startedAfterTheSession(null)).toBe(0);
  expect(await startedAfterTheSession(isAlwaysCurrent)).toBeGreaterThan(0);
});
