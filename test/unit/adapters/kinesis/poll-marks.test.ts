import { getEventListeners } from "node:events";
import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { PagePace } from "../../../../adapters/kinesis/read/page-pace.ts";

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
}

/** As many shards as were read just now, one after the other. */
function quietShards(count: number, pollMs: number): readonly PagePace[] {
  const paces = Array.from({ length: count }, () => new PagePace(pollMs));
  for (const pace of paces) pace.came(0, 0, true);
  return paces;
}

test("quiet shards wait together: for a thousand of them there are a few timers", async () => {
  const { signal } = new AbortController();
  const before = timers();
  const startedMs = performance.now();
  const waits = quietShards(1_000, 320).map((pace) => pace.wait(signal));
  expect(timers() - before).toBeLessThan(10);
  await Promise.all(waits);
  expect(performance.now() - startedMs).toBeGreaterThan(310);
});

test("a wait ends with its signal at once, leaves no timer, and ends none of the others", async () => {
  const stopped = new AbortController();
  const going = new AbortController();
  const [one, other] = quietShards(2, 10_000) as [PagePace, PagePace];
  const rejected = expect(one.wait(stopped.signal)).rejects.toBe("stopped");
  let isOver = false;
  const waiting = other.wait(going.signal).catch(() => (isOver = true));
  stopped.abort("stopped");
  await rejected;
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  // Of both there was one timer.
  const before = timers();
  going.abort();
  expect(before - timers()).toBe(1);
  await waiting;
});

test("a shard listens to its signal once, however often it waits", async () => {
  const { signal } = new AbortController();
  const pace = new PagePace(1);
  for (let poll = 0; poll < 20; poll += 1) {
    pace.came(0, 0, true);
    await pace.wait(signal);
  }
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
});
