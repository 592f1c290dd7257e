import { expect, test } from "vitest";
import type { HandlerContext } from "../../../src/consume/consumer-types.ts";
import { channels } from "../../../src/diagnostics/channels.ts";
import { StreamError } from "../../../src/errors.ts";
import { Gate, assignment, bench, records, rejection, turns, until } from "./fake-driver.ts";

test("revoking waits for running handlers, settles, calls onRevoked, and only then resolves", async () => {
  const { consumer, driver, sink } = bench();
  const gate = new Gate();
  const order: string[] = [];
  const member = consumer({
    commit: { everyMs: 60_000 },
    onAssigned: (partitions) => void order.push(`assigned ${partitions.join()}`),
    onRevoked: async (partitions) => {
      await turns(2);
      order.push(`revoked ${partitions.join()} behind ${driver.settlements.at(-1)?.through}`);
    },
  });
  const run = member.run((message) => gate.enter(message.value));
  const mine = assignment("7");
  const target = await sink();
  target.assigned(mine);
  void target.deliver(mine, records("ab"));
  await until(() => gate.running.length === 1);
  const revoked = target.revoking(mine, 1_000).then(() => order.push("released"));
  await turns();
  expect(order).toEqual(["assigned 7"]);
  gate.finish("0");
  await revoked;
  expect(order).toEqual(["assigned 7", "revoked 7 behind 0", "released"]);
  expect(gate.started).toEqual(["0"]);
  expect(member.assigned).toEqual([]);
  await member.close();
  await run;
});

test("a handler that exceeds the deadline is aborted; its late result does not count, also when the partition was assigned again", async () => {
  const { consumer, driver, sink } = bench();
  const gate = new Gate();
  const contexts: HandlerContext[] = [];
  const member = consumer({ concurrency: 4 });
  const run = member.run((message, context) => {
    contexts.push(context);
    return gate.enter(`${context.epoch}:${message.value}`);
  });
  const [first, second] = [assignment("7"), assignment("7")];
  const target = await sink();
  target.assigned(first);
  void target.deliver(first, records("ab"));
  await until(() => gate.running.length === 2);
  await target.revoking(first, 20);
  expect(contexts[0]!.signal.reason).toMatchObject({ code: "ownership-lost" });
  target.assigned(second);
  void target.deliver(second, records("ab"));
  gate.finish(`${first.epoch}:0`);
  gate.finish(`${first.epoch}:1`);
  await until(() => gate.running.length === 2);
  await turns();
  expect(driver.settlements).toEqual([]);
  gate.finish(`${second.epoch}:0`);
  await until(() => driver.through(second) === "0");
  gate.finish(`${second.epoch}:1`);
  await member.close();
  await run;
  expect(driver.settlements.every((settlement) => settlement.assignment === second)).toBe(true);
});

test("lost: signals abort, delivery resolves, onRevoked is called, nothing is settled", async () => {
  const { consumer, driver, sink } = bench();
  const gate = new Gate();
  const revoked: string[] = [];
  let reason: unknown;
  const member = consumer({ maxBufferedBytes: 1, onRevoked: (partitions) => void revoked.push(...partitions) });
  const run = member.run((message, { signal }) => {
    signal.addEventListener("abort", () => (reason = signal.reason));
    return gate.enter(message.value);
  });
  const mine = assignment();
  const target = await sink();
  target.assigned(mine);
  const room = target.deliver(mine, records("ab"));
  await until(() => gate.running.length === 1);
  target.lost(mine);
  await room;
  expect(reason).toMatchObject({ code: "ownership-lost" });
  await until(() => revoked.length === 1);
  gate.finish("0");
  await turns();
  await member.close();
  await run;
  expect(gate.started).toEqual(["0"]);
  expect(driver.settlements).toEqual([]);
});

test("unit record: a member that is lost settles and releases nothing of it any more, and all that was not settled is handled again", async () => {
  const { consumer, driver, sink } = bench({ unit: "record" });
  const gate = new Gate();
  const contexts: HandlerContext[] = [];
  const member = consumer({ concurrency: 8, commit: { everyMs: 60_000, everyMessages: 1 } });
  const run = member.run((message, context) => {
    contexts.push(context);
    return gate.enter(`${context.epoch}:${message.value}`);
  });
  const [first, second] = [assignment("0"), assignment("0")];
  const target = await sink();
  target.assigned(first);
  void target.deliver(first, records("abcd"));
  await until(() => gate.running.length === 4);
  gate.finish(`${first.epoch}:0`);
  await until(() => driver.settlements.length === 1);
  // One settlement is under way, and one waits behind it.
  const answer = Promise.withResolvers<void>();
  driver.onSettle = () => answer.promise;
  gate.finish(`${first.epoch}:1`);
  await until(() => driver.settling === 1);
  gate.finish(`${first.epoch}:2`);
  await turns();
  target.lost(first);
  expect(contexts[3]!.signal.reason).toMatchObject({ code: "ownership-lost" });
  gate.finish(`${first.epoch}:3`);
  driver.answers.push(new StreamError("ownership-lost", "the member is lost"));
  answer.resolve();
  driver.onSettle = async () => {};
  await turns();
  expect(member.assigned).toEqual([]);
  target.assigned(second);
  void target.deliver(second, records("bcd", 1));
  await until(() => gate.running.length === 3);
  for (const value of ["1", "2", "3"]) gate.finish(`${second.epoch}:${value}`);
  const settledOf = (of: typeof first): readonly string[] =>
    driver.settlements
      .filter((settlement) => settlement.assignment === of)
      .flatMap((settlement) => settlement.records.map(({ position }) => position));
  await until(() => settledOf(second).length === 3);
  await member.close();
  await run;
  expect([settledOf(first), settledOf(second)]).toEqual([["0"], ["1", "2", "3"]]);
  expect(driver.released).toEqual([]);
});

test("between the abort and the release a late result does not count, and nothing starts", async () => {
  const { consumer, driver, sink } = bench();
  const gate = new Gate();
  const assigned = Promise.withResolvers<void>();
  const settling = Promise.withResolvers<void>();
  const member = consumer({ onAssigned: ([partition]) => (partition === "late" ? assigned.promise : undefined), concurrency: 3 });
  const run = member.run((message) => gate.enter(`${message.partition}${message.value}`));
  const [mine, late] = [assignment("mine"), assignment("late")];
  const target = await sink();
  target.assigned(mine);
  void target.deliver(mine, records("ab"));
  await until(() => gate.running.length === 2);
  target.assigned(late);
  target.advanced(late, "3");
  void target.deliver(late, records("a", 4));
  driver.onSettle = () => settling.promise;
  gate.finish("mine0");
  const revoked = Promise.all([target.revoking(mine, 60), target.revoking(late, 60)]);
  await until(() => driver.settling === 1);
  await new Promise((resolve) => setTimeout(resolve, 45));
  gate.finish("mine1");
  assigned.resolve();
  await turns();
  settling.resolve();
  await revoked;
  await member.close();
  await run;
  expect(gate.started).toEqual(["mine0", "mine1"]);
  expect(driver.settlements.filter((settlement) => settlement.assignment === mine).map(({ through }) => through)).toEqual(["0"]);
});

test("a message whose partition is lost while it is decoded is not handled", async () => {
  const decoded = Promise.withResolvers<string>();
  const { consumer, sink } = bench({ codec: { encode: (value) => Buffer.from(value), decode: () => decoded.promise } });
  const handled: string[] = [];
  const member = consumer();
  const run = member.run((message) => void handled.push(message.value));
  const mine = assignment();
  const target = await sink();
  target.assigned(mine);
  void target.deliver(mine, records("a"));
  await turns();
  target.lost(mine);
  decoded.resolve("0");
  await turns();
  expect(handled).toEqual([]);
  await member.close();
  await run;
});

test("messages of a partition wait for onAssigned; a callback that throws ends the run", async () => {
  const { consumer, sink } = bench();
  const ready = Promise.withResolvers<void>();
  const calls: string[][] = [];
  const handled: string[] = [];
  const member = consumer({
    onAssigned: (partitions) => {
      calls.push([...partitions]);
      return ready.promise;
    },
    onRevoked: () => {
      throw new Error("broken");
    },
  });
  const run = rejection(member.run((message) => void handled.push(message.value)));
  const [left, right] = [assignment("l"), assignment("r")];
  const target = await sink();
  target.assigned(left);
  target.assigned(right);
  void target.deliver(left, records("a"));
  await turns();
  expect([calls, handled]).toEqual([[["l", "r"]], []]);
  ready.resolve();
  await until(() => handled.length === 1);
  await target.revoking(left, 500);
  expect(await run).toMatchObject({ code: "handler-failed" });
});

test("a gap is reported and accepted, or ends the run as position-out-of-range", async () => {
  const it = bench();
  const gaps: unknown[] = [];
  const events: unknown[] = [];
  const listener = (event: unknown): void => void events.push(event);
  channels.gap.subscribe(listener);
  const member = it.consumer({ onGap: (gap) => void gaps.push(gap) });
  const run = member.run(() => {});
  const mine = assignment("3");
  const target = await it.sink();
  target.assigned(mine);
  await target.gap(mine, { resumesAt: { kind: "at", position: "41" }, missing: 7 });
  // A trimmed, empty shard has no position to go on at.
  await target.gap(mine, { resumesAt: { kind: "earliest" }, missing: null });
  expect(gaps).toEqual([
    { topic: "orders", partition: "3", resumesAt: expect.stringMatching(/^p1\./), missing: 7 },
    { topic: "orders", partition: "3", resumesAt: null, missing: null },
  ]);
  await member.close();
  await run;
  const other = bench();
  const failed = rejection(other.consumer().run(() => {}));
  const theirs = assignment("3");
  (await other.sink()).assigned(theirs);
  await expect((await other.sink()).gap(theirs, { resumesAt: { kind: "at", position: "41" }, missing: null })).rejects.toMatchObject({
    code: "position-out-of-range",
  });
  channels.gap.unsubscribe(listener);
  // The event does not depend on acceptance: an operator wants to know of the loss above all where it was not expected.
  const common = { provider: "fake", topic: "orders", group: "billing", partition: "3" };
  expect(events).toEqual([
    { ...common, missing: 7 },
    { ...common, missing: null },
    { ...common, missing: null },
  ]);
  expect(await failed).toMatchObject({
    code: "position-out-of-range",
    partition: "3",
    operation: "consume",
    message: expect.stringMatching(
      /an unknown number of messages from where group "billing" stands in partition "3"; give onGap .* or reset the group$/,
    ),
  });
});

test("a fatal error of the driver, and a start that fails, end the run and clean up", async () => {
  const it = bench();
  const run = rejection(it.consumer().run(() => {}));
  (await it.sink()).failed(new StreamError("unauthenticated", "who?"));
  expect(await run).toMatchObject({ code: "unauthenticated", provider: "fake" });
  expect([it.driver.closed, it.tracked.size]).toEqual([1, 0]);
  const other = bench();
  other.driver.onStart = () => Promise.reject(new Error("no route"));
  expect(await rejection(other.consumer().run(() => {}))).toMatchObject({ code: "internal", operation: "consume" });
  expect([other.driver.closed, other.tracked.size]).toEqual([1, 0]);
});
