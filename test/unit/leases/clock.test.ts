import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/leases/index.ts";

test("a sleep ends in its time, or with the reason of the signal, and leaves no listener", async () => {
  const { signal } = new AbortController();
  const startedMs = systemClock.nowMs();
  await systemClock.sleep(20, signal);
  expect(systemClock.nowMs() - startedMs).toBeGreaterThanOrEqual(19);
  expect(getEventListeners(signal, "abort")).toEqual([]);

  const ended = new AbortController();
  const sleeping = systemClock.sleep(60_000, ended.signal);
  ended.abort("over");
  await expect(sleeping).rejects.toBe("over");
  await expect(systemClock.sleep(60_000, ended.signal)).rejects.toBe("over");
  expect(getEventListeners(ended.signal, "abort")).toEqual([]);
});
