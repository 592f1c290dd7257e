import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { SharedAnswers } from "../../../src/adapter-kit/shared-answers.ts";

const SIGNAL = new AbortController().signal;

function counted(freshMs: number): { readonly answers: SharedAnswers<number>; readonly asked: string[] } {
  const asked: string[] = [];
  return { asked, answers: new SharedAnswers(freshMs, async (name) => asked.push(name)) };
}

test("concurrent and later calls share an answer while it counts, for each name", async () => {
  const { answers, asked } = counted(60_000);
  expect(await Promise.all([answers.recent("a", SIGNAL), answers.recent("a", SIGNAL)])).toEqual([1, 1]);
  expect(await answers.recent("a", SIGNAL)).toBe(1);
  expect(await answers.recent("b", SIGNAL)).toBe(2);
  expect(await answers.now("a", SIGNAL)).toBe(3);
  expect(await answers.recent("a", SIGNAL)).toBe(3);
  expect(await answers.recent("a", SIGNAL, performance.now())).toBe(4);
  answers.forget("a");
  expect(await answers.recent("a", SIGNAL)).toBe(5);
  expect(asked).toEqual(["a", "b", "a", "a", "a"]);
});

test("a caller that gives up ends its own wait only, and a failure is not remembered", async () => {
  let fail: ((reason: Error) => void) | null = null;
  let asked = 0;
  const answers = new SharedAnswers<string>(60_000, async () => {
    asked += 1;
    return asked === 1 ? new Promise<string>((_, reject) => (fail = reject)) : "there";
  });
  const abort = new AbortController();
  const first = answers.recent("a", abort.signal);
  const second = answers.recent("a", SIGNAL);
  abort.abort(new Error("given up"));
  await expect(first).rejects.toThrow("given up");
  fail!(new Error("not found"));
  await expect(second).rejects.toThrow("not found");
  expect(await answers.recent("a", SIGNAL)).toBe("there");
});
