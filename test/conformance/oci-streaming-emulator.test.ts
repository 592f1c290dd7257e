import { expect, test } from "vitest";
import { parseOciStreamingUrl } from "../../adapters/oci-streaming/connection-url.ts";
import { ociStreaming } from "../../adapters/oci-streaming/index.ts";
import { startEmulatedOciStreaming } from "../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { conformanceCases, runCases } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";

/** The adapter is not part of this version yet: these are the promises that it is held to so far. */
const FAMILIES = ["topic/**", "producing/**", "ordering/**", "limit/**", "position/**", "error/**", "failing/**"];

test("the adapter of OCI Streaming keeps the promises about publishing, positions, order and errors", { timeout: 120_000 }, async () => {
  await using emulator = await startEmulatedOciStreaming({ getsPerSecond: Infinity, bytesPerSecond: Infinity });
  const notCleanedUp: string[] = [];
  const target = { connect: async () => connect(ociStreaming(parseOciStreamingUrl(emulator.url))), emulator };
  const reports = await runCases(conformanceCases(), target, {
    run: FAMILIES,
    onNotCleanedUp: (names) => void notCleanedUp.push(...names),
  });
  expect(reports.filter(({ result }) => result === "failed")).toEqual([]);
  expect(reports.filter(({ result }) => result === "passed").length).toBeGreaterThan(100);
  expect(notCleanedUp).toEqual([]);
});
