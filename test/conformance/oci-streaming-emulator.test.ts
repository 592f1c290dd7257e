import { test } from "vitest";
import { startEmulatedOciStreaming } from "../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { BUSY_CASE_MS, expectSuite } from "./expect-suite.ts";

test("an emulated OCI Streaming passes completely", { timeout: 600_000 }, async () => {
  // The limits of the service, and what long keys are good for, are the points of other tests.
  await using emulator = await startEmulatedOciStreaming({ getsPerSecond: Infinity, bytesPerSecond: Infinity, keyBits: 512 });
  await expectSuite("oci-streaming-emulator", { url: emulator.url, emulator }, { timeoutMs: BUSY_CASE_MS });
});
