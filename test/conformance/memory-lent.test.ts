import { describe, expect, test } from "vitest";
import { type Emulator, conformanceCases, runCases } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { type FaultKind, StreamError } from "../../src/driver/index.ts";
import { startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { expectLentFormPasses } from "./lent-form.ts";

// The suite on targets that give less than the memory provider: lent topics and groups, and an emulator across a network.

// Forms like other providers are in the long tier: `test/long/memory-forms.test.ts`. Cases that run one at a time mostly wait, so these runs go on side by side.
describe.concurrent("topics and groups can be lent to every case, one at a time, also with what earlier cases left in them", () => {
  test("where topics cannot be administered", { timeout: 300_000 }, async () => expectLentFormPasses({ without: ["topicAdmin"] }));

  test("where nobody may change them", { timeout: 300_000 }, async () => expectLentFormPasses({}));
});

test.concurrent(
  "cases with faults pass on an emulator that plans them over a network and lacks some kinds",
  { timeout: 300_000 },
  async () => {
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
  },
);
