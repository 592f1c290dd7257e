import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { memoryBroker } from "../../../adapters/memory/broker/brokers.ts";
import { connect, text } from "../../../src/index.ts";
import { assignment, bench, records, turns, until } from "./fake-driver.ts";

test.each(["run", "runBatches"] as const)("nothing starts while the driver says that the ownership is not certain: %s", async (use) => {
  const { consumer, driver, sink } = bench();
  const member = consumer();
  const handled: string[] = [];
  const run =
    use === "run"
      ? member.run(({ value }) => void handled.push(value))
      : member.runBatches((messages) => void handled.push(...messages.map(({ value }) => value)));
  let isCurrent = true;
  const [mine, other] = [{ ...assignment("1"), isCurrent: () => isCurrent }, assignment("2")];
  const target = await sink();
  for (const one of [mine, other]) target.assigned(one);
  void target.deliver(mine, records("a"));
  await until(() => handled.length === 1);
  isCurrent = false;
  void target.deliver(mine, records("ab", 1));
  void target.deliver(other, records("a", 7));
  await until(() => handled.length === 2);
  await turns();
  expect(handled).toEqual(["0", "7"]);
  isCurrent = true;
  // The group has said again what this member owns.
  driver.sink!.rejoining();
  driver.sink!.joined();
  await until(() => handled.length === 4);
  await member.close();
  await run;
  expect(handled).toEqual(["0", "7", "1", "2"]);
});

test("the ownership is asked once for many messages, not for each", async () => {
  const { consumer, sink } = bench();
  const member = consumer();
  let handled = 0;
  const run = member.run(() => void (handled += 1));
  let asked = 0;
  const isCurrent = (): boolean => {
    asked += 1;
    return true;
  };
  const mine = { ...assignment(), isCurrent };
  (await sink()).assigned(mine);
  void (await sink()).deliver(mine, records("a".repeat(800)));
  await until(() => handled === 800);
  await member.close();
  await run;
  expect(asked).toBeLessThan(100);
});

test("a member that is cut off from its group starts nothing more after its session, before it hears of the loss", async () => {
  const name = randomUUID();
  await using connection = await connect(`memory:${name}?create=orders`);
  const topic = connection.topic("orders", { codec: text(), key: (value) => value });
  await topic.producer().sendBatch(Array.from({ length: 120 }, (_, index) => ({ value: String(index) })));
  const sessionTimeoutMs = 40;
  let startedAtMs = 0;
  let handled = 0;
  const consumer = topic.consumer({ group: "billing", sessionTimeoutMs });
  const run = consumer.run(async () => {
    startedAtMs = performance.now();
    handled += 1;
    await new Promise((resolve) => setTimeout(resolve, 4));
  });
  await until(() => handled > 5);
  const [member] = memoryBroker(name).topic("orders").groups.get("billing")!.members;
  member!.freeze();
  const cutAtMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 4 * sessionTimeoutMs));
  expect(startedAtMs).toBeLessThanOrEqual(cutAtMs + sessionTimeoutMs + 1);
  expect(handled).toBeLessThan(120);
  member!.thaw();
  await until(() => handled >= 120);
  await consumer.close();
  await run;
});
