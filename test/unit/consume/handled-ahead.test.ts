import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { createConsumer } from "../../../src/consume/consumer.ts";
import type { ConsumerOptions } from "../../../src/consume/consumer-types.ts";
import type { Assignment } from "../../../src/driver/consumer-driver.ts";
import type { HandledAhead } from "../../../src/position/handled-ahead.ts";
import { StreamError } from "../../../src/errors.ts";
import { type Bench, Gate, assignment, bench, record, records, turns, until } from "./fake-driver.ts";

const RARELY = { everyMs: 60_000 };

/** A member whose handlers settle when the test says so. */
interface Running extends Bench {
  readonly gate: Gate;
  readonly close: (timeoutMs?: number) => Promise<void>;
  readonly assign: (mine: Assignment) => Promise<void>;
  readonly deliver: (mine: Assignment, keys: string, first?: number) => void;
  /** What was stored last for this assignment. */
  readonly stored: (mine: Assignment) => HandledAhead | null | undefined;
}

function run(options: Partial<ConsumerOptions> = {}, it = bench()): Running {
  const gate = new Gate();
  const member = it.consumer({ concurrency: 100, ...options });
  const running = member.run((message) => gate.enter(message.value));
  return {
    ...it,
    gate,
    close: async (timeoutMs = 1) => {
      await member.close({ timeoutMs });
      await running;
    },
    assign: async (mine) => (await it.sink()).assigned(mine),
    deliver: (mine, keys, first) => void it.driver.sink!.deliver(mine, records(keys, first)),
    stored: (mine) => it.driver.settlements.findLast((settlement) => settlement.assignment === mine)?.ahead,
  };
}

describe("a settlement", () => {
  test("names what is handled behind the oldest unfinished message, also while the prefix stands still", async () => {
    const it = run();
    const mine = assignment();
    await it.assign(mine);
    it.deliver(mine, "abcde");
    await until(() => it.gate.running.length === 5);
    it.gate.finish("1");
    it.gate.finish("3");
    await until(() => it.driver.settlements.length > 0);
    expect(it.driver.settlements).toMatchObject([{ through: null, ahead: { upTo: "3", except: ["0", "2"] } }]);
    it.gate.finish("0");
    await until(() => it.driver.settlements.length > 1);
    expect(it.driver.settlements[1]).toMatchObject({ through: "1", ahead: { upTo: "3", except: ["2"] } });
    it.gate.finish("2");
    await until(() => it.driver.settlements.length > 2);
    expect(it.driver.settlements[2]).toMatchObject({ through: "3", ahead: null });
    await it.close();
  });

  test("names it over several deliveries, and nothing behind the last handled message", async () => {
    const it = run();
    const mine = assignment();
    await it.assign(mine);
    it.deliver(mine, "abc");
    it.deliver(mine, "def", 3);
    it.deliver(mine, "ghi", 6);
    await until(() => it.gate.running.length === 9);
    for (const value of ["3", "4", "5", "7"]) it.gate.finish(value);
    await it.close();
    expect(it.stored(mine)).toEqual({ upTo: "7", except: ["0", "1", "2", "6"] });
  });

  test("comes with the rhythm of commits and not with every message", async () => {
    const it = run({ commit: { everyMs: 60_000, everyMessages: 3 } });
    const mine = assignment();
    await it.assign(mine);
    it.deliver(mine, "abcdefg");
    await until(() => it.gate.running.length === 7);
    for (const value of ["1", "2"]) it.gate.finish(value);
    await turns();
    expect(it.driver.settlements).toEqual([]);
    it.gate.finish("4");
    await until(() => it.driver.settlements.length === 1);
    expect(it.stored(mine)).toEqual({ upTo: "4", except: ["0", "3"] });
    await turns();
    expect(it.driver.settlements).toHaveLength(1);
    await it.close();
    expect(it.driver.settlements, "nothing has changed since").toHaveLength(1);
  });

  test("is sent again when it failed, with what is so by then", async () => {
    const it = run();
    const mine = assignment();
    await it.assign(mine);
    it.driver.answers.push(new StreamError("unavailable", "not now", { retryable: true }));
    it.deliver(mine, "abc");
    await until(() => it.gate.running.length === 3);
    it.gate.finish("2");
    await until(() => it.driver.settlements.length === 1);
    expect(it.driver.settlements).toMatchObject([{ through: null, ahead: { upTo: "2", except: ["0", "1"] } }]);
    await it.close();
  });

  test("names what was skipped or became a dead letter as handled", async () => {
    const it = run({ onFailure: ({ message }) => (message.key === "b" ? "skip" : { deadLetter: "failed" }), retry: { maxAttempts: 1 } });
    const mine = assignment();
    await it.assign(mine);
    it.deliver(mine, "abc");
    await until(() => it.gate.running.length === 3);
    it.gate.fail("1");
    it.gate.fail("2");
    await until(() => it.stored(mine)?.upTo === "2");
    expect(it.stored(mine)).toEqual({ upTo: "2", except: ["0"] });
    await it.close();
  });

  test("does not count a failed attempt", async () => {
    const it = run({ retry: { maxAttempts: 5, initialDelayMs: 10_000 }, commit: RARELY });
    const mine = assignment();
    await it.assign(mine);
    it.deliver(mine, "abc");
    await until(() => it.gate.running.length === 3);
    it.gate.fail("1");
    it.gate.finish("2");
    await it.close();
    expect(it.stored(mine)).toEqual({ upTo: "2", except: ["0", "1"] });
  });

  test("names it for batches as well", async () => {
    const it = bench();
    const member = it.consumer({ concurrency: 3, batch: { maxMessages: 2 }, commit: RARELY });
    const never = Promise.withResolvers<void>();
    const handled: string[] = [];
    const running = member.runBatches((messages) => {
      if (messages.some(({ key }) => key === "slow")) return never.promise;
      handled.push(...messages.map(({ value }) => value));
      return undefined;
    });
    const mine = assignment();
    (await it.sink()).assigned(mine);
    void (await it.sink()).deliver(mine, [record(0, "slow"), record(1, "slow"), record(2, "a"), record(3, "slow"), record(4, "b")]);
    await until(() => handled.includes("4"));
    await member.close({ timeoutMs: 1 });
    await running;
    expect(it.driver.settlements.at(-1)).toMatchObject({
      through: null,
      ahead: { except: expect.arrayContaining(["0", "1", "3"]) as unknown },
    });
    never.resolve();
  });

  test("says nothing ahead with ahead: false, and where the provider cannot store it", async () => {
    for (const it of [run({ commit: { everyMs: 1, ahead: false } }), run({}, bench({ without: ["handledAhead"] }))]) {
      const mine = assignment("0");
      await it.assign(mine);
      it.deliver(mine, "abc");
      await until(() => it.gate.running.length === 3);
      it.gate.finish("2");
      await turns();
      expect(it.driver.settlements).toEqual([]);
      it.gate.finish("0");
      await until(() => it.driver.settlements.length === 1);
      expect(it.driver.settlements).toMatchObject([{ through: "0", ahead: null }]);
      await it.close();
    }
  });
});

test("ahead: true is refused where the provider cannot store it", () => {
  const it = bench({ without: ["handledAhead"] });
  expect(() => it.consumer({ commit: { ahead: true } })).toThrow(
    expect.objectContaining({ code: "unsupported", capability: "handledAhead" }),
  );
  expect(() => it.consumer({ commit: { ahead: 1 as unknown as boolean } })).toThrow(/ahead/);
});

describe("what is inherited", () => {
  const ahead: HandledAhead = { upTo: "6", except: ["0", "3"] };

  test.each(["key", "partition", "none"] as const)("is given to no handler with order %s", async (order) => {
    const it = run({ order, commit: RARELY });
    const mine = assignment("0", { ahead });
    await it.assign(mine);
    it.deliver(mine, "aaaaaaaaa");
    await until(() => it.gate.running.length > 0);
    while (it.gate.running.length > 0) {
      it.gate.finish(it.gate.running[0]!);
      await turns();
    }
    expect(it.gate.started).toEqual(["0", "3", "7", "8"]);
    await it.close();
    expect(it.driver.settlements.at(-1)).toMatchObject({ through: "8", ahead: null });
  });

  test("is given to no batch", async () => {
    const it = bench();
    const member = it.consumer({ batch: { maxMessages: 3, maxWaitMs: 5 } });
    const batches: string[][] = [];
    const running = member.runBatches((messages) => void batches.push(messages.map(({ value }) => value)));
    const mine = assignment("0", { ahead });
    (await it.sink()).assigned(mine);
    void (await it.sink()).deliver(mine, records("aaaaaaaaa"));
    await until(() => batches.flat().length === 4);
    expect(batches.flat()).toEqual(["0", "3", "7", "8"]);
    await member.close();
    await running;
    expect(it.driver.through(mine)).toBe("8");
  });

  test("is given to no iteration", async () => {
    const it = bench();
    const member = createConsumer(it.context, { group: "billing" });
    const seen: string[] = [];
    const mine = assignment("0", { ahead });
    const handOut = async (): Promise<void> => {
      const sink = await it.sink();
      sink.assigned(mine);
      await sink.deliver(mine, records("abcdefghi"));
    };
    void handOut();
    for await (const { value } of member) {
      seen.push(value);
      if (value === "8") break;
    }
    expect(seen).toEqual(["0", "3", "7", "8"]);
    expect(it.driver.through(mine)).toBe("7");
  });

  test("counts as handled: the prefix passes it, and it takes no room", async () => {
    const it = run({ maxBufferedBytes: 15, maxAhead: 3 });
    const mine = assignment("0", { ahead });
    await it.assign(mine);
    const [first, second] = [it.driver.sink!.deliver(mine, records("abcd")), it.driver.sink!.deliver(mine, records("efg", 4))];
    let room = 0;
    void second.then(() => (room += 1));
    await until(() => it.gate.running.length === 2);
    expect(it.gate.running).toEqual(["0", "3"]);
    await turns();
    expect(room, "two messages are waiting, and they are more than the bound").toBe(0);
    it.gate.finish("0");
    await until(() => it.driver.through(mine) === "2");
    await Promise.all([first, second]);
    it.gate.finish("3");
    await until(() => it.driver.through(mine) === "6");
    expect(it.stored(mine)).toBe(null);
    await it.close();
  });

  test.each(["run", "runBatches"] as const)("counts in how far the partition runs ahead: %s", async (use) => {
    const it = bench();
    const member = it.consumer({ concurrency: 8, maxAhead: 5 });
    const [stuck, started]: [PromiseWithResolvers<void>, string[]] = [Promise.withResolvers(), []];
    const handle = (value: string): Promise<void> | undefined => {
      started.push(value);
      return value === "0" ? stuck.promise : undefined;
    };
    const running =
      use === "run"
        ? member.run(({ value }) => handle(value))
        : member.runBatches(async (messages) => void (await Promise.all(messages.map(async ({ value }) => handle(value)))));
    const mine = assignment("0", { ahead: { upTo: "4", except: ["0", "2"] } });
    (await it.sink()).assigned(mine);
    void it.driver.sink!.deliver(mine, records("abcdefgh"));
    await until(() => started.length >= 3);
    await turns();
    expect(started.toSorted(), "0 is not finished, and 5 is the last that may start").toEqual(["0", "2", "5"]);
    stuck.resolve();
    await until(() => started.length === 5);
    await member.close();
    await running;
    expect(it.driver.through(mine)).toBe("7");
  });

  test("of a former ownership of the same member counts in it as well", async () => {
    const it = run({ maxAhead: 3, commit: RARELY });
    let former: Assignment | null = null;
    for (let round = 0; round < 3; round += 1) {
      const mine: Assignment = assignment("0", { resumes: former });
      await it.assign(mine);
      it.deliver(mine, "abcdefgh");
      await turns();
      for (const value of it.gate.running) if (value !== "0") it.gate.finish(value);
      await turns();
      it.driver.sink!.lost(mine);
      former = mine;
      if (it.gate.running.includes("0")) it.gate.finish("0");
      await turns();
    }
    expect([...new Set(it.gate.started)].toSorted()).toEqual(["0", "1", "2", "3"]);
    await it.close();
  });

  test.each([
    ["are not in log order", ["5", "2"]],
    ["name a position twice", ["2", "2"]],
    ["lie behind its end", ["2", "10"]],
    ["name no position", ["2", "x"]],
  ])("is not used if its exceptions %s: all of it comes again, and a warning says so", async (_, except) => {
    const warnings: unknown[] = [];
    const warned = (event: unknown): void => void warnings.push(event);
    subscribe("streamport:warning", warned);
    const it = run({ commit: RARELY });
    const mine = assignment("7", { ahead: { upTo: "9", except } });
    await it.assign(mine);
    unsubscribe("streamport:warning", warned);
    it.deliver(mine, "abcdefghijk");
    await until(() => it.gate.running.length === 11);
    it.gate.finish("3");
    await it.close();
    expect(it.stored(mine)).toEqual({ upTo: "3", except: ["0", "1", "2"] });
    expect(warnings).toEqual([
      { provider: "fake", topic: "orders", text: expect.stringMatching(/partition 7.*defect of the adapter/) as unknown },
    ]);
  });

  test("may end with an exception", async () => {
    const it = run({ commit: RARELY });
    const mine = assignment("0", { ahead: { upTo: "3", except: ["0", "3"] } });
    await it.assign(mine);
    it.deliver(mine, "abcde");
    await until(() => it.gate.running.length === 3);
    expect(it.gate.started).toEqual(["0", "3", "4"]);
    await it.close();
  });

  test("is settled when nothing but it was delivered", async () => {
    const it = run();
    const mine = assignment("0", { ahead: { upTo: "4", except: [] } });
    await it.assign(mine);
    it.deliver(mine, "abcde");
    await until(() => it.driver.through(mine) === "4");
    expect(it.gate.started).toEqual([]);
    await it.close();
  });

  test("is stored again until it has been read", async () => {
    const it = run();
    const mine = assignment("0", { ahead: { upTo: "20", except: ["0", "2", "9", "15"] } });
    await it.assign(mine);
    it.deliver(mine, "abc");
    await until(() => it.gate.running.length === 2);
    it.gate.finish("0");
    await until(() => it.driver.settlements.length === 1);
    expect(it.driver.settlements[0]).toMatchObject({ through: "1", ahead: { upTo: "20", except: ["2", "9", "15"] } });
    it.driver.sink!.advanced(mine, "12");
    it.gate.finish("2");
    await until(() => it.driver.settlements.length === 2);
    expect(it.driver.settlements[1]).toMatchObject({ through: "12", ahead: { upTo: "20", except: ["15"] } });
    it.deliver(mine, "abcdefghij", 13);
    await until(() => it.gate.running.length === 3);
    it.gate.finish("22");
    await until(() => it.driver.settlements.at(-1)?.ahead?.upTo === "22");
    expect(it.driver.settlements.at(-1)).toMatchObject({ ahead: { upTo: "22", except: ["15", "21"] } });
    await it.close();
  });

  test("is neither used nor stored again with ahead: false", async () => {
    const it = run({ commit: { everyMs: 1, ahead: false } });
    const mine = assignment("0", { ahead });
    await it.assign(mine);
    it.deliver(mine, "abc");
    await until(() => it.gate.running.length === 3);
    it.gate.finish("0");
    await until(() => it.driver.settlements.length === 1);
    expect(it.driver.settlements).toMatchObject([{ through: "0", ahead: null }]);
    await it.close();
  });

  test("counts no longer from where the log is another one, and is not stored again", async () => {
    const it = run();
    const mine = assignment("0", { ahead: { upTo: "9", except: ["0"] } });
    await it.assign(mine);
    it.deliver(mine, "abc");
    it.driver.sink!.forgetAhead(mine, "4");
    await until(() => it.driver.settlements.length === 1);
    expect(it.driver.settlements[0]).toMatchObject({ through: null, ahead: { upTo: "2", except: ["0"] } });
    it.deliver(mine, "defg", 3);
    await until(() => it.gate.running.length === 4);
    expect(it.gate.started).toEqual(["0", "4", "5", "6"]);
    await it.close();
  });
});

test("what this member handled itself is not stored while a part of it may lie in a log that was cut", async () => {
  const it = run({ commit: RARELY });
  const mine = assignment();
  await it.assign(mine);
  it.deliver(mine, "abcdef");
  await until(() => it.gate.running.length === 6);
  it.gate.finish("4");
  it.driver.sink!.forgetAhead(mine, "3");
  await it.close();
  expect(it.stored(mine)).toBe(null);
});

describe("an unreadable range", () => {
  const range = (first: number, last: number) => ({ first: String(first), last: String(last), reason: "damaged", cause: null });

  test("that is not settled ends what is stored", async () => {
    const blocked = Promise.withResolvers<"skip">();
    const it = run({ order: "none", onFailure: () => blocked.promise, commit: RARELY });
    const mine = assignment("0", { ahead: { upTo: "30", except: ["0", "2", "25"] } });
    await it.assign(mine);
    it.deliver(mine, "abc");
    void it.driver.sink!.unreadable(mine, range(20, 25));
    it.deliver(mine, "def", 31);
    await until(() => it.gate.running.length === 5);
    it.gate.finish("2");
    it.gate.finish("32");
    await it.close();
    expect(it.stored(mine)).toEqual({ upTo: "2", except: ["0"] });
    blocked.resolve("skip");
  });

  test("counts as handled if everything in it is, and fails if one message in it is not", async () => {
    const failures: string[] = [];
    const onFailure: ConsumerOptions["onFailure"] = ({ error }) => {
      failures.push(error.position!);
      return "skip";
    };
    const it = run({ onFailure });
    const mine = assignment("0", { ahead: { upTo: "30", except: ["0", "22"] } });
    await it.assign(mine);
    it.deliver(mine, "a");
    await until(() => it.gate.running.length === 1);
    it.gate.finish("0");
    void it.driver.sink!.unreadable(mine, range(5, 19));
    void it.driver.sink!.unreadable(mine, range(20, 25));
    void it.driver.sink!.unreadable(mine, range(29, 31));
    await until(() => failures.length === 2);
    await until(() => it.driver.through(mine) === "31");
    await it.close();
    expect(failures).toHaveLength(2);
  });
});

describe("an ownership that resumes a former one of the same member", () => {
  test("does not repeat what that one had handled and not stored", async () => {
    const it = run({ commit: RARELY });
    const former = assignment();
    await it.assign(former);
    it.deliver(former, "abcdef");
    await until(() => it.gate.running.length === 6);
    for (const value of ["0", "1", "4"]) it.gate.finish(value);
    await turns();
    it.driver.sink!.lost(former);
    for (const value of ["2", "3", "5"]) it.gate.finish(value);
    await turns();
    const mine = assignment("0", { resumes: former });
    await it.assign(mine);
    it.gate.started.length = 0;
    it.deliver(mine, "abcdefg");
    await until(() => it.gate.running.length === 4);
    expect(it.gate.started, "results that came after the loss do not count").toEqual(["2", "3", "5", "6"]);
    for (const value of ["3", "6"]) it.gate.finish(value);
    await it.close();
    expect(it.driver.settlements).toMatchObject([{ assignment: mine, through: "1", ahead: { upTo: "6", except: ["2", "5"] } }]);
  });

  test("stores nothing of it before it has been read, and hands it on to the next one", async () => {
    const it = run({ commit: { everyMs: 1, everyMessages: 1 } });
    it.driver.onSettle = async () => {
      throw new StreamError("unavailable", "not now", { retryable: true });
    };
    const first = assignment("0", { ahead: { upTo: "3", except: ["0", "1"] } });
    await it.assign(first);
    it.deliver(first, "abcdef");
    await until(() => it.gate.running.length === 4);
    it.gate.finish("1");
    it.gate.finish("5");
    await turns();
    const second = assignment("0", { resumes: first, ahead: first.ahead });
    await it.assign(second);
    it.driver.onSettle = async () => {};
    it.deliver(second, "a");
    await turns();
    expect(it.driver.settlements.filter((settlement) => settlement.assignment === second)).toEqual([]);
    const third = assignment("0", { resumes: second, ahead: first.ahead });
    await it.assign(third);
    it.gate.started.length = 0;
    for (const value of it.gate.running) it.gate.finish(value);
    it.deliver(third, "abcdefg");
    await until(() => it.gate.running.length === 3);
    expect(it.gate.started.toSorted()).toEqual(["0", "4", "6"]);
    await it.close();
  });

  test("compares positions, not their texts", async () => {
    const it = run({ commit: RARELY });
    const former = assignment();
    await it.assign(former);
    it.deliver(former, "abcd");
    await until(() => it.gate.running.length === 4);
    for (const value of ["1", "3"]) it.gate.finish(value);
    await turns();
    const mine = assignment("0", { resumes: former, ahead: { upTo: "3", except: ["00", "02"] } });
    await it.assign(mine);
    for (const value of it.gate.running) it.gate.finish(value);
    it.gate.started.length = 0;
    it.deliver(mine, "abcd");
    await until(() => it.gate.running.length === 2);
    expect(it.gate.started).toEqual(["0", "2"]);
    await it.close();
  });

  test("repeats from where the log is another one", async () => {
    const it = run({ commit: RARELY });
    const former = assignment();
    await it.assign(former);
    it.deliver(former, "abcdef");
    await until(() => it.gate.running.length === 6);
    for (const value of ["0", "1", "2", "3", "4"]) it.gate.finish(value);
    await turns();
    const mine = assignment("0", { resumes: former });
    await it.assign(mine);
    it.gate.started.length = 0;
    it.gate.finish("5");
    it.deliver(mine, "ab");
    it.driver.sink!.forgetAhead(mine, "3");
    it.deliver(mine, "cdef", 2);
    await until(() => it.gate.running.length === 3);
    expect(it.gate.started).toEqual(["3", "4", "5"]);
    await it.close();
  });

  test("repeats the ahead part with ahead: false, and not the prefix", async () => {
    const it = run({ commit: { everyMs: 60_000, ahead: false } });
    const former = assignment();
    await it.assign(former);
    it.deliver(former, "abcd");
    await until(() => it.gate.running.length === 4);
    for (const value of ["0", "2"]) it.gate.finish(value);
    await turns();
    const mine = assignment("0", { resumes: former });
    await it.assign(mine);
    for (const value of ["1", "3"]) it.gate.finish(value);
    it.gate.started.length = 0;
    it.deliver(mine, "abcd");
    await until(() => it.gate.running.length === 3);
    expect(it.gate.started.toSorted()).toEqual(["1", "2", "3"]);
    await it.close();
  });

  test("repeats everything of an ownership that this member has never had", async () => {
    const it = run();
    const mine = assignment("0", { resumes: assignment() });
    await it.assign(mine);
    it.deliver(mine, "ab");
    await until(() => it.gate.running.length === 2);
    await it.close();
  });
});
