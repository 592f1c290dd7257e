import { expect, test } from "vitest";
import { ConnectionLost } from "../../../../adapters/event-hubs/client/connection-watch.ts";
import { classify, mayBeStored } from "../../../../adapters/event-hubs/errors.ts";

function coded(code: string, message = "text"): Error {
  return Object.assign(new Error(message), { name: "MessagingError", code });
}

test.each([
  ["ServerBusyError", "throttled", true],
  ["QuotaExceededError", "throttled", false],
  ["OperationTimeoutError", "timeout", true],
  ["UnauthorizedError", "unauthenticated", false],
  ["MessagingEntityNotFoundError", "not-found", false],
  ["MessagingEntityDisabledError", "not-found", false],
  ["MessageTooLargeError", "too-large", false],
  ["ArgumentError", "invalid-argument", false],
  ["ReceiverDisconnectedError", "conflict", false],
  ["DetachForcedError", "unavailable", true],
  ["ContainerNotFound", "configuration", false],
  ["ECONNREFUSED", "unavailable", true],
])("%s is %s", (code, expected, retryable) => {
  expect(classify(coded(code))).toMatchObject({ code: expected, retryable });
});

test("nested errors of several attempts count by what is inside", () => {
  const nested = new AggregateError([new AggregateError([coded("ServerBusyError")])]);
  expect(classify(nested)).toMatchObject({ code: "throttled", cause: nested });
});

test("a missing claim is told from an unknown key", () => {
  expect(classify(coded("UnauthorizedError", "Unauthorized access. 'Send' claim(s) are required"))).toMatchObject({
    code: "permission-denied",
  });
});

test("an old offset of a geo-replicated hub is recognised although it has no code", () => {
  const text = "The supplied offset '1' is invalid for a geo-replicated hub";
  expect(classify(new Error(text))).toMatchObject({ code: "position-mismatch", retryable: false });
});

test("what was refused before it was stored is certainly not stored; the rest may be", () => {
  expect(["ServerBusyError", "ECONNREFUSED", "ArgumentError"].map((code) => mayBeStored(coded(code)))).toEqual([false, false, false]);
  expect(["OperationTimeoutError", "DetachForcedError", "ECONNRESET"].map((code) => mayBeStored(coded(code)))).toEqual([true, true, true]);
});

test("a batch may be stored whose connection has ended because of a message that could not be read", () => {
  const lost = new ConnectionLost("the connection was lost", new RangeError("Maximum call stack size exceeded"));
  expect(lost.unreadable).toBeInstanceOf(RangeError);
  expect(mayBeStored(lost)).toBe(true);
  expect(classify(lost)).toMatchObject({ code: "unavailable", retryable: true });
  expect(new ConnectionLost("the connection was lost", Object.assign(new Error("read"), { code: "ECONNRESET" })).unreadable).toBeNull();
});
