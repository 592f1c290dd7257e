import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../localstack/event-hubs/emulated-event-hubs.ts";
import { BUSY_CASE_MS, expectSuite } from "./expect-suite.ts";

test("an emulated Event Hubs passes completely", { timeout: 600_000 }, async () => {
  await using emulator = await startEmulatedEventHubs();
  await expectSuite("event-hubs-emulator", { url: emulator.url, emulator }, { timeoutMs: BUSY_CASE_MS });
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
