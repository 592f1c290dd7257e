import { expect, test } from "vitest";
import { startMemoryEmulator } from "../../../../localstack/memory-emulator.ts";
import { openMemory } from "../../../../adapters/memory/open.ts";
import { defineCase } from "../../../../src/conformance/define-case.ts";
import { topicWithRetention, untilRetentionActed } from "../../../../src/conformance/support/retention.ts";
import { publish } from "../../../../src/conformance/support/stream-steps.ts";
import type { ConformanceTarget } from "../../../../src/conformance/target.ts";
import { connect } from "../../../../src/connect.ts";
import type { AdminDriver, ProviderDriver } from "../../../../src/driver/index.ts";
import { overrideOpened } from "../../../mutants/mutant.ts";
import { override } from "../../../mutants/override.ts";

const forgetting = defineCase({
  name: "a/case",
  promise: 8,
  mutant: "none",
  run: async (context) => {
    const topic = await topicWithRetention(context);
    await publish(context, context.history(), topic, ["a"], 1);
    await untilRetentionActed(context, topic);
  },
});

function targetWith(change: (driver: ProviderDriver) => Partial<AdminDriver>): ConformanceTarget {
  return {
    connect: async () =>
      connect(overrideOpened(openMemory("memory:"), (opened) => override(opened, { admin: override(opened.admin, change(opened)) }))),
  };
}

test("retention that has not acted when the time of the case is over is missing, however short that time is", async () => {
  let retentionMs: number | null | undefined;
  const idle = targetWith(({ admin }) => ({
    updateTopic: async (_, settings) => void ({ retentionMs } = settings),
    describeTopic: async (...args) => ({ ...(await admin.describeTopic(...args)), retentionMs: retentionMs ?? null }),
  }));
  expect(await forgetting.run(idle, AbortSignal.timeout(300))).toMatchObject({
    result: "environment-missing",
    reason: "retention: does not act in the time of a case, at most 10000 ms",
  });
});

test("settings that no topic gets are missing as well", async () => {
  const deaf = targetWith(() => ({ updateTopic: async () => undefined }));
  expect(await forgetting.run(deaf, AbortSignal.timeout(300))).toMatchObject({
    result: "environment-missing",
    reason: "retention: a topic does not get 60 ms in the time of a case, at most 10000 ms",
  });
});

test("an administration that hangs is a failure all the same", async () => {
  const hanging = targetWith(() => ({ updateTopic: async () => undefined, describeTopic: () => new Promise(() => undefined) }));
  expect(await forgetting.run(hanging, AbortSignal.timeout(300))).toMatchObject({ result: "failed" });
});

test("retention that acts is waited for", async () => {
  expect(
    await forgetting.run(
      targetWith(() => ({})),
      AbortSignal.timeout(20_000),
    ),
  ).toMatchObject({ result: "passed", reason: null });
});

test("where the target applies retention on demand, its settings are left alone", async () => {
  await using emulator = await startMemoryEmulator();
  const changed: unknown[] = [];
  const untouchable = (driver: ProviderDriver): Partial<AdminDriver> => ({
    updateTopic: async (...args) => (changed.push(args), driver.admin.updateTopic(...args)),
  });
  const connectTo = async () =>
    connect(overrideOpened(openMemory(emulator.url), (opened) => override(opened, { admin: override(opened.admin, untouchable(opened)) })));
  const expired: string[] = [];
  const expire = async (topic: string): Promise<void> => {
    expired.push(topic);
    await emulator.expire(topic);
  };
  expect(await forgetting.run({ connect: connectTo, emulator }, AbortSignal.timeout(20_000))).toMatchObject({ result: "passed" });
  expect(await forgetting.run({ connect: connectTo, expire }, AbortSignal.timeout(20_000))).toMatchObject({ result: "passed" });
  expect(expired).toHaveLength(1);
  expect(changed).toEqual([]);
});
