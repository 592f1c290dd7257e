import { setTimeout as later } from "node:timers/promises";
import { expect, test } from "vitest";
import { startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { activeResources, addedResources } from "../../../../src/conformance/active-resources.ts";
import { connect } from "../../../../src/index.ts";

/** When a connection is closed, in milliseconds after its first call: while the library opens the connection to the service. */
const MOMENTS_MS = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30];

test("a connection that is closed while the one to the service opens leaves no timer", { timeout: 30_000 }, async () => {
  await using emulator = await startEmulatedEventHubs({ topics: { flights: { partitions: 1 } } });
  // The SDK is loaded, and whatever it keeps for good is there.
  await using first = await connect(emulator.url);
  await first.admin.describeTopic("flights");
  const before = activeResources();
  for (const momentMs of MOMENTS_MS) {
    const connection = await connect(emulator.url);
    const described = connection.admin.describeTopic("flights").catch(() => undefined);
    await later(momentMs);
    await connection.close({ timeoutMs: 0 });
    await described;
  }
  await later(1_000);
  expect(addedResources(before).filter((added) => added.startsWith("Timeout"))).toEqual([]);
});
