import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { RetryWatch } from "../../../../src/cli/process/retry-watch.ts";
import { channels } from "../../../../src/diagnostics/channels.ts";
import { StreamError } from "../../../../src/errors.ts";

const error = new StreamError("unavailable", "no connection to a:1 (ECONNREFUSED)");

function fail(): void {
  channels.retry.publish({ provider: "kafka", topic: "orders", operation: "Fetch", error, delayMs: 10 });
}

test("a provider that is away on end is lost, with what is wrong with it", async () => {
  const retries = new RetryWatch(100);
  fail();
  expect(retries.lost.aborted).toBe(false);
  await sleep(150);
  fail();
  expect(retries.lost.reason).toBe(error);
  retries.end();
});

test("what has come in between begins anew, and nothing is heard after the end", async () => {
  const retries = new RetryWatch(100);
  fail();
  await sleep(150);
  retries.progressed();
  fail();
  retries.end();
  await sleep(150);
  fail();
  expect(retries.lost.aborted).toBe(false);
});
