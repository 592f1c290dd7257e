import { performance } from "node:perf_hooks";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PagePace } from "../../../../adapters/kinesis/read/page-pace.ts";

let nowMs = 0;

beforeEach(() => {
  nowMs = 1_000;
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
});

afterEach(() => void vi.restoreAllMocks());

/** May the shard be read so many milliseconds after the last page? */
async function isDue(pace: PagePace, afterMs: number): Promise<boolean> {
  const pageMs = nowMs;
  nowMs += afterMs;
  const looking = new AbortController();
  const due = pace.wait(looking.signal).then(
    () => true,
    () => false,
  );
  // No timer can end before it.
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
  looking.abort();
  nowMs = pageMs;
  return due;
}

async function expectPause(pace: PagePace, pauseMs: number): Promise<void> {
  expect([await isDue(pace, pauseMs - 1), await isDue(pace, pauseMs)]).toEqual([false, true]);
}

test("a shard that is caught up is read after the pause of the options, and behind the tip at most five times a second", async () => {
  const pace = new PagePace(1_000);
  expect(await isDue(pace, 0)).toBe(true);
  pace.came(3, 300, true);
  await expectPause(pace, 1_000);
  pace.came(3, 300, false);
  await expectPause(pace, 200);
  // An answer as large as it was asked for: then the bytes are the limit.
  pace.came(pace.limit, 100 * pace.limit, false);
  expect(await isDue(pace, 0)).toBe(true);
  const quick = new PagePace(50);
  quick.came(0, 0, false);
  await expectPause(quick, 50);
});

test("where other readers leave less room it reads up to five times more seldom, and more often again once there is room", async () => {
  const pace = new PagePace(1_000);
  for (let refused = 0; refused < 10; refused += 1) pace.throttled();
  pace.came(0, 0, true);
  await expectPause(pace, 5_000);
  for (let page = 0; page < 20; page += 1) pace.came(0, 0, true);
  await expectPause(pace, 1_000);
});

test("a page has about a mebibyte: few large records, and up to ten thousand small ones", () => {
  const pace = new PagePace(1_000);
  const asked: number[] = [];
  for (let page = 0; page < 5; page += 1) {
    asked.push(pace.limit);
    pace.came(pace.limit, 50 * pace.limit, false);
  }
  expect(asked).toEqual([32, 256, 2_048, 10_000, 10_000]);
  pace.came(4, 4 * 1_048_576, false);
  expect(pace.limit).toBe(1);
  pace.came(0, 0, true);
  expect(pace.limit).toBe(1);
});
