import { expect } from "vitest";
import { type MemoryEmulatorOptions, startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { conformanceCases, runCases } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";

/** Topics and groups of memory in this form can be lent to every case, one at a time, also with what earlier cases left in them. */
export async function expectLentFormPasses(options: MemoryEmulatorOptions): Promise<void> {
  const topics = ["lent-a", "lent-b", "lent-c"];
  await using emulator = await startMemoryEmulator({ ...options, topics: Object.fromEntries(topics.map((topic) => [topic, {}])) });
  const target = { connect: async () => connect(emulator.url), topics, groups: ["one", "two", "three"] };
  const reports = await runCases(conformanceCases(), target);
  expect(reports.filter(({ result }) => result === "failed")).toEqual([]);
  for (const { result, reason } of reports) {
    if (result === "environment-missing") expect(reason).not.toMatch(/^(?:topics: more|groups): /);
  }
  expect(reports.filter(({ result }) => result === "passed").length).toBeGreaterThan(100);
  // In its own form the provider lists topics.
  const connection = await connect(emulator.url.replace(/\?.*/, ""), { require: ["topicListing"] });
  expect((await connection.admin.listTopics()).toSorted()).toEqual(topics);
  await connection.close();
}
