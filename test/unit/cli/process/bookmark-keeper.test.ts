import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BookmarkKeeper } from "../../../../src/cli/process/bookmark-keeper.ts";
import { StreamError } from "../../../../src/errors.ts";

const DAY_MS = 86_400_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

function bench(lifetimeMs: number | null) {
  const written: string[] = [];
  let asked = 0;
  const reader = { bookmark: vi.fn<() => Promise<string>>(async () => `bookmark ${(asked += 1)}`) };
  const file = {
    writeSoon: (bookmark: string) => void written.push(bookmark),
    write: async (bookmark: string) => void written.push(`last ${bookmark}`),
    forget: () => {},
  };
  return { written, reader, file, keeper: new BookmarkKeeper(file, reader, lifetimeMs) };
}

test("where bookmarks cost nothing, each batch has one", async () => {
  const { written, keeper } = bench(null);
  for (let batch = 0; batch < 3; batch += 1) {
    keeper.handedOut();
    await keeper.printed();
  }
  await keeper.finish();
  expect(written).toEqual(["bookmark 1", "bookmark 2", "bookmark 3", "last bookmark 4"]);
});

test("where the provider makes them, the first comes at once and a day has a few hundred", async () => {
  const { reader, keeper } = bench(7 * DAY_MS);
  keeper.handedOut();
  await keeper.printed();
  expect(reader.bookmark).toHaveBeenCalledTimes(1);
  for (let second = 0; second < 86_400; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    keeper.handedOut();
    await keeper.printed();
  }
  expect(reader.bookmark.mock.calls.length).toBeGreaterThan(250);
  expect(reader.bookmark.mock.calls.length).toBeLessThan(300);
});

test("a reader that waits still gets its bookmark, but never while something is handed out and not printed", async () => {
  const { written, keeper } = bench(2_000_000);
  await keeper.printed();
  keeper.handedOut();
  await keeper.printed();
  await vi.advanceTimersByTimeAsync(500);
  keeper.handedOut();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(written).toEqual(["bookmark 1"]);
  await keeper.printed();
  expect(written).toEqual(["bookmark 1", "bookmark 2"]);
  await keeper.printed();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(written).toEqual(["bookmark 1", "bookmark 2", "bookmark 3"]);
  keeper.stop();
});

test("a bookmark that the provider refuses between two batches ends the reading at the next", async () => {
  const { reader, keeper } = bench(2_000_000);
  await keeper.printed();
  const refused = new StreamError("conflict", "too many bookmarks");
  reader.bookmark.mockRejectedValueOnce(refused);
  await keeper.printed();
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(keeper.printed()).rejects.toBe(refused);
});
