import { expect, test } from "vitest";
import { errorOrigin, showError } from "../../../src/conformance/assertions.ts";
import { StreamError } from "../../../src/errors.ts";

test("a defect is shown with its kind and the line where it was thrown, and never with its own words", () => {
  const defect = new TypeError("secret-payload is not a function");
  const shown = showError(
    new StreamError("internal", "not known to the adapter", { cause: new StreamError("internal", "outer", { cause: defect }) }),
  );
  expect(shown).toMatch(/^internal \(not known to the adapter; caused by TypeError at error-origin\.test\.ts:\d+:\d+\)$/);
});

test("an error of the system is shown with its code", () => {
  expect(errorOrigin(new Error("outer", { cause: Object.assign(new Error("x"), { code: "ECONNRESET", stack: undefined }) }))).toBe(
    "Error ECONNRESET",
  );
});

test("what is classified, or has no cause, is shown as it was", () => {
  expect(showError(new StreamError("not-found", "no topic", { cause: new TypeError("x") }))).toBe("not-found (no topic)");
  expect(showError(new StreamError("internal", "odd"))).toBe("internal (odd)");
  expect(errorOrigin(new StreamError("internal", "odd", { cause: "text" }))).toBeNull();
});

test("causes that go round come to an end", () => {
  const first = new Error("first");
  first.cause = new Error("second", { cause: first });
  expect(errorOrigin(first)).toMatch(/^Error at /);
});
