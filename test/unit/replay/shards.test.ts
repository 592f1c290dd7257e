import { expect, test, vi } from "vitest";
import { decodeBookmark } from "../../../src/position/bookmark.ts";
import { createReader } from "../../../src/replay/reader.ts";
import { PROVIDER, fakeContext } from "./fake-context.ts";
import { FakeLog, IDENTITY, positionAt } from "./fake-log.ts";

/** a splits into b and c, which merge into d. */
function family(): FakeLog {
  const log = new FakeLog();
  log.add("a");
  log.add("b", ["a"]);
  log.add("c", ["a"]);
  log.add("d", ["b", "c"]);
  for (const name of ["a", "b", "c", "d"]) log.fill(name, 2);
  log.partition("a").children = [
    { partition: "b", parents: ["a"] },
    { partition: "c", parents: ["a"] },
  ];
  log.partition("b").children = [{ partition: "d", parents: ["b", "c"] }];
  log.partition("c").children = [{ partition: "d", parents: ["b", "c"] }];
  return log;
}

test("a child is read when all its parents have been, and not asked for before", async () => {
  const log = family();
  const reader = createReader(fakeContext(log), { until: "now" });
  const iterator = reader[Symbol.asyncIterator]();
  await iterator.next();
  expect(log.reads).toEqual([["a"]]);
  const places = decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY);
  expect(places).toEqual(
    new Map([
      ["a", { kind: "after", position: positionAt(0) }],
      ["b", { kind: "at", position: positionAt(0) }],
      ["c", { kind: "at", position: positionAt(0) }],
      ["d", { kind: "at", position: positionAt(0) }],
    ]),
  );
  const rest: (string | undefined)[] = [];
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) rest.push(next.value.value);
  expect(rest[0]).toBe("a:1");
  expect(new Set(rest.slice(1, 5))).toEqual(new Set(["b:0", "b:1", "c:0", "c:1"]));
  expect(rest.slice(5)).toEqual(["d:0", "d:1"]);
  expect(log.reads).toEqual([["a"], ["b", "c"], ["d"]]);
  const end = decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY);
  expect([...end].map(([partition, { kind }]) => [partition, kind])).toEqual([
    ["a", "ended"],
    ["b", "ended"],
    ["c", "ended"],
    ["d", "at"],
  ]);
});

test("shards that ended are finished in the bookmark, and stay so through a second one", async () => {
  const log = family();
  log.endKind = "caught-up";
  const reader = createReader(fakeContext(log), { until: "now" });
  const iterator = reader[Symbol.asyncIterator]();
  for (let count = 0; count < 3; count++) await iterator.next();
  const bookmark = await reader.bookmark();
  expect(decodeBookmark(bookmark, PROVIDER, IDENTITY).get("a")).toEqual({ kind: "ended" });
  await iterator.return?.();

  const second = createReader(fakeContext(log), { from: { bookmark }, until: "now" });
  expect(decodeBookmark(await second.bookmark(), PROVIDER, IDENTITY).get("a")).toEqual({ kind: "ended" });
  const found: string[] = [];
  for await (const { value } of second) found.push(value);
  expect(found.slice(0, 3).every((value) => !value.startsWith("d"))).toBe(true);
  expect(found).toHaveLength(5);
});

test("a driver that lists an ended shard all the same: it is not read again, and its children do not wait", async () => {
  const log = family();
  const resolve = log.resolve.bind(log);
  const bookmark = await (async () => {
    log.endKind = "caught-up";
    const reader = createReader(fakeContext(log), { until: "now" });
    const iterator = reader[Symbol.asyncIterator]();
    for (let count = 0; count < 3; count++) await iterator.next();
    const made = await reader.bookmark();
    await reader.close();
    return made;
  })();
  log.resolve = async (request) => {
    const range = await resolve(request);
    const partition = { partition: "a", start: { kind: "earliest" }, end: { kind: "caught-up" }, parents: [], gap: null } as const;
    return {
      ...range,
      partitions: [partition, ...range.partitions.map((each) => ({ ...each, parents: log.partition(each.partition).parents }))],
    };
  };
  const found: string[] = [];
  for await (const { value } of createReader(fakeContext(log), { from: { bookmark }, until: "now" })) found.push(value);
  expect(found.filter((value) => value.startsWith("a"))).toEqual([]);
  expect(found).toHaveLength(5);
});

test("for ever: shards that appear while reading are followed, a merged one once", async () => {
  const log = new FakeLog("a", "b");
  log.fill("a", 1);
  log.fill("b", 1);
  const reader = createReader(fakeContext(log), {});
  const iterator = reader[Symbol.asyncIterator]();
  const found = [(await iterator.next()).value?.value, (await iterator.next()).value?.value];
  log.add("m", ["a", "b"]);
  log.fill("m", 2);
  const merged = [{ partition: "m", parents: ["a", "b"] }];
  log.partition("a").children = merged;
  log.partition("b").children = merged;
  found.push((await iterator.next()).value?.value, (await iterator.next()).value?.value);
  expect(found).toEqual(["a:0", "b:0", "m:0", "m:1"]);
  expect(log.reads).toEqual([["a", "b"], ["m"]]);
  expect(decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY)).toEqual(
    new Map([
      ["a", { kind: "ended" }],
      ["b", { kind: "ended" }],
      ["m", { kind: "after", position: positionAt(1) }],
    ]),
  );
  await iterator.return?.();
});

test("for ever: partitions that a topic grows by are read from their beginning, and are in the bookmark", async () => {
  const log = new FakeLog("a");
  log.fill("a", 1);
  const reader = createReader(fakeContext(log), { from: "latest" });
  const iterator = reader[Symbol.asyncIterator]();
  await reader.bookmark();
  const blocked = iterator.next();
  log.add("grown");
  log.fill("grown", 2);
  log.beforeDelivery = async (_, sink) => sink.appeared([{ partition: "grown", parents: [] }]);
  expect((await blocked).value?.value).toBe("grown:0");
  expect((await iterator.next()).value?.value).toBe("grown:1");
  expect(log.reads).toEqual([["a"], ["grown"]]);
  const bookmark = await reader.bookmark();
  expect(decodeBookmark(bookmark, PROVIDER, IDENTITY)).toEqual(
    new Map([
      ["a", { kind: "at", position: positionAt(1) }],
      ["grown", { kind: "after", position: positionAt(1) }],
    ]),
  );
  const late = iterator.next();
  await reader.close();
  expect((await late).done).toBe(true);

  log.fill("grown", 1);
  const resumed = createReader(fakeContext(log), { from: { bookmark }, until: "now" });
  const rest: string[] = [];
  for await (const { value } of resumed) rest.push(value);
  expect(rest).toEqual(["grown:2"]);
});

test("partitions that appear while a range with an end, or of named partitions, is read are not its business", async () => {
  for (const options of [{ until: "now" as const }, { partitions: ["a"] }]) {
    const log = new FakeLog("a");
    log.fill("a", 1);
    const reader = createReader(fakeContext(log), options);
    await reader.bookmark();
    log.add("grown");
    log.fill("grown", 1);
    log.partition("a").children = [];
    log.beforeDelivery = async (_, sink) => sink.appeared([{ partition: "grown", parents: [] }]);
    const found: string[] = [];
    for await (const { value } of reader) found.push(value);
    expect(found).toEqual(["a:0"]);
    expect(decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY).has("grown")).toBe(false);
  }
});

test("a range with an end, or of named partitions, does not follow later children", async () => {
  for (const options of [{ until: "now" as const }, { partitions: ["a"] }]) {
    const log = new FakeLog("a");
    log.endKind = "caught-up";
    log.fill("a", 1);
    const reader = createReader(fakeContext(log), options);
    await reader.bookmark();
    log.add("late", ["a"]);
    log.fill("late", 1);
    log.partition("a").children = [{ partition: "late", parents: ["a"] }];
    const found: string[] = [];
    for await (const { value } of reader) found.push(value);
    expect(found).toEqual(["a:0"]);
  }
});

test("an empty shard between does not let its children pass its parents", async () => {
  const log = new FakeLog();
  log.add("a");
  log.add("b", ["a"]);
  log.add("c", ["b"]);
  log.fill("a", 4);
  log.fill("c", 1);
  log.chunk = 1;
  log.beforeDelivery = () => new Promise((resolve) => setTimeout(resolve, 1));
  const found: string[] = [];
  for await (const { value } of createReader(fakeContext(log), { until: "now" })) found.push(value);
  expect(found).toEqual(["a:0", "a:1", "a:2", "a:3", "c:0"]);
});

test("a shard that ends without a message lets the next begin", async () => {
  const log = family();
  log.endKind = "caught-up";
  for (const name of ["a", "b", "c"]) log.partition(name).records.length = 0;
  const found: string[] = [];
  for await (const { value } of createReader(fakeContext(log), { until: "now" })) found.push(value);
  expect(found).toEqual(["d:0", "d:1"]);
  await vi.waitFor(() => expect(log.closedReaders).toBe(1));
});
