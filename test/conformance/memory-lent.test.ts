import { expect, test } from "vitest";
import { type Emulator, conformanceCases, runCases } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { type FaultKind, StreamError } from "../../src/driver/index.ts";
import { type MemoryEmulatorOptions, startMemoryEmulator } from "../../localstack/memory-emulator.ts";

// The suite on targets that give less than the memory provider: lent topics and groups, and an emulator across a network.

test.each<[string, MemoryEmulatorOptions]>([
  ["like Event Hubs", { like: "event-hubs" }],
  ["without administration of topics", { without: ["topicAdmin"] }],
  ["that nobody may change", {}],
  ["like Pub/Sub without administration of topics", { like: "pubsub", without: ["topicAdmin"] }],
])(
  "topics and groups can be lent to every case, one at a time, also with what earlier cases left in them: %s",
  { timeout: 120_000 },
  async (_, options) => {
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
  },
);

test("cases with faults pass on an emulator that plans them over a network and lacks some kinds", { timeout: 120_000 }, async () => {
  await using emulator = await startMemoryEmulator();
  const lacking: readonly FaultKind[] = ["throttle", "fail-before-write", "steal-partition", "restart"];
  const faultKinds = emulator.faultKinds.filter((kind) => !lacking.includes(kind));
  const remote: Emulator = {
    faultKinds,
    createTopic: async (topic, settings) => emulator.createTopic(topic, settings),
    inject: async (fault) => {
      await new Promise((resolve) => void setTimeout(resolve, 3));
      if (!faultKinds.includes(fault.kind)) throw new StreamError("unsupported", `there is no ${fault.kind}`);
      emulator.inject(fault);
    },
  };
  const needy = conformanceCases().filter(({ faults }) => faults.length > 0);
  const reports = await runCases(needy, { connect: async () => connect(emulator.url), emulator: remote });
  for (const { case: name, result, reason } of reports) {
    const { faults } = needy.find((one) => one.name === name)!;
    const missing = name.startsWith("history/random/") ? undefined : faults.find((kind) => lacking.includes(kind));
    expect(`${name}: ${result} ${reason}`).toBe(
      missing === undefined ? `${name}: passed null` : `${name}: environment-missing fault ${missing}`,
    );
  }
});
