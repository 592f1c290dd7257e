import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { inParallel } from "../../../src/adapter-kit/in-parallel.ts";

const NUMBERS = Array.from({ length: 40 }, (_, number) => number);

test("results are in the order of the items, and no more work is under way than allowed", async () => {
  let running = 0;
  let most = 0;
  const double = async (number: number): Promise<number> => {
    running += 1;
    most = Math.max(most, running);
    for (let turns = 0; turns < number % 3; turns += 1) await turn();
    running -= 1;
    return number * 2;
  };
  expect(await inParallel(NUMBERS, double, 4)).toEqual(NUMBERS.map((number) => number * 2));
  expect(most).toBe(4);
  expect(await inParallel([], double)).toEqual([]);
});

test("a failure ends it when all that had begun have ended, and nothing else begins", async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = async (number: number): Promise<void> => {
    begun.push(number);
    for (let turns = 0; turns < 5 - number; turns += 1) await turn();
    ended.push(number);
    if (number === 1 || number === 2) throw new Error(`failure ${number}`);
  };
  await expect(inParallel(NUMBERS, work, 4)).rejects.toThrow("failure 1");
  expect(new Set(ended)).toEqual(new Set(begun));
  expect(begun.length).toBeLessThan(6);
});
