import { expect, test, vi } from "vitest";
import { openMemory } from "../../../adapters/memory/open.ts";
import { startMemoryEmulator } from "../../../localstack/memory-emulator.ts";
import { expectTrue, expectUnsupported } from "../../../src/conformance/assertions.ts";
import { type CaseDefinition, defineCase } from "../../../src/conformance/define-case.ts";
import type { ConformanceTarget } from "../../../src/conformance/target.ts";
import { connect } from "../../../src/connect.ts";
import { StreamError } from "../../../src/errors.ts";

const NEVER = new AbortController().signal;

function targetOf(url = "memory:"): ConformanceTarget {
  return { connect: async () => connect(openMemory(url)) };
}

async function runOf(definition: Partial<CaseDefinition>, target = targetOf(), signal = NEVER) {
  return defineCase({ name: "a/case", promise: 1, mutant: "none", run: async () => undefined, ...definition }).run(target, signal);
}

test("what a body throws is the reason", async () => {
  expect(await runOf({})).toMatchObject({ result: "passed", reason: null, capability: null });
  expect(await runOf({ run: async () => expectTrue(false, "the promise") })).toMatchObject({ result: "failed", reason: "the promise" });
  const coded = async (): Promise<void> => Promise.reject(new StreamError("throttled", "slow down"));
  expect(await runOf({ run: coded })).toMatchObject({ result: "failed", reason: "an unexpected throttled (slow down)" });
});

test("a gate that is off runs the refusal, and only a right one counts", async () => {
  const without = targetOf("memory:?without=tombstones");
  const run = async (): Promise<void> => Promise.reject(new Error("must not run"));
  const refusing = async (): Promise<never> =>
    Promise.reject(new StreamError("unsupported", "no", { capability: "tombstones", provider: "memory" }));
  const right = { tombstones: async () => expectUnsupported(refusing, "tombstones") };
  expect(await runOf({ gates: right, run }, without)).toMatchObject({ result: "unsupported", capability: "tombstones" });
  const silent = { tombstones: async () => expectUnsupported(async () => undefined, "tombstones") };
  expect(await runOf({ gates: silent, run }, without)).toMatchObject({ result: "failed", capability: null });
  const nameless = async (): Promise<never> => Promise.reject(new StreamError("unsupported", "no", { provider: "memory" }));
  const wrong = await runOf({ gates: { tombstones: async () => expectUnsupported(nameless, "tombstones") }, run }, without);
  expect(wrong).toMatchObject({ result: "failed" });
  expect(wrong.reason).toContain("the error names it");
  expect(await runOf({ gates: right })).toMatchObject({ result: "passed" });
});

test("a fault that cannot be injected is missing, whether there is no emulator or it refuses the kind", async () => {
  expect(await runOf({ faults: ["stall"] })).toMatchObject({ result: "environment-missing", reason: "fault stall" });
  const emulator = {
    createTopic: async () => undefined,
    inject: () => {
      throw new StreamError("unsupported", "cannot show that");
    },
  };
  const injecting: Partial<CaseDefinition> = { faults: ["stall"], run: async (context) => context.inject({ kind: "stall" }) };
  expect(await runOf(injecting, { ...targetOf(), emulator })).toMatchObject({ result: "environment-missing", reason: "fault stall" });
});

test("topics that cannot be made nor lent are missing", async () => {
  const result = await runOf({ run: async (context) => void (await context.topic()) }, targetOf("memory:?like=event-hubs"));
  expect(result).toMatchObject({ result: "environment-missing" });
  expect(result.reason).toMatch(/^topics: /);
});

test("when time is over, what is being waited for is the reason", async () => {
  const waiting = await runOf(
    { run: async (context) => context.until(() => false, "the tide to turn") },
    targetOf(),
    AbortSignal.timeout(20),
  );
  expect(waiting).toMatchObject({ result: "failed", reason: "out of time while waiting: the tide to turn" });
  const hanging = await runOf({ run: async () => new Promise<void>(() => undefined) }, targetOf(), AbortSignal.timeout(20));
  expect(hanging).toMatchObject({ result: "failed", reason: "out of time: a call neither resolved nor rejected" });
});

test("an unexpected failure of a member fails the case; what it created is deleted", async () => {
  await using emulator = await startMemoryEmulator();
  const target = { connect: async () => connect(emulator.url), emulator };
  const result = await runOf(
    {
      run: async (context) => {
        const topic = await context.topic();
        context.member(topic, { group: await context.group(topic), initialPosition: "fail" }, () => undefined);
        await context.until(() => false, "nothing");
      },
    },
    target,
  );
  expect(result).toMatchObject({ result: "failed" });
  expect(result.reason).toContain("the consumer failed: not-found");
  const connection = await connect(emulator.url, { require: ["topicListing"] });
  expect(await connection.admin.listTopics()).toEqual([]);
  await connection.close();
});

test("a close that hangs after a case that went well is a failure of the case", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const hanging: ConformanceTarget = {
    connect: async () => {
      const connection = await connect(openMemory("memory:"));
      return new Proxy(connection, {
        get: (original, name) => {
          if (name === "close") return async () => new Promise<void>(() => undefined);
          return Reflect.get(original, name, original) as unknown;
        },
      });
    },
  };
  const running = runOf({}, hanging);
  await vi.advanceTimersByTimeAsync(10_000);
  vi.useRealTimers();
  const result = await running;
  expect(result).toMatchObject({ result: "failed" });
  expect(result.reason).toContain("had not closed");
});
