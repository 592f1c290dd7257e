import { expect, test } from "vitest";
import { Gate, assignment, bench, record, records, rejection, turns, until } from "./fake-driver.ts";

test("commits only the contiguous prefix: with C running, A, B and D handled, it stands behind B", async () => {
  const { consumer, driver, sink } = bench();
  const gate = new Gate();
  const member = consumer({ concurrency: 4 });
  const run = member.run((message) => gate.enter(message.value));
  const mine = assignment();
  (await sink()).assigned(mine);
  void (await sink()).deliver(mine, records("abcd"));
  await until(() => gate.running.length === 4);
  for (const value of ["3", "1", "0"]) gate.finish(value);
  await until(() => driver.through(mine) === "1");
  await turns();
  expect(driver.through(mine)).toBe("1");
  gate.finish("2");
  await until(() => driver.through(mine) === "3");
  await member.close();
  await run;
  expect(driver.settlements.map(({ through }) => through)).toEqual(["1", "3"]);
  expect(driver.mostSettling).toBe(1);
});

test("handlers of one key run in stored order and never overlap, while those of other keys run", async () => {
  const { consumer, sink } = bench();
  const gate = new Gate();
  const member = consumer({ concurrency: 3 });
  const run = member.run((message) => gate.enter(message.value));
  const mine = assignment();
  (await sink()).assigned(mine);
  void (await sink()).deliver(mine, records("aaba"));
  await until(() => gate.running.length === 2);
  await turns();
  expect(gate.started).toEqual(["0", "2"]);
  gate.finish("0");
  await until(() => gate.started.length === 3);
  expect(gate.started).toEqual(["0", "2", "1"]);
  gate.finish("1");
  await until(() => gate.started.length === 4);
  gate.finish("3");
  gate.finish("2");
  await member.close();
  await run;
});

test.each([
  ["key", "--", ["0", "1"]],
  ["partition", "ab", ["0"]],
  ["none", "aa", ["0", "1"]],
] as const)("order %s starts of %s at once: %j", async (order, keys, expected) => {
  const { consumer, sink } = bench();
  const gate = new Gate();
  const member = consumer({ concurrency: 5, order });
  const run = member.run((message) => gate.enter(message.value));
  const mine = assignment();
  (await sink()).assigned(mine);
  void (await sink()).deliver(mine, records(keys));
  await turns();
  expect(gate.started).toEqual(expected);
  await member.close({ timeoutMs: 1 });
  await run;
});

test("never more handlers than concurrency, over all partitions, which take turns", async () => {
  const { consumer, sink } = bench();
  const gate = new Gate();
  const member = consumer({ concurrency: 2 });
  const run = member.run((message) => gate.enter(`${message.partition}:${message.value}`));
  const [left, right] = [assignment("left"), assignment("right")];
  for (const mine of [left, right]) {
    (await sink()).assigned(mine);
    void (await sink()).deliver(mine, records("abc"));
  }
  await turns();
  expect(gate.running).toHaveLength(2);
  expect(member.status()).toMatchObject({ state: "running", running: 2, buffered: 6 });
  while (gate.started.length < 6) {
    gate.finish(gate.running[0]!);
    await turns(1);
    expect(gate.running.length).toBeLessThanOrEqual(2);
  }
  expect(gate.started.findIndex((value) => value.startsWith("right"))).toBeLessThan(3);
  for (const value of gate.running) gate.finish(value);
  await member.close();
  await run;
});

test("a partition runs at most maxAhead past its oldest unfinished message", async () => {
  const { consumer, sink } = bench();
  const gate = new Gate();
  const handled: string[] = [];
  const member = consumer({ concurrency: 2, maxAhead: 3 });
  const run = member.run((message) => (message.value === "0" ? gate.enter("0") : void handled.push(message.value)));
  const mine = assignment();
  (await sink()).assigned(mine);
  void (await sink()).deliver(mine, records("abcdefgh"));
  await turns();
  expect(handled).toEqual(["1", "2", "3"]);
  gate.finish("0");
  await until(() => handled.length === 7);
  await member.close();
  await run;
});

test("delivery is held back at the byte bound, and an empty partition always gets a batch", async () => {
  const { consumer, sink } = bench();
  const gate = new Gate();
  const member = consumer({ maxBufferedBytes: 25 });
  const run = member.run((message) => gate.enter(`${message.partition}${message.value}`));
  const [left, right] = [assignment("l"), assignment("r")];
  const pushed: string[] = [];
  const push = (mine: typeof left, first: number): void =>
    void target.deliver(mine, records("ab", first)).then(() => pushed.push(`${mine.partition}${first}`));
  const target = await sink();
  target.assigned(left);
  target.assigned(right);
  push(left, 0);
  await turns();
  expect(pushed).toEqual(["l0"]);
  push(left, 2);
  push(right, 0);
  await turns();
  expect(pushed).toEqual(["l0"]);
  for (let left = 6; left > 0; left -= 1) {
    await until(() => gate.running.length === 1);
    gate.finish(gate.running[0]!);
  }
  await until(() => pushed.length === 3);
  await member.close();
  await run;
});

test("a partition without unhandled messages gets more though another one fills the bound", async () => {
  const { consumer, sink } = bench();
  const gate = new Gate();
  const member = consumer({ concurrency: 2, maxBufferedBytes: 5 });
  const run = member.run((message) => (message.partition === "l" ? gate.enter("stuck") : undefined));
  const [left, right] = [assignment("l"), assignment("r")];
  const target = await sink();
  target.assigned(left);
  target.assigned(right);
  void target.deliver(left, records("a"));
  for (let batch = 0; batch < 3; batch += 1) await target.deliver(right, records("ab", batch * 2));
  gate.finish("stuck");
  await member.close();
  await run;
});

test("advanced moves the commit over what is never delivered, but not past an unhandled message", async () => {
  const { consumer, driver, sink } = bench();
  const gate = new Gate();
  const member = consumer();
  const run = member.run((message) => gate.enter(message.value));
  const mine = assignment();
  const target = await sink();
  target.assigned(mine);
  target.advanced(mine, "4");
  await until(() => driver.through(mine) === "4");
  void target.deliver(mine, [record(5, "a")]);
  target.advanced(mine, "9");
  await turns();
  expect(driver.through(mine)).toBe("4");
  gate.finish("5");
  await until(() => driver.through(mine) === "9");
  await member.close();
  await run;
});

test("advanced moves the commit behind the latest delivery, not behind an earlier one that is open as well", async () => {
  const { consumer, driver, sink } = bench();
  const gate = new Gate();
  const member = consumer({ concurrency: 2 });
  const run = member.run((message) => gate.enter(message.value));
  const mine = assignment();
  const target = await sink();
  target.assigned(mine);
  void target.deliver(mine, [record(0, "a")]);
  void target.deliver(mine, [record(1, "b")]);
  target.advanced(mine, "9");
  await until(() => gate.running.length === 2);
  gate.finish("0");
  await until(() => driver.through(mine) !== null);
  await turns();
  expect(driver.through(mine)).toBe("0");
  gate.finish("1");
  await until(() => driver.through(mine) === "9");
  await member.close();
  await run;
});

test.each([1, 60_000])("an ended shard is settled as ended once all of it is handled, and is held no longer (%i ms)", async (everyMs) => {
  const { consumer, driver, sink } = bench();
  const gate = new Gate();
  const revoked: string[][] = [];
  const member = consumer({ commit: { everyMs }, onRevoked: (partitions) => void revoked.push([...partitions]) });
  const run = member.run((message) => gate.enter(message.value));
  const mine = assignment("shard");
  const target = await sink();
  target.assigned(mine);
  void target.deliver(mine, records("a"));
  target.ended(mine, [{ partition: "child", parents: ["shard"] }]);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(driver.settlements).toEqual([]);
  gate.finish("0");
  await until(() => driver.settlements.length === 1);
  expect(driver.settlements[0]).toMatchObject({ through: "0", ended: true });
  await until(() => revoked.length === 1);
  expect(member.assigned).toEqual([]);
  await member.close();
  await run;
});

test("unit record: handled records are settled, in order of a key; the rest is released", async () => {
  const { consumer, driver, sink } = bench({ unit: "record" });
  const gate = new Gate();
  const member = consumer({ concurrency: 3 });
  const run = member.run((message) => gate.enter(message.value));
  const mine = assignment();
  (await sink()).assigned(mine);
  void (await sink()).deliver(mine, records("abb"));
  await until(() => gate.running.length === 2);
  gate.finish("1");
  await until(() => gate.running.includes("2"));
  gate.finish("2");
  await until(() => driver.settlements.flatMap((settlement) => settlement.records).length === 2);
  await member.close({ timeoutMs: 5 });
  await run;
  expect(driver.settlements.flatMap((settlement) => settlement.records).map(({ position }) => position)).toEqual(["1", "2"]);
  expect(driver.settlements.every(({ through }) => through === null)).toBe(true);
  expect(driver.released.map(({ position }) => position)).toEqual(["0"]);
});

test("commits by count before the time is up", async () => {
  const { consumer, driver, sink } = bench();
  const member = consumer({ commit: { everyMs: 60_000, everyMessages: 3 } });
  const run = member.run(() => {});
  const mine = assignment();
  (await sink()).assigned(mine);
  void (await sink()).deliver(mine, records("ab"));
  await turns();
  expect(driver.through(mine)).toBe(null);
  void (await sink()).deliver(mine, records("ab", 2));
  await until(() => driver.through(mine) !== null);
  await member.close();
  await run;
  expect(driver.through(mine)).toBe("3");
});

test("a count that is given is of all partitions together", async () => {
  const { consumer, driver, sink } = bench();
  const member = consumer({ commit: { everyMs: 60_000, everyMessages: 3 } });
  const run = member.run(() => {});
  const [first, second] = [assignment("1"), assignment("2")];
  const target = await sink();
  for (const mine of [first, second]) target.assigned(mine);
  void target.deliver(first, records("ab"));
  await turns();
  expect(driver.through(first)).toBe(null);
  void target.deliver(second, records("a"));
  await until(() => driver.through(second) === "0");
  expect(driver.through(first)).toBe("1");
  await member.close();
  await run;
});

test("without a count ten thousand messages of one partition are stored before the time is up: each has its own progress", async () => {
  const { consumer, driver, sink } = bench();
  const member = consumer({ commit: { everyMs: 60_000 } });
  let handled = 0;
  const run = member.run(() => {
    handled += 1;
  });
  const [first, second] = [assignment("1"), assignment("2")];
  const target = await sink();
  for (const mine of [first, second]) {
    target.assigned(mine);
    void target.deliver(mine, records("a".repeat(9_999)));
  }
  await until(() => handled === 19_998);
  await turns();
  expect([driver.through(first), driver.through(second)]).toEqual([null, null]);
  void target.deliver(second, records("a", 9_999));
  await until(() => driver.through(second) === "9999");
  // What else is handled goes with it.
  expect(driver.through(first)).toBe("9998");
  await member.close();
  await run;
});

test("a driver that needs results bounds the messages of all partitions together", async () => {
  const { consumer, driver, sink } = bench();
  driver.settleWithin = { ms: 60_000, messages: 3 };
  const member = consumer({ commit: { everyMs: 60_000, everyMessages: 1_000 } });
  const run = member.run(() => {});
  const [first, second] = [assignment("1"), assignment("2")];
  const target = await sink();
  for (const mine of [first, second]) {
    target.assigned(mine);
    void target.deliver(mine, records("ab"));
  }
  await until(() => driver.through(second) !== null);
  await member.close();
  await run;
});

test.each([
  ["time", { ms: 5, messages: 1_000 }],
  ["count", { ms: 60_000, messages: 3 }],
])("a driver that needs results bounds the commit rhythm, by %s", async (_, settleWithin) => {
  const { consumer, driver, sink } = bench();
  driver.settleWithin = settleWithin;
  const member = consumer({ commit: { everyMs: 60_000, everyMessages: 1_000 } });
  const run = member.run(() => {});
  const mine = assignment();
  (await sink()).assigned(mine);
  void (await sink()).deliver(mine, records("abab"));
  await until(() => driver.through(mine) !== null);
  await member.close();
  await run;
});

test("a driver that allows a slower rhythm leaves the application's as it is", async () => {
  const { consumer, driver, sink } = bench();
  driver.settleWithin = { ms: 60_000, messages: 1_000 };
  const member = consumer({ commit: { everyMs: 60_000, everyMessages: 3 } });
  const run = member.run(() => {});
  const mine = assignment();
  (await sink()).assigned(mine);
  void (await sink()).deliver(mine, records("ab"));
  await turns();
  expect(driver.through(mine)).toBe(null);
  void (await sink()).deliver(mine, records("a", 2));
  await until(() => driver.through(mine) === "2");
  await member.close();
  await run;
});

test("settlements: retryable ones are retried, ownership-lost drops the partition, others end the run", async () => {
  const { StreamError } = await import("../../../src/errors.ts");
  const { consumer, driver, sink, tracked } = bench();
  const member = consumer();
  const run = rejection(member.run(() => {}));
  const [first, second] = [assignment("1"), assignment("2")];
  const target = await sink();
  target.assigned(first);
  driver.answers.push(new StreamError("unavailable", "later"));
  void target.deliver(first, records("a"));
  await until(() => driver.through(first) === "0");
  driver.answers.push(new StreamError("ownership-lost", "another owner"));
  void target.deliver(first, records("a", 1));
  await until(() => member.assigned.length === 0);
  expect(member.status().state).toBe("running");
  target.assigned(second);
  driver.answers.push(new StreamError("permission-denied", "no"));
  void target.deliver(second, records("a"));
  expect(await run).toMatchObject({ code: "permission-denied", operation: "consume", topic: "orders" });
  expect(member.status().state).toBe("failed");
  expect(driver.closed).toBe(1);
  expect(tracked.size).toBe(0);
});
