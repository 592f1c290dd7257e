import { expect, test } from "vitest";
import { reachPart } from "../../../src/adapter-kit/index.ts";
import { StreamError } from "../../../src/errors.ts";

const refused = new StreamError("unavailable", "the store did not answer");
const PART = { name: "a store, for groups", advice: "start the store", classify: () => refused };

test("a part that answers has no error and needs no advice", async () => {
  const { signal } = new AbortController();
  expect(await reachPart({ ...PART, check: async () => [] }, signal)).toEqual({ name: PART.name, error: null, advice: null });
});

test("a part that fails has our error and the advice", async () => {
  const { signal } = new AbortController();
  const check = async (): Promise<never> => Promise.reject(new Error("connect ECONNREFUSED"));
  expect(await reachPart({ ...PART, check }, signal)).toEqual({ name: PART.name, error: refused, advice: PART.advice });
});

test("a question that is given up says nothing of the part", async () => {
  const ending = new AbortController();
  const reason = new StreamError("closed", "the connection was closed");
  const check = async (): Promise<never> => {
    ending.abort(reason);
    throw new Error("aborted");
  };
  await expect(reachPart({ ...PART, check }, ending.signal)).rejects.toBe(reason);
});
