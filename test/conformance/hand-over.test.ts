import { expect, test } from "vitest";
import { openMemory } from "../../adapters/memory/open.ts";
import { startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { type ConformanceTarget, conformanceCases, runCases } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { overrideOpened } from "../mutants/mutant.ts";
import { override } from "../mutants/override.ts";

const RUNS = 20;

test("cases of growth pass where leases are spread anew in the middle of it, and a member loses partitions to itself", async () => {
  await using emulator = await startMemoryEmulator({ like: "kafka" });
  const steal = (topic: string): void => emulator.inject({ kind: "steal-partition", topic });
  const target: ConformanceTarget = {
    connect: async () =>
      connect(
        overrideOpened(openMemory(emulator.url), (opened) =>
          override(opened, {
            admin: override(opened.admin, {
              updateTopic: async (topic, settings, signal) => {
                steal(topic);
                await opened.admin.updateTopic(topic, settings, signal);
                steal(topic);
              },
            }),
            consumer: (topic, settings) => {
              const consumer = opened.consumer(topic, settings);
              let settled = 0;
              return override(consumer, {
                settle: async (settlements, signal) => {
                  settled += 1;
                  // Another one, when some of the messages behind the growth are handled.
                  if (settled === 2) steal(topic);
                  return consumer.settle(settlements, signal);
                },
              });
            },
          }),
        ),
      ),
  };
  const reports = await runCases(conformanceCases(), target, { run: ["group/reshard/growth-while-consuming"], repeat: RUNS });
  expect(reports.map(({ result, reason }) => `${result}: ${reason}`)).toEqual(["passed: null"]);
});
