import { expect, test, vi } from "vitest";
import { openMemory } from "../../../adapters/memory/open.ts";
import { type RunnableCase, runCases } from "../../../src/conformance/index.ts";
import { type Pace, longEnough } from "../../../src/conformance/pace.ts";
import { connect } from "../../../src/connect.ts";

test("a duration is stretched on a slow target only, and never shortened", () => {
  expect(longEnough(30_000, 1_000, { callMs: 0 })).toBe(30_000);
  expect(longEnough(30_000, 1_000, { callMs: 3.5 })).toBe(30_000);
  expect(longEnough(30_000, 1_000, { callMs: 250.2 })).toBe(250_200);
});

function waiting(wait: (signal: AbortSignal, pace: Pace) => Promise<unknown>): RunnableCase {
  return {
    name: "waits",
    promise: 1,
    mutant: "none",
    run: async (_, signal, pace) => {
      await wait(signal, pace);
      return { result: "failed", reason: String(signal.reason), seconds: 0 };
    },
  };
}

const aborted = async (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve());
  });

test("the time of a call is measured before the first case, without the time that connecting takes", async () => {
  const paces: Pace[] = [];
  let calls = 0;
  const slowToConnect = async () => {
    const connection = await connect(openMemory("memory:?delayMs=20"));
    const check: typeof connection.check = async (options) => {
      calls += 1;
      const result = await connection.check(options);
      return calls === 1 ? { ...result, latencyMs: 5_000 } : result;
    };
    return new Proxy(connection, {
      get: (original, name) => {
        if (name === "check") return check;
        const value: unknown = Reflect.get(original, name, original);
        return typeof value === "function" ? (value.bind(original) as unknown) : value;
      },
    });
  };
  await runCases([waiting(async (_, pace) => paces.push(pace))], { connect: slowToConnect });
  expect(calls).toBe(2);
  expect(paces[0]!.callMs).toBeGreaterThanOrEqual(15);
  expect(paces[0]!.callMs).toBeLessThan(1_000);
});

test("the deadline of a case follows the time of a call; a time-out that is given stays", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const target = { connect: async () => connect(openMemory("memory:?delayMs=60")) };
  let settled = false;
  const stretched = runCases([waiting(aborted)], target).finally(() => (settled = true));
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), { timeout: 5_000 });
  await vi.advanceTimersByTimeAsync(45_000);
  expect(settled).toBe(false);
  await vi.advanceTimersByTimeAsync(200_000);
  expect((await stretched)[0]!.reason).toMatch(/took more than (?:[5-9]\d|1\d\d)\d{3} ms/);
  const given = runCases([waiting(aborted)], target, { timeoutMs: 1_000 });
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), { timeout: 5_000 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect((await given)[0]!.reason).toContain("took more than 1000 ms");
  vi.useRealTimers();
});

test("a target that cannot be reached has no pace", async () => {
  const paces: Pace[] = [];
  await runCases([waiting(async (_, pace) => paces.push(pace))], { connect: async () => connect("kafka://127.0.0.1:1") });
  expect(paces).toEqual([{ callMs: 0 }]);
});
