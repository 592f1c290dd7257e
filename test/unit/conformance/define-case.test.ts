import { expect, test, vi } from "vitest";
import { openMemory } from "../../../adapters/memory/open.ts";
import { startMemoryEmulator } from "../../../localstack/memory-emulator.ts";
import { expectTrue, expectUnsupported } from "../../../src/conformance/assertions.ts";
import { type CaseDefinition, defineCase } from "../../../src/conformance/define-case.ts";
import type { CaseContext } from "../../../src/conformance/case-context.ts";
import type { ConformanceTarget, Emulator } from "../../../src/conformance/target.ts";
import { connect } from "../../../src/connect.ts";
import type { Fault, FaultKind } from "../../../src/driver/index.ts";
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

/** It shows stalls and throttling, and refuses everything that names an operation. */
function emulatorOf(planned: string[] = []): Emulator {
  return {
    faultKinds: ["stall", "throttle"],
    createTopic: async () => undefined,
    inject: async ({ kind, operation }) => {
      await new Promise((resolve) => void setTimeout(resolve, 5));
      if (operation !== undefined) throw new StreamError("unsupported", "cannot tell these calls apart");
      planned.push(kind);
    },
  };
}

test("a fault that the target does not declare is missing before the case begins", async () => {
  expect(await runOf({ faults: ["stall"] })).toMatchObject({ result: "environment-missing", reason: "fault stall" });
  const target = { ...targetOf(), emulator: emulatorOf() };
  const run = async (): Promise<void> => Promise.reject(new Error("must not run"));
  expect(await runOf({ faults: ["stall", "disconnect", "restart"], run }, target)).toMatchObject({
    result: "environment-missing",
    reason: "fault disconnect",
  });
  expect(await runOf({ faults: ["stall", "throttle"] }, target)).toMatchObject({ result: "passed" });
});

test("a case that takes any of its faults needs one of them, and sees which there are", async () => {
  const target = { ...targetOf(), emulator: emulatorOf() };
  const seen: string[] = [];
  const run = async (context: CaseContext): Promise<void> => void seen.push(...context.faultKinds);
  expect(await runOf({ faults: ["disconnect", "stall"], anyOfFaults: true, run }, target)).toMatchObject({ result: "passed" });
  expect(seen).toEqual(["stall", "throttle"]);
  expect(await runOf({ faults: ["disconnect", "restart"], anyOfFaults: true, run }, target)).toMatchObject({
    result: "environment-missing",
    reason: "fault disconnect",
  });
  expect(await runOf({ faults: [], anyOfFaults: true })).toMatchObject({ result: "passed" });
});

test("a case goes on when a promised fault is planned; a refused one fails it, unless only its operation is refused", async () => {
  const planned: string[] = [];
  const target = { ...targetOf(), emulator: emulatorOf(planned) };
  const injecting = (fault: Fault, faults: readonly FaultKind[] = ["stall"]): Partial<CaseDefinition> => ({
    faults,
    run: async (context) => {
      await context.inject(fault);
      expectTrue(planned.length === 1, "the fault is planned");
    },
  });
  expect(await runOf(injecting({ kind: "stall" }), target)).toMatchObject({ result: "passed" });
  expect(await runOf(injecting({ kind: "stall", operation: "commit" }), target)).toMatchObject({
    result: "environment-missing",
    reason: "fault stall of operation commit",
  });
  const inject = (): void => {
    throw new StreamError("unsupported", "cannot show that");
  };
  const refusing = { ...target, emulator: { ...emulatorOf(), inject } };
  expect(await runOf(injecting({ kind: "stall" }), refusing)).toMatchObject({
    result: "failed",
    reason: "an unexpected unsupported (cannot show that)",
  });
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
