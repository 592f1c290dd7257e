import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { openMemory } from "../../../adapters/memory/open.ts";
import { startMemoryEmulator } from "../../../localstack/memory-emulator.ts";
import { defineCase } from "../../../src/conformance/define-case.ts";
import { connect } from "../../../src/connect.ts";
import type { Connection } from "../../../src/connection-types.ts";
import type { AdminDriver } from "../../../src/driver/index.ts";
import { StreamError } from "../../../src/errors.ts";
import { overrideOpened } from "../../mutants/mutant.ts";
import { override } from "../../mutants/override.ts";

const anyCase = { name: "a/case", promise: 1, mutant: "none" };

/** A connection whose administration is what `change` makes of it. */
async function connectWith(url: string, change: (admin: AdminDriver) => Partial<AdminDriver>): Promise<Connection> {
  return connect(overrideOpened(openMemory(url), (opened) => override(opened, { admin: override(opened.admin, change(opened.admin)) })));
}

async function topicsOf(url: string): Promise<readonly string[]> {
  const connection = await connect(url, { require: ["topicListing"] });
  const names = await connection.admin.listTopics();
  await connection.close();
  return names;
}

test("a topic whose creation is under way when the case is ended is deleted", async () => {
  await using emulator = await startMemoryEmulator();
  const ended = new AbortController();
  const connectSlowly = async () =>
    connectWith(emulator.url, (admin) => ({
      createTopic: async (name, settings, signal) => {
        // The server goes on, also when its caller does not wait for it any more.
        ended.abort(new Error("enough"));
        await delay(100);
        await admin.createTopic(name, settings, signal.aborted ? new AbortController().signal : signal);
      },
    }));
  const interrupted = defineCase({ ...anyCase, run: async (context) => void (await context.topic()) });
  const result = await interrupted.run({ connect: connectSlowly }, ended.signal);
  expect(result).toMatchObject({ result: "failed", notCleanedUp: [] });
  await delay(200);
  expect(await topicsOf(emulator.url)).toEqual([]);
});

test("a topic that appears after its creation has failed is deleted", async () => {
  await using emulator = await startMemoryEmulator();
  const connectBadly = async () =>
    connectWith(emulator.url, (admin) => ({
      createTopic: async (name, settings) => {
        void delay(200).then(async () => admin.createTopic(name, settings, new AbortController().signal));
        throw new StreamError("unavailable", "the answer was lost", { retryable: false });
      },
    }));
  const failing = defineCase({ ...anyCase, run: async (context) => void (await context.topic()) });
  const result = await failing.run({ connect: connectBadly }, new AbortController().signal);
  expect(result).toMatchObject({ result: "failed", notCleanedUp: [] });
  await delay(300);
  expect(await topicsOf(emulator.url)).toEqual([]);
});

test("what a case creates by the administration itself is deleted", async () => {
  await using emulator = await startMemoryEmulator();
  const making = defineCase({ ...anyCase, run: async (context) => context.admin.createTopic("made-by-hand") });
  const result = await making.run({ connect: async () => connect(emulator.url) }, new AbortController().signal);
  expect(result).toMatchObject({ result: "passed", notCleanedUp: [] });
  expect(await topicsOf(emulator.url)).toEqual([]);
});

test("groups whose members are still leaving, and what a server refuses for a while, are tried again", async () => {
  await using emulator = await startMemoryEmulator();
  const refusals = [
    new StreamError("conflict", "the group has members"),
    new StreamError("throttled", "slow down"),
    new StreamError("unavailable", "no answer"),
  ];
  const connectReluctantly = async () =>
    connectWith(emulator.url, (admin) => ({
      deleteGroup: async (topic, group, signal) => {
        const refusal = refusals.shift();
        if (refusal !== undefined) throw refusal;
        await admin.deleteGroup(topic, group, signal);
      },
    }));
  const tidy = defineCase({
    ...anyCase,
    run: async (context) => {
      const topic = await context.topic();
      const member = context.member(topic, { group: await context.group(topic) }, () => undefined);
      await member.close();
    },
  });
  expect(await tidy.run({ connect: connectReluctantly }, new AbortController().signal)).toMatchObject({ notCleanedUp: [] });
  expect(refusals).toEqual([]);
});

test("a fault that a case injected and that affected no call does not prevent the deletion", async () => {
  await using emulator = await startMemoryEmulator();
  const { url } = emulator;
  const planning = defineCase({
    ...anyCase,
    run: async (context) => {
      const topic = await context.topic();
      await context.inject({ kind: "refuse-authorization", topic: topic.name, times: 3 });
    },
  });
  const result = await planning.run({ connect: async () => connect(url), emulator }, new AbortController().signal);
  expect(result).toMatchObject({ result: "passed", notCleanedUp: [] });
  expect(await topicsOf(url)).toEqual([]);
});

test("a group that appears after its case was ended is deleted", async () => {
  await using emulator = await startMemoryEmulator();
  const ended = new AbortController();
  let asked = 0;
  const connectLate = async () =>
    connectWith(emulator.url, (admin) => ({
      deleteGroup: async (topic, group, signal) => {
        asked += 1;
        if (asked < 3) throw new StreamError("not-found", "there is no such group");
        await admin.deleteGroup(topic, group, signal).catch(() => undefined);
      },
    }));
  const interrupted = defineCase({
    ...anyCase,
    run: async (context) => {
      await context.group(await context.topic());
      ended.abort(new Error("enough"));
      await context.until(() => false, "nothing");
    },
  });
  expect(await interrupted.run({ connect: connectLate }, ended.signal)).toMatchObject({ result: "failed", notCleanedUp: [] });
  expect(asked).toBe(3);
});

describe("what cannot be deleted is named with its reason, and does not change the result:", () => {
  const fine = defineCase({ ...anyCase, run: async (context) => void (await context.topic()) });

  test("a deletion that is refused", async () => {
    await using emulator = await startMemoryEmulator();
    const connectStubbornly = async () =>
      connectWith(emulator.url, () => ({
        deleteTopic: async () => {
          throw new StreamError("permission-denied", "topics may not be deleted");
        },
      }));
    const result = await fine.run({ connect: connectStubbornly }, new AbortController().signal);
    const reported = expect.stringMatching(/^topic case-\w+-0: permission-denied \(topics may not be deleted\)$/);
    expect(result).toMatchObject({ result: "passed", notCleanedUp: [reported] });
  });

  test("a server that is gone by then", async () => {
    await using emulator = await startMemoryEmulator();
    let connections = 0;
    const connectTwice = async () => {
      connections += 1;
      if (connections > 1) throw new StreamError("unavailable", "no answer");
      return connect(emulator.url);
    };
    const result = await fine.run({ connect: connectTwice }, new AbortController().signal);
    expect(result).toMatchObject({
      result: "passed",
      notCleanedUp: [expect.stringMatching(/^topic case-\w+-0: unavailable \(no answer\)$/)],
    });
  });

  test("a deletion that is never answered", async () => {
    await using emulator = await startMemoryEmulator();
    const asked = Promise.withResolvers<void>();
    const connectSilently = async () =>
      connectWith(emulator.url, () => ({
        deleteTopic: () => {
          asked.resolve();
          return new Promise(() => undefined);
        },
      }));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const running = fine.run({ connect: connectSilently }, new AbortController().signal);
    await asked.promise;
    await vi.advanceTimersByTimeAsync(20_000);
    vi.useRealTimers();
    const result = await running;
    expect(result).toMatchObject({ result: "passed", notCleanedUp: [expect.stringMatching(/^topic case-\w+-0: no answer$/)] });
  });
});
