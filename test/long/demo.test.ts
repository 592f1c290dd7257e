import { expect, test } from "vitest";
import { EMULATED_NEEDS, runFlightsDemo } from "../../localstack/demo/flights-demo.ts";
import { inProcessProviders } from "../../localstack/in-process.ts";
import { startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { connect } from "../../src/index.ts";

// What two members handle, and one leaves behind, has to fit what each provider keeps of what is handled ahead.

/** With groups by leases. Those of the form of Event Hubs keep less than its own. */
const FORMS = ["kinesis", "oci-streaming"] as const;

const TARGETS = [
  ...Object.entries(inProcessProviders),
  ...FORMS.map((like) => [`memory like ${like}`, async () => startMemoryEmulator({ like })] as const),
];

test.each(TARGETS)("the demo on %s loses and repeats nothing, three times", { timeout: 300_000 }, async (_, start) => {
  for (let run = 1; run <= 3; run += 1) {
    await using emulator = await start();
    const { row, checks } = await runFlightsDemo(
      async () => connect(emulator.url, { require: EMULATED_NEEDS }),
      () => undefined,
      emulator,
    );
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(row).toMatchObject({ messages: 20_000, lost: 0, outOfOrder: 0, duplicates: 0 });
  }
});
