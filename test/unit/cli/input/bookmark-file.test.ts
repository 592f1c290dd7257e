import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BookmarkFile } from "../../../../src/cli/input/bookmark-file.ts";
import { sealBookmark } from "../../../../src/position/position.ts";
import type { Bookmark } from "../../../../src/tokens.ts";

function bookmark(name: string): Bookmark {
  return sealBookmark(["kafka", "c", "t", name, []]);
}

let folder: string;
let path: string;

/** Waits until the file says so, however slow the disk is. */
async function untilItSays(text: Bookmark): Promise<void> {
  while ((await readFile(path, "utf8").catch(() => null)) !== `${text}\n`) {
    await nextTurn();
    await vi.advanceTimersByTimeAsync(0);
  }
}

beforeEach(async () => {
  // The clock of the file is the test's; the disk takes its time.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  folder = await mkdtemp(join(tmpdir(), "streamport-bookmark-"));
  path = join(folder, "bookmark");
});

afterEach(async () => {
  vi.useRealTimers();
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true, force: true });
});

test("keeps one bookmark and no other file", async () => {
  const file = new BookmarkFile(path);
  expect(await file.read()).toBeNull();
  await file.write(bookmark("one"));
  await file.write(bookmark("two"));
  expect(await new BookmarkFile(path).read()).toBe(bookmark("two"));
  expect(await readdir(folder)).toEqual(["bookmark"]);
});

test("a half-written file of a killed process is ignored", async () => {
  await writeFile(path, `${bookmark("one")}\n`);
  await writeFile(`${path}.tmp`, "b1.t");
  const file = new BookmarkFile(path);
  expect(await file.read()).toBe(bookmark("one"));
  await file.write(bookmark("three"));
  expect(await readFile(path, "utf8")).toBe(`${bookmark("three")}\n`);
});

test("says the first at once, as a process may be killed again and again soon after it began; the next within a second", async () => {
  const file = new BookmarkFile(path);
  file.writeSoon(bookmark("one"));
  await untilItSays(bookmark("one"));
  file.writeSoon(bookmark("two"));
  await vi.advanceTimersByTimeAsync(999);
  expect(await readFile(path, "utf8")).toBe(`${bookmark("one")}\n`);
  await vi.advanceTimersByTimeAsync(1);
  await untilItSays(bookmark("two"));
  file.forget();
});

test("writes the last bookmark soon; a write at once replaces it", async () => {
  const file = new BookmarkFile(path);
  file.writeSoon(bookmark("one"));
  file.writeSoon(bookmark("two"));
  expect(await readdir(folder)).toEqual([]);
  await untilItSays(bookmark("two"));
  file.writeSoon(bookmark("three"));
  await file.write(bookmark("four"));
  expect(vi.getTimerCount()).toBe(0);
  expect(await readFile(path, "utf8")).toBe(`${bookmark("four")}\n`);
});

test("what comes while a write runs is written too", async () => {
  const file = new BookmarkFile(path);
  const written: Bookmark[] = [];
  for (let number = 0; number < 900; number += 1) {
    written.push(bookmark(String(number)));
    file.writeSoon(written.at(-1)!);
    await vi.advanceTimersByTimeAsync(3);
  }
  await vi.advanceTimersByTimeAsync(1_000);
  await untilItSays(written.at(-1)!);
});

test("what was to be written soon can be forgotten", async () => {
  const file = new BookmarkFile(path);
  file.writeSoon(bookmark("one"));
  file.forget();
  expect(vi.getTimerCount()).toBe(0);
  expect(await readdir(folder)).toEqual([]);
});

test("an empty file is an error: beginning anew silently would print everything again", async () => {
  await writeFile(path, "\n");
  await expect(new BookmarkFile(path).read()).rejects.toMatchObject({ code: "corrupt", message: expect.stringContaining("is empty") });
});

test("a file that cannot be read or written is an error that names it, also one that was to be written soon", async () => {
  const nowhere = new BookmarkFile(join(folder, "missing", "bookmark"));
  await expect(nowhere.write(bookmark("one"))).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("cannot write"),
  });
  nowhere.writeSoon(bookmark("two"));
  await vi.advanceTimersByTimeAsync(0);
  // Waits for the write that runs.
  await expect(nowhere.write(bookmark("two"))).rejects.toMatchObject({ code: "unavailable" });
  expect(() => nowhere.writeSoon(bookmark("three"))).toThrow(/cannot write the bookmark file ".*missing.bookmark": ENOENT/);
  await expect(new BookmarkFile(folder).read()).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("EISDIR") });
});

test("a text that is not a bookmark is an error that names the file", async () => {
  await writeFile(path, "b1.cut");
  await expect(new BookmarkFile(path).read()).rejects.toMatchObject({
    code: "corrupt",
    message: `the bookmark file ${JSON.stringify(path)} holds no bookmark, or one that was changed; remove it to begin anew`,
  });
});

test("a missing folder is an error before anything is read", async () => {
  const absent = join(folder, "absent", "bookmark");
  await expect(new BookmarkFile(absent).read()).rejects.toMatchObject({
    code: "unavailable",
    message: `cannot write the bookmark file ${JSON.stringify(absent)}: ENOENT`,
  });
});
