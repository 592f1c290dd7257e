import { expect, test } from "vitest";
import { showError } from "../../../src/conformance/assertions.ts";
import { describeCauses, errorOrigin } from "../../../src/conformance/error-causes.ts";
import { StreamError } from "../../../src/errors.ts";

function internal(cause: unknown): StreamError {
  return new StreamError("internal", "not known to the adapter", { cause });
}

/** As a client library throws it, called by an adapter. */
function fromServer(text: string, frames: readonly string[]): Error {
  const error = Object.assign(new Error(text), { name: "ReplyError" });
  error.stack = [`ReplyError: ${text}`, ...frames.map((frame) => `    at ${frame}`)].join("\n");
  return error;
}

test("a defect is shown with its kind, its text and the line where it was thrown", () => {
  expect(showError(internal(new StreamError("internal", "outer", { cause: new TypeError("x is not a function") })))).toMatch(
    /^internal \(not known to the adapter; caused by TypeError "x is not a function" at error-origin\.test\.ts:\d+:\d+\)$/,
  );
});

test("an error of a server is shown with its text and the line of the adapter, not that of its client library", () => {
  const library = "parseError (file:///app/node_modules/client/parser.js:122:9)";
  const inNode = "Socket.emit (node:events:519:28)";
  const adapter = "async Consumer.settle (file:///app/src/consumer.ts:40:12)";
  expect(errorOrigin(internal(fromServer("NOGROUP No such key", [library, inNode, adapter])))).toBe(
    'ReplyError "NOGROUP No such key" at consumer.ts:40:12',
  );
  expect(errorOrigin(internal(fromServer("NOGROUP No such key", [library, inNode])))).toBe('ReplyError "NOGROUP No such key"');
});

test("an error of the system is shown with its code", () => {
  expect(errorOrigin(internal(Object.assign(new Error("x"), { code: "ECONNRESET", stack: undefined })))).toBe('Error ECONNRESET "x"');
});

test("a text has one line, a bounded length and no credentials", () => {
  const text = `cannot reach redis://user:pass@word@host:6379/?token=abc\n${"y".repeat(1_000)}`;
  const shown = errorOrigin(internal(fromServer(text, [])))!;
  expect(shown).toMatch(/^ReplyError "cannot reach redis:\/\/\*\*\*@host:6379\/\?token=\*\*\* y+…"$/);
  expect(shown.length).toBeLessThan(230);
});

test("what is classified, or has no cause, is shown as it was", () => {
  expect(showError(new StreamError("not-found", "no topic", { cause: new TypeError("x") }))).toBe("not-found (no topic)");
  expect(showError(new StreamError("internal", "odd"))).toBe("internal (odd)");
  expect(errorOrigin(new StreamError("internal", "odd", { cause: "text" }))).toBeNull();
});

test("all causes are described, the outermost first, and those that go round come to an end", () => {
  const cause = new StreamError("unavailable", "gone", { cause: fromServer("down", []) });
  expect(describeCauses(new StreamError("timeout", "late", { cause }))).toEqual(["unavailable (gone)", 'ReplyError "down"']);
  expect(describeCauses("text")).toEqual([]);
  const first = new Error("first");
  first.cause = new Error("second", { cause: first });
  expect(describeCauses(first)).toHaveLength(10);
});
