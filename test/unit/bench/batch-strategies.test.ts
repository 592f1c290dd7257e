import { expect, test } from "vitest";
import { type BatchTarget, oneOfEachKey, retriedAtTheEnd, retriedAtTheFront } from "../../bench/batch-strategies.ts";

const ENTRIES = ["a0", "b0", "a1", "b1", "a2", "b2"];

/** Refuses the second entry of the first call. */
function target(mostEntries: number): BatchTarget<string> & { readonly stored: string[]; readonly calls: string[] } {
  const stored: string[] = [];
  const calls: string[] = [];
  return {
    stored,
    calls,
    mostEntries,
    put: async (entries) => {
      calls.push(entries.join(" "));
      const refused = calls.length === 1 ? [1] : [];
      stored.push(...entries.filter((_, index) => !refused.includes(index)));
      return refused;
    },
  };
}

test("what is retried at the end is stored behind everything else", async () => {
  const put = target(4);
  await retriedAtTheEnd(ENTRIES, put);
  expect(put.calls).toEqual(["a0 b0 a1 b1", "a2 b2", "b0"]);
  expect(put.stored).toEqual(["a0", "a1", "b1", "a2", "b2", "b0"]);
});

test("what is retried at the front is stored behind its own batch", async () => {
  const put = target(4);
  await retriedAtTheFront(ENTRIES, put);
  expect(put.calls).toEqual(["a0 b0 a1 b1", "b0 a2 b2"]);
  expect(put.stored).toEqual(["a0", "a1", "b1", "b0", "a2", "b2"]);
});

test("with one entry of each key in a call every key keeps its order", async () => {
  const put = target(4);
  await oneOfEachKey(ENTRIES, (entry) => entry[0]!, put);
  expect(put.calls).toEqual(["a0 b0", "a1 b0", "a2 b1", "b2"]);
  expect(put.stored).toEqual(["a0", "a1", "b0", "a2", "b1", "b2"]);
});

test("more keys than a call takes go by turns", async () => {
  const put = target(2);
  await oneOfEachKey(["a0", "b0", "c0", "a1", "b1", "c1"], (entry) => entry[0]!, put);
  expect(put.calls).toEqual(["a0 b0", "c0 a1", "b0 c1", "b1"]);
});
