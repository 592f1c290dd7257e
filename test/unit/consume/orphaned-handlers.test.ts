import { expect, test } from "vitest";
import type { ConsumerOptions, HandlerContext } from "../../../src/consume/consumer-types.ts";
import { type Bench, Gate, assignment, bench, records, rejection, turns, until } from "./fake-driver.ts";

/** A member whose handlers are named after ownership and message, and settle when the gate says so. */
function start(it: Bench, options: Partial<ConsumerOptions>, batches = false) {
  const gate = new Gate();
  const reasons: unknown[] = [];
  const enter = (values: string, { epoch, signal }: HandlerContext): Promise<void> => {
    signal.addEventListener("abort", () => reasons.push((signal.reason as { code?: unknown }).code));
    return gate.enter(`${epoch}:${values}`);
  };
  const member = it.consumer({ concurrency: 4, ...options });
  const run = batches
    ? member.runBatches((messages, context) => enter(messages.map(({ value }) => value).join(""), context))
    : member.run((message, context) => enter(message.value, context));
  return { gate, reasons, member, run };
}

test.each(["lost", "not reported"])(
  "a partition that is assigned again (%s before) holds the keys of handlers that still run",
  async (how) => {
    const it = bench();
    const { gate, reasons, member, run } = start(it, {});
    const sink = await it.sink();
    const [first, second] = [assignment("7"), assignment("7")];
    sink.assigned(first);
    void sink.deliver(first, records("aa"));
    await until(() => gate.running.length === 1);
    if (how === "lost") sink.lost(first);
    sink.assigned(second);
    expect(reasons).toEqual(["ownership-lost"]);
    expect(member.assigned).toEqual(["7"]);
    void sink.deliver(second, records("aab"));
    await until(() => gate.started.length === 2);
    await turns();
    expect(gate.started).toEqual([`${first.epoch}:0`, `${second.epoch}:2`]);
    gate.finish(`${first.epoch}:0`);
    await until(() => gate.started.length === 3);
    await turns();
    expect(gate.started.at(-1)).toBe(`${second.epoch}:0`);
    expect(it.driver.settlements).toEqual([]);
    gate.finish(`${second.epoch}:0`);
    await until(() => gate.started.at(-1) === `${second.epoch}:1`);
    gate.finish(`${second.epoch}:1`);
    gate.finish(`${second.epoch}:2`);
    await until(() => it.driver.through(second) === "2");
    await member.close();
    await run;
    expect(it.driver.settlements.every((settlement) => settlement.assignment === second)).toBe(true);
  },
);

test("by partition everything waits, and so it does over two ownerships, and in batches", async () => {
  for (const batches of [false, true]) {
    const it = bench();
    const { gate, member, run } = start(it, { order: "partition" }, batches);
    const sink = await it.sink();
    const [first, second, third] = [assignment("7"), assignment("7"), assignment("7")];
    sink.assigned(first);
    void sink.deliver(first, records("a"));
    await until(() => gate.running.length === 1);
    for (const next of [second, third]) {
      sink.lost(next === second ? first : second);
      sink.assigned(next);
      void sink.deliver(next, records("ab"));
      await turns();
      expect(gate.started).toEqual([`${first.epoch}:0`]);
    }
    gate.finish(`${first.epoch}:0`);
    await until(() => gate.started.length === 2);
    expect(gate.started.at(-1)).toBe(batches ? `${third.epoch}:01` : `${third.epoch}:0`);
    await member.close({ timeoutMs: 10 });
    await run;
  }
});

test("without an order nothing waits, and other partitions never do", async () => {
  const it = bench();
  const { gate, member, run } = start(it, { order: "none" });
  const sink = await it.sink();
  const [first, second] = [assignment("7"), assignment("7")];
  sink.assigned(first);
  void sink.deliver(first, records("a"));
  await until(() => gate.running.length === 1);
  sink.assigned(second);
  void sink.deliver(second, records("a"));
  await until(() => gate.running.length === 2);
  await member.close({ timeoutMs: 10 });
  await run;
});

test("a time-out after the partition was lost does not fail the consumer, and frees the permit, not the key", async () => {
  const it = bench();
  const { gate, member, run } = start(it, { concurrency: 1, handlerTimeoutMs: 20 });
  const sink = await it.sink();
  const [first, other] = [assignment("7"), assignment("8")];
  sink.assigned(first);
  sink.assigned(other);
  void sink.deliver(first, records("a"));
  await until(() => gate.running.length === 1);
  sink.lost(first);
  void sink.deliver(other, records("a"));
  await until(() => gate.started.length === 2);
  gate.finish(`${other.epoch}:0`);
  await until(() => it.driver.through(other) === "0");
  expect(member.status()).toMatchObject({ state: "running", running: 0 });
  gate.finish(`${first.epoch}:0`);
  await turns();
  const again = assignment("7");
  sink.assigned(again);
  void sink.deliver(again, records("a"));
  await until(() => gate.started.length === 3);
  gate.finish(`${again.epoch}:0`);
  await until(() => it.driver.through(again) === "0");
  await member.close();
  await run;
});

test.each(["before", "after"])(
  "a key that waits for a handler that never settles ends the run: it came back %s the time was up",
  async (when) => {
    const it = bench();
    const { gate, member, run } = start(it, { handlerTimeoutMs: 15 });
    const ended = rejection(run);
    const sink = await it.sink();
    const [first, second] = [assignment("7"), assignment("7")];
    sink.assigned(first);
    void sink.deliver(first, records("a"));
    await until(() => gate.running.length === 1);
    sink.lost(first);
    if (when === "after") await until(() => member.status().running === 0);
    sink.assigned(second);
    void sink.deliver(second, records("a"));
    expect(await ended).toMatchObject({ code: "timeout", partition: "7" });
    expect(gate.started).toEqual([`${first.epoch}:0`]);
  },
);

test.each([
  ["a member that was closed", false],
  ["a member that had lost the partition", true],
])("no timer outlives %s", async (_, lost) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
  const it = bench();
  const before = timers();
  const { gate, member, run } = start(it, { handlerTimeoutMs: 60_000 });
  const sink = await it.sink();
  const mine = assignment("7");
  sink.assigned(mine);
  void sink.deliver(mine, records("ab"));
  await until(() => gate.running.length === 2);
  expect(timers()).toBeGreaterThanOrEqual(before + 2);
  if (lost) sink.lost(mine);
  await member.close({ timeoutMs: 5 });
  await run;
  await until(() => timers() <= before);
});

test("by partition a range that cannot be read waits for it, and does not free its partition for what follows", async () => {
  const it = bench();
  const { gate, member, run } = start(it, { order: "partition", onFailure: "skip" });
  const sink = await it.sink();
  const [first, second] = [assignment("7"), assignment("7")];
  sink.assigned(first);
  void sink.deliver(first, records("ab"));
  await until(() => gate.running.length === 1);
  sink.assigned(second);
  void sink.unreadable(second, { first: "0", last: "1", reason: "damaged", cause: null });
  void sink.deliver(second, records("c", 2));
  await turns();
  expect(gate.started).toEqual([`${first.epoch}:0`]);
  gate.finish(`${first.epoch}:0`);
  await until(() => gate.running.includes(`${second.epoch}:2`));
  gate.finish(`${second.epoch}:2`);
  await until(() => it.driver.through(second) === "2");
  await member.close();
  await run;
});

test("a handler that never settles ends the run also when the later ownership was handled to the end of its shard", async () => {
  const it = bench();
  const { gate, run } = start(it, { handlerTimeoutMs: 30 });
  const ended = rejection(run);
  const sink = await it.sink();
  const [first, second] = [assignment("7"), assignment("7")];
  sink.assigned(first);
  void sink.deliver(first, records("a"));
  await until(() => gate.running.length === 1);
  sink.lost(first);
  sink.assigned(second);
  void sink.deliver(second, records("b", 1));
  sink.ended(second, []);
  await until(() => gate.running.length === 2);
  gate.finish(`${second.epoch}:1`);
  await until(() => it.driver.settlements.some((settlement) => settlement.ended));
  expect(await ended).toMatchObject({ code: "timeout", partition: "7" });
});
