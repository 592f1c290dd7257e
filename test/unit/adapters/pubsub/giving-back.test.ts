import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { flights, harness, numbers, sendTo } from "./harness.ts";

test("what a member gives back does not come to it again while it closes, and keeps its order", async () => {
  await using under = await harness();
  await under.emulator.createTopic("failed");
  const deadLetterPolicy = { deadLetterTopic: under.raw.topic("failed"), maxDeliveryAttempts: 5 };
  const subscription = await under.raw.subscribe("flights", "flights.leaving", { enableMessageOrdering: true, deadLetterPolicy });
  const isBusy = Promise.withResolvers<void>();
  const consumer = flights(under.connection).consumer({
    group: "leaving",
    // The stream would be open all this time.
    onRevoked: () => sleep(200),
  });
  const run = consumer.run(async (_, { signal }) => {
    isBusy.resolve();
    await sleep(10_000, undefined, { signal });
  });
  await sendTo(under.connection, numbers(20), "k");
  await isBusy.promise;
  await consumer.close({ timeoutMs: 1_000 });
  await run;
  const given = await under.raw.pull(subscription);
  expect(given.map(({ value }) => value)).toEqual(numbers(20));
  expect(given[0]!.attempt).toBe(2);
});
