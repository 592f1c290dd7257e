import { expect, test } from "vitest";
import type { ConsumerOptions, Failure } from "../../../src/consume/consumer-types.ts";
import type { Assignment, Sink } from "../../../src/driver/consumer-driver.ts";
import type { UnreadableRange } from "../../../src/driver/record.ts";
import { decodePosition } from "../../../src/position/position.ts";
import { type Bench, Gate, assignment, bench, records, rejection, turns, until } from "./fake-driver.ts";

const cause = new Error("the disk");
const range = (first: number, last = first): UnreadableRange => {
  return { first: String(first), last: String(last), reason: `offsets ${first} to ${last} are damaged`, cause };
};

async function owned(of: Bench): Promise<{ readonly mine: Assignment; readonly sink: Sink }> {
  const mine = assignment();
  const sink = await of.sink();
  sink.assigned(mine);
  return { mine, sink };
}

/** Keys a and b, then an unreadable range, then a and b again. */
async function deliver(of: Bench): Promise<Assignment> {
  const { mine, sink } = await owned(of);
  void sink.deliver(mine, records("ab"));
  void sink.unreadable(mine, range(2, 4));
  void sink.deliver(mine, records("ab", 5));
  return mine;
}

test.each<ConsumerOptions["order"]>(["key", "partition"])(
  "order %s: nothing passes what cannot be read, it passes nothing, and it is settled as a whole",
  async (order) => {
    const it = bench();
    const gate = new Gate();
    const decided = Promise.withResolvers<"skip">();
    const failures: Failure[] = [];
    const onFailure = async (failure: Failure) => {
      failures.push(failure);
      return decided.promise;
    };
    const member = it.consumer({ concurrency: 8, order, onFailure });
    const run = member.run(({ value }) => gate.enter(value));
    const mine = await deliver(it);
    await until(() => gate.started.length > 0);
    if (order === "partition") gate.finish("0");
    await until(() => gate.started.length === 2);
    gate.finish("1");
    await turns();
    if (order === "key") {
      expect(failures).toEqual([]);
      gate.finish("0");
    }
    await until(() => failures.length === 1);
    await until(() => it.driver.through(mine) === "1");
    await turns();
    expect(gate.started).toEqual(["0", "1"]);
    expect(member.status().oldest).toMatchObject({ partition: "0" });
    decided.resolve("skip");
    await until(() => gate.running.length === (order === "key" ? 2 : 1));
    await until(() => it.driver.through(mine) === "4");
    for (const value of ["5", "6"]) {
      await until(() => gate.running.includes(value));
      gate.finish(value);
    }
    await until(() => it.driver.through(mine) === "6");
    const [{ error, attempts, message }] = failures as [Failure];
    expect([error.code, error.message, error.cause, error.partition, attempts]).toEqual([
      "corrupt",
      "offsets 2 to 4 are damaged",
      cause,
      "0",
      1,
    ]);
    expect(decodePosition(error.position).position).toBe("4");
    expect([message.position, message.key, message.value, message.headers]).toEqual([error.position, null, new Uint8Array(0), {}]);
    await member.close();
    await run;
  },
);

test("without an order nothing waits for it, and nothing is committed past it before it is settled", async () => {
  const it = bench();
  const decided = Promise.withResolvers<"skip">();
  const gate = new Gate();
  const member = it.consumer({ concurrency: 8, order: "none", onFailure: () => decided.promise });
  const run = member.run(({ value }) => gate.enter(value));
  const mine = await deliver(it);
  await until(() => gate.running.length === 4);
  for (const value of gate.running) gate.finish(value);
  await until(() => it.driver.through(mine) === "1");
  decided.resolve("skip");
  await until(() => it.driver.through(mine) === "6");
  await member.close();
  await run;
});

test("batches end before it and begin behind it, and do not wait to be filled", async () => {
  const it = bench();
  const batches: string[] = [];
  const failures: Failure[] = [];
  const onFailure = (failure: Failure) => {
    failures.push(failure);
    return "skip" as const;
  };
  const member = it.consumer({ concurrency: 4, onFailure, batch: { maxMessages: 10, maxWaitMs: 20 } });
  const run = member.runBatches((messages) => void batches.push(messages.map(({ value }) => value).join("")));
  const mine = await deliver(it);
  await until(() => it.driver.through(mine) === "6");
  expect(batches).toEqual(["01", "56"]);
  expect(failures).toHaveLength(1);
  await member.close();
  await run;
});

test("a message that is retried before it holds it up; its dead letter has an empty value and no key", async () => {
  const it = bench();
  let attempts = 0;
  const member = it.consumer({ concurrency: 4, onFailure: { deadLetter: "letters" } });
  const events: string[] = [];
  it.sender("letters").beforeSend = async () => void events.push("letter");
  const run = member.run(({ value }) => {
    if (value === "0" && ++attempts < 3) throw new Error("not yet");
    events.push(value);
  });
  const mine = await deliver(it);
  await until(() => it.driver.through(mine) === "6");
  expect(events).toEqual(["1", "0", "letter", "5", "6"]);
  const [letter] = it.sender("letters").sent;
  expect([letter?.key, letter?.value]).toEqual([null, new Uint8Array(0)]);
  const headers = Object.fromEntries(letter!.headers.map(([name, value]) => [name, Buffer.from(value!).toString()]));
  expect(headers).toMatchObject({
    "streamport-failure-code": "corrupt",
    "streamport-failure-message": "offsets 2 to 4 are damaged: the disk",
  });
  await member.close();
  await run;
});

test("stop: what is before it is handled and committed, what is behind it is not started, and run rejects with its place", async () => {
  for (const kind of ["run", "loop"] as const) {
    const it = bench();
    const handled: string[] = [];
    const member = it.consumer(kind === "run" ? { concurrency: 4 } : { retry: undefined });
    const loop = async (): Promise<void> => {
      for await (const { value } of member) handled.push(value);
    };
    const failed = rejection(kind === "run" ? member.run(({ value }) => void handled.push(value)) : loop());
    const mine = await deliver(it);
    const error = await failed;
    expect(error).toMatchObject({ code: "corrupt", partition: "0", operation: "consume" });
    expect(decodePosition(error.position).position).toBe("4");
    expect(handled).toEqual(["0", "1"]);
    expect(it.driver.through(mine)).toBe("1");
  }
});

test("revoked while it is settled: its result does not count, and it is redelivered to the next owner", async () => {
  const it = bench();
  const decided = Promise.withResolvers<"skip">();
  let asked = 0;
  const member = it.consumer({
    concurrency: 4,
    onFailure: () => {
      asked += 1;
      return decided.promise;
    },
  });
  const handled: string[] = [];
  const run = member.run(({ value }) => void handled.push(value));
  const first = await deliver(it);
  await until(() => asked === 1);
  (await it.sink()).lost(first);
  const { mine, sink } = await owned(it);
  void sink.unreadable(mine, range(2, 4));
  void sink.deliver(mine, records("ab", 5));
  decided.resolve("skip");
  await until(() => it.driver.through(mine) === "6");
  expect([asked, handled]).toEqual([2, ["0", "1", "5", "6"]]);
  await member.close();
  await run;
});

test("unit record: it is settled by its position", async () => {
  const it = bench({ unit: "record" });
  const member = it.consumer({ onFailure: "skip" });
  const run = member.run(() => undefined);
  const { mine, sink } = await owned(it);
  void sink.unreadable(mine, range(7));
  await until(() => it.driver.settlements.length === 1);
  expect(it.driver.settlements[0]!.records.map(({ position }) => position)).toEqual(["7"]);
  await member.close();
  await run;
});
