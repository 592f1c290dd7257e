import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../localstack/event-hubs/emulated-event-hubs.ts";
import { compareWithExpected, conformanceCases, runCases, staleEntries } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "./expected-results.ts";

test("an emulated Event Hubs passes completely", { timeout: 600_000 }, async () => {
  await using emulator = await startEmulatedEventHubs();
  const target = { connect: async () => connect(emulator.url), emulator };
  const notCleanedUp: string[] = [];
  const reports = await runCases(conformanceCases(), target, {
    // Both sides of AMQP are in this process, and a case of faults breaks some dozens of connections: on a busy machine that takes longer.
    timeoutMs: 90_000,
    onNotCleanedUp: (names) => void notCleanedUp.push(...names),
  });
  const expected = await expectedResults("event-hubs-emulator");
  expect(compareWithExpected(reports, expected)).toEqual([]);
  expect(staleEntries(conformanceCases(), expected)).toEqual([]);
  expect(reports).toHaveLength(conformanceCases().length);
  expect(notCleanedUp).toEqual([]);
  expect(await blobsLeft(emulator)).toEqual([]);
});

/** As another client sees them. */
async function blobsLeft({ checkpoints }: EmulatedEventHubs): Promise<readonly string[]> {
  const url = new URL(checkpoints);
  const key = new StorageSharedKeyCredential(url.username, decodeURIComponent(url.password));
  const names: string[] = [];
  for await (const { name } of new ContainerClient(`${url.origin}${url.pathname}`, key).listBlobsFlat()) names.push(name);
  return names;
}
