import { expect, test } from "vitest";
import type { BatchContext } from "../../../src/consume/consumer-types.ts";
import { type Bench, Gate, assignment, bench, record, records, rejection, turns, until } from "./fake-driver.ts";

async function deliver(of: Bench, what: ReturnType<typeof records>, partition = "0") {
  const mine = assignment(partition);
  const sink = await of.sink();
  sink.assigned(mine);
  void sink.deliver(mine, what);
  return mine;
}

const values = (messages: readonly { value: string }[]): string => messages.map(({ value }) => value).join("");

test("batches hold up to maxMessages of one partition, in order", async () => {
  const it = bench();
  const batches: string[] = [];
  const member = it.consumer({ batch: { maxMessages: 3 } });
  const run = member.runBatches((messages) => void batches.push(`${messages[0]!.partition}:${values(messages)}`));
  const left = await deliver(it, records("abcdefg"), "l");
  const right = await deliver(it, records("ab"), "r");
  await until(() => it.driver.through(left) === "6" && it.driver.through(right) === "1");
  expect(batches).toEqual(["l:012", "l:345", "l:6", "r:01"]);
  await member.close();
  await run;
});

test("maxWaitMs fills a batch from several deliveries, and ends", async () => {
  const it = bench();
  const batches: string[] = [];
  const member = it.consumer({ batch: { maxMessages: 4, maxWaitMs: 300 } });
  const run = member.runBatches((messages) => void batches.push(values(messages)));
  const mine = await deliver(it, records("ab"));
  await turns();
  expect(batches).toEqual([]);
  void (await it.sink()).deliver(mine, records("abc", 2));
  expect(batches).toEqual(["0123"]);
  await until(() => batches.length === 2);
  expect(batches).toEqual(["0123", "4"]);
  await member.close();
  await run;
});

test("no key is in two running batches; with order partition no partition is", async () => {
  for (const [order, second] of [
    ["key", "2"],
    ["partition", undefined],
  ] as const) {
    const it = bench();
    const gate = new Gate();
    const member = it.consumer({ concurrency: 3, order, batch: { maxMessages: 2 } });
    const run = member.runBatches((messages) => gate.enter(values(messages)));
    const mine = await deliver(it, [record(0, "a"), record(1, "b"), record(2, "c"), record(3, "a")].slice(0, 2));
    await until(() => gate.running.length === 1);
    void (await it.sink()).deliver(mine, [record(2, "c"), record(3, "a")]);
    await turns();
    expect(gate.started.slice(1)).toEqual(second === undefined ? [] : [second]);
    gate.finish("01");
    await until(() => gate.started.length === (second === undefined ? 2 : 3));
    expect(gate.started.at(-1)).toBe(second === undefined ? "23" : "3");
    for (const one of gate.running) gate.finish(one);
    await until(() => it.driver.through(mine) === "3");
    await member.close();
    await run;
  }
});

test("a failed batch is handled again as a whole; at last onFailure decides on each message in order", async () => {
  const it = bench();
  const batches: [string, number][] = [];
  const failed: string[] = [];
  const member = it.consumer({
    retry: { maxAttempts: 2, initialDelayMs: 1 },
    onFailure: ({ message }) => {
      failed.push(Buffer.from(message.value!).toString());
      return "skip";
    },
  });
  const run = member.runBatches((messages, { attempt }) => {
    batches.push([values(messages), attempt]);
    throw new Error("no");
  });
  const mine = await deliver(it, records("aab"));
  await until(() => it.driver.through(mine) === "2");
  expect(batches).toEqual([
    ["012", 1],
    ["012", 2],
  ]);
  expect(failed).toEqual(["0", "1", "2"]);
  await member.close();
  await run;
});

test.each([1, 4])(
  "fail: the message and those of its key behind it are handled again, the rest is done (concurrency %i)",
  async (concurrency) => {
    const it = bench();
    const batches: [string, number][] = [];
    const member = it.consumer({ concurrency });
    let late: BatchContext<string> | null = null;
    const run = member.runBatches((messages, context) => {
      batches.push([values(messages), context.attempt]);
      if (batches.length > 1) return;
      late = context;
      context.fail(messages[1]!, new Error("no"));
      expect(() => context.fail({ ...messages[1]! }, new Error("no"))).toThrow("not one of the 5");
    });
    const mine = await deliver(it, records("abbcb"));
    await until(() => it.driver.through(mine) === "4");
    expect(batches).toEqual([
      ["01234", 1],
      ["124", 2],
    ]);
    expect(() => late!.fail({} as never, null)).toThrow("has been settled");
    await member.close();
    await run;
  },
);

test.each([
  ["key", "124"],
  ["none", "124"],
  ["partition", "1234"],
] as const)("fail with the order %s: %s are handled again", async (order, again) => {
  const it = bench();
  const batches: string[] = [];
  const member = it.consumer({ order });
  const run = member.runBatches((messages, context) => {
    batches.push(values(messages));
    if (batches.length === 1) context.fail(messages[1]!, new Error("no"));
  });
  const mine = await deliver(it, records("abbcb"));
  await until(() => it.driver.through(mine) === "4");
  expect(batches).toEqual(["01234", again]);
  await member.close();
  await run;
});

test.each(["key", "none", "partition"] as const)("fail with the order %s: without a key a message stands alone", async (order) => {
  const it = bench();
  const batches: string[] = [];
  const member = it.consumer({ order });
  const run = member.runBatches((messages, context) => {
    batches.push(values(messages));
    if (batches.length === 1) context.fail(messages[1]!, new Error("no"));
  });
  const mine = await deliver(it, records("---"));
  await until(() => it.driver.through(mine) === "2");
  expect(batches).toEqual(["012", order === "partition" ? "12" : "1"]);
  await member.close();
  await run;
});

test("fail for good: onFailure gets the one message, those behind it are handled again", async () => {
  const it = bench();
  const batches: [string, number][] = [];
  const failed: string[] = [];
  const member = it.consumer({
    retry: { maxAttempts: 2, initialDelayMs: 1 },
    onFailure: ({ message }) => (failed.push(Buffer.from(message.value!).toString()), "skip"),
  });
  const run = member.runBatches((messages, context) => {
    batches.push([values(messages), context.attempt]);
    const poison = messages.find(({ value }) => value === "0");
    if (poison !== undefined) context.fail(poison, new Error("no"));
  });
  const mine = await deliver(it, records("aab"));
  await until(() => it.driver.through(mine) === "2");
  expect(batches).toEqual([
    ["012", 1],
    ["01", 2],
    ["1", 1],
  ]);
  expect(failed).toEqual(["0"]);
  await member.close();
  await run;
});

test("a message that cannot be decoded leaves the batch, with those of its key behind it, and goes to onFailure", async () => {
  const it = bench();
  const batches: string[] = [];
  const codes: string[] = [];
  const member = it.consumer({ onFailure: ({ error }) => (codes.push(error.code), "skip") });
  const run = member.runBatches((messages) => void batches.push(values(messages)));
  const mine = await deliver(it, [record(0, "a", { value: Buffer.from("bad") }), record(1, "a"), record(2, "b")]);
  await until(() => it.driver.through(mine) === "2");
  expect([batches, codes]).toEqual([["2", "1"], ["corrupt"]]);
  await member.close();
  await run;
});

test("stop in a batch commits nothing of the batch", async () => {
  const it = bench();
  const run = rejection(
    it.consumer({ retry: { maxAttempts: 1 }, batch: { maxMessages: 2 } }).runBatches((messages) => {
      if (values(messages) === "23") throw new Error("no");
    }),
  );
  const mine = await deliver(it, records("abcdef"));
  expect((await run).code).toBe("handler-failed");
  expect(it.driver.through(mine)).toBe("1");
});
