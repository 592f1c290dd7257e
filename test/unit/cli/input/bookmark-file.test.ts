import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BookmarkFile } from "../../../../src/cli/input/bookmark-file.ts";
import { sealBookmark } from "../../../../src/position/position.ts";
import type { Bookmark } from "../../../../src/tokens.ts";

function bookmark(name: string): Bookmark {
  return sealBookmark(["kafka", "c", "t", name, []]);
}

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamport-bookmark-"));
  path = join(folder, "bookmark");
});

afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true, force: true });
});

test("keeps one bookmark, and nothing beside it", async () => {
  const file = new BookmarkFile(path);
  expect(await file.read()).toBeNull();
  await file.write(bookmark("one"));
  await file.write(bookmark("two"));
  expect(await new BookmarkFile(path).read()).toBe(bookmark("two"));
  expect(await readdir(folder)).toEqual(["bookmark"]);
});

test("what a killed process left half-written beside it is of no meaning", async () => {
  await writeFile(path, `${bookmark("one")}\n`);
  await writeFile(`${path}.tmp`, "b1.t");
  const file = new BookmarkFile(path);
  expect(await file.read()).toBe(bookmark("one"));
  await file.write(bookmark("three"));
  expect(await readFile(path, "utf8")).toBe(`${bookmark("three")}\n`);
});

test("says the first at once, as a process may be killed again and again soon after it began; the next soon", async () => {
  const file = new BookmarkFile(path);
  const startedAtMs = performance.now();
  file.writeSoon(bookmark("one"));
  await expect.poll(() => readFile(path, "utf8").catch(() => null), { interval: 5 }).toBe(`${bookmark("one")}\n`);
  expect(performance.now() - startedAtMs).toBeLessThan(700);
  file.writeSoon(bookmark("two"));
  await sleep(100);
  expect(await readFile(path, "utf8")).toBe(`${bookmark("one")}\n`);
  await sleep(1_200);
  expect(await readFile(path, "utf8")).toBe(`${bookmark("two")}\n`);
  file.forget();
});

test("says soon what it was told last; a write at once is the last word", async () => {
  const file = new BookmarkFile(path);
  file.writeSoon(bookmark("one"));
  file.writeSoon(bookmark("two"));
  expect(await readdir(folder)).toEqual([]);
  await sleep(1_300);
  expect(await readFile(path, "utf8")).toBe(`${bookmark("two")}\n`);
  file.writeSoon(bookmark("three"));
  await file.write(bookmark("four"));
  await sleep(1_300);
  expect(await readFile(path, "utf8")).toBe(`${bookmark("four")}\n`);
});

test("what comes while a write runs is written too", async () => {
  const file = new BookmarkFile(path);
  const told: string[] = [];
  const until = performance.now() + 2_600;
  for (let number = 0; performance.now() < until; number += 1) {
    told.push(`b1.${number}`);
    file.writeSoon(`b1.${number}`);
    await sleep(3);
  }
  await sleep(1_300);
  expect(await readFile(path, "utf8")).toBe(`${told.at(-1)}\n`);
});

test("what was to be written soon can be forgotten", async () => {
  const file = new BookmarkFile(path);
  file.writeSoon(bookmark("one"));
  file.forget();
  await sleep(1_300);
  expect(await readdir(folder)).toEqual([]);
});

test("an empty file is an error: beginning anew without a word would print everything again", async () => {
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
  await sleep(1_300);
  expect(() => nowhere.writeSoon(bookmark("three"))).toThrow(/cannot write the bookmark file ".*missing.bookmark": ENOENT/);
  await expect(new BookmarkFile(folder).read()).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("EISDIR") });
});

test("what is no bookmark is told with the name of the file", async () => {
  await writeFile(path, "b1.cut");
  await expect(new BookmarkFile(path).read()).rejects.toMatchObject({
    code: "corrupt",
    message: `the bookmark file ${JSON.stringify(path)} holds no bookmark, or one that was changed; remove it to begin anew`,
  });
});

test("a folder that is not there is told before anything is read", async () => {
  const absent = join(folder, "absent", "bookmark");
  await expect(new BookmarkFile(absent).read()).rejects.toMatchObject({
    code: "unavailable",
    message: `cannot write the bookmark file ${JSON.stringify(absent)}: ENOENT`,
  });
});
