import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createReader } from "../../../src/replay/reader.ts";
import type { ReaderOptions } from "../../../src/replay/reader-types.ts";
import type { Bookmark } from "../../../src/tokens.ts";
import { fakeContext } from "./fake-context.ts";
import { FakeLog } from "./fake-log.ts";

interface Shape {
  readonly counts: readonly number[];
  readonly chunk: number;
  readonly endKind: FakeLog["endKind"];
  /** How many messages or batches are read before each stop. */
  readonly stops: readonly number[];
  readonly batchSize: number | null;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  counts: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 7, maxLength: 7 }),
  chunk: fc.integer({ min: 1, max: 5 }),
  endKind: fc.constantFrom("position", "caught-up", "quiet"),
  stops: fc.array(fc.integer({ min: 0, max: 25 }), { maxLength: 4 }),
  batchSize: fc.option(fc.integer({ min: 1, max: 6 })),
});

/** a splits into b and c, which merge into d; e stands alone and splits into f and g. */
function family({ counts, chunk, endKind }: Shape): FakeLog {
  const log = new FakeLog();
  log.chunk = chunk;
  log.endKind = endKind;
  const parents: Record<string, string[]> = { a: [], b: ["a"], c: ["a"], d: ["b", "c"], e: [], f: ["e"], g: ["e"] };
  for (const [index, [name, of]] of Object.entries(parents).entries()) {
    log.add(name, of);
    log.fill(name, counts[index]!);
  }
  for (const [name, of] of Object.entries(parents)) {
    for (const parent of of) (log.partition(parent).children ??= []).push({ partition: name, parents: of });
  }
  return log;
}

async function readSome(log: FakeLog, options: ReaderOptions, most: number, batched: boolean): Promise<[string[], Bookmark]> {
  const reader = createReader(fakeContext(log), options);
  const found: string[] = [];
  let handed = 0;
  if (most > 0 && batched) {
    for await (const batch of reader.batches()) {
      found.push(...batch.map(({ value }) => value));
      if (++handed >= most) break;
    }
  } else if (most > 0) {
    for await (const { value } of reader) {
      found.push(value);
      if (++handed >= most) break;
    }
  }
  const bookmark = await reader.bookmark();
  await reader.close();
  expect(await reader.bookmark()).toBe(bookmark);
  return [found, bookmark];
}

function requireExact(log: FakeLog, found: readonly string[]): void {
  for (const [name, { records }] of log.partitions) {
    expect(found.filter((value) => value.startsWith(`${name}:`))).toEqual(records.map((_, index) => `${name}:${index}`));
  }
  for (const [name, { parents }] of log.partitions) {
    const first = found.findIndex((value) => value.startsWith(`${name}:`));
    if (first === -1) continue;
    for (const parent of parents) expect(found.findLastIndex((value) => value.startsWith(`${parent}:`))).toBeLessThan(first);
  }
}

test("stopped anywhere, any number of times, and resumed: each message once, in order, children behind their parents", async () => {
  await fc.assert(
    fc.asyncProperty(shape, async (given) => {
      const log = family(given);
      const batch = given.batchSize === null ? undefined : { maxMessages: given.batchSize };
      const found: string[] = [];
      let bookmark: Bookmark | undefined;
      for (const most of [...given.stops, Number.POSITIVE_INFINITY]) {
        const from = bookmark === undefined ? "earliest" : { bookmark: JSON.parse(JSON.stringify(bookmark)) as Bookmark };
        const [more, next] = await readSome(log, { from, until: "now", batch }, most, batch !== undefined);
        found.push(...more);
        bookmark = next;
      }
      requireExact(log, found);
      // The bookmark of what was read to its end is its end.
      const [nothing] = await readSome(log, { from: { bookmark: bookmark! }, until: "now" }, Number.POSITIVE_INFINITY, false);
      expect(nothing).toEqual([]);
    }),
    { numRuns: 150, seed: 20_260_101 },
  );
}, 20_000);

test("a bookmark as the end of one range and the start of the next", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 5 }),
      async (counts, most, chunk) => {
        const log = new FakeLog("a", "b", "c");
        log.chunk = chunk;
        for (const [index, name] of ["a", "b", "c"].entries()) log.fill(name, counts[index]!);
        const [first, bookmark] = await readSome(log, { until: "now" }, most, false);
        const [again] = await readSome(log, { until: { bookmark } }, Number.POSITIVE_INFINITY, false);
        expect(again.toSorted()).toEqual(first.toSorted());
        const [rest] = await readSome(log, { from: { bookmark }, until: "now" }, Number.POSITIVE_INFINITY, false);
        requireExact(log, [...again, ...rest]);
      },
    ),
    { numRuns: 100, seed: 7 },
  );
}, 20_000);
