import { expect, test, vi } from "vitest";
import { StreamError, isStreamError, withContext } from "../../src/errors.ts";

test("carries code, retryability, context and cause", () => {
  const cause = new Error("vendor");
  const error = new StreamError("throttled", "slow down", { cause, provider: "kinesis", topic: "orders", capability: "lagInTime" });
  expect(error).toMatchObject({
    name: "StreamError",
    code: "throttled",
    retryable: true,
    provider: "kinesis",
    topic: "orders",
    capability: "lagInTime",
    cause,
  });
  expect(error).toBeInstanceOf(Error);
  expect(error.stack).toContain("errors.test.ts");
});

test("only throttled, unavailable and timeout are retryable unless the details say otherwise", () => {
  const retryable = (["invalid-argument", "throttled", "unavailable", "timeout", "internal", "outcome-unknown"] as const).filter(
    (code) => new StreamError(code, "").retryable,
  );
  expect(retryable).toEqual(["throttled", "unavailable", "timeout"]);
  expect(new StreamError("internal", "", { retryable: true }).retryable).toBe(true);
});

test("an error of another copy of the package is recognised, anything else is not", async () => {
  vi.resetModules();
  const copy = await import("../../src/errors.ts");
  expect(copy.StreamError).not.toBe(StreamError);
  const foreign = new copy.StreamError("conflict", "other copy");
  expect(foreign).toBeInstanceOf(StreamError);
  expect(isStreamError(foreign, "conflict")).toBe(true);
  expect(isStreamError(foreign, "throttled")).toBe(false);
  for (const other of [new Error("x"), null, undefined, "conflict", { code: "conflict" }]) expect(isStreamError(other)).toBe(false);
});

test("context fills what is not said and changes nothing that is", () => {
  const error = new StreamError("not-found", "no such topic", { topic: "inner" });
  expect(withContext(error, { topic: "inner" })).toBe(error);
  expect(withContext(error, { provider: "memory", topic: "outer", operation: "send" })).toMatchObject({
    code: "not-found",
    message: "no such topic",
    topic: "inner",
    provider: "memory",
    operation: "send",
  });
});
