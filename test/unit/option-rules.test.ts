import { expect, test } from "vitest";
import { checkOptions, oneOf, rules, showName, withDefaults } from "../../src/option-rules.ts";

const allowed = { timeoutMs: rules.durationMs, order: oneOf("key", "none"), name: rules.nonEmptyString };

test.each([
  [{ timeOutMs: 1 }, 'there is no "timeOutMs"; allowed are timeoutMs, order, name'],
  [{ timeoutMs: "5" }, "timeoutMs must be milliseconds from 0 to 2147483647; received a string of 1 characters"],
  [{ timeoutMs: Number.NaN }, "received NaN"],
  [{ timeoutMs: -1 }, "received -1"],
  [{ order: "both" }, 'order must be "key", "none"; received a string of 4 characters'],
  [{ name: "" }, "received an empty string"],
  [{ toString: 1 }, 'there is no "toString"'],
  [null, "an object is needed; received null"],
  [[], "received an array of 0"],
])("%j is invalid-argument: %s", (options, message) => {
  expect(() => checkOptions("test options", options, allowed)).toThrowError(
    expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) }),
  );
});

test("undefined counts as absent, in checks and in defaults", () => {
  checkOptions("test options", { timeoutMs: undefined, order: "key" }, allowed);
  expect(withDefaults({ timeoutMs: undefined, order: "key" }, { timeoutMs: 5, order: "none" })).toEqual({ timeoutMs: 5, order: "key" });
});

test("a name is shown, cut to a length that fits a message", () => {
  expect(showName("orders")).toBe('"orders"');
  expect(showName("x".repeat(500)).length).toBeLessThan(90);
});
