import { expect, test } from "vitest";
import { classify, isCode, mayBeDone } from "../../../../adapters/pubsub/errors.ts";

const ofGrpc = (code: number): Error => Object.assign(new Error("secret text of the service"), { code });

test.each([
  [3, "invalid-argument", false, false],
  [4, "timeout", true, true],
  [5, "not-found", false, false],
  [7, "permission-denied", false, false],
  [8, "throttled", true, false],
  [9, "conflict", false, false],
  [10, "unavailable", true, true],
  [13, "unavailable", true, true],
  [14, "unavailable", true, true],
  [16, "unauthenticated", false, false],
] as const)("gRPC's %i is %s", (grpc, code, retryable, isUnknown) => {
  const error = classify(ofGrpc(grpc));
  expect(error).toMatchObject({ code, retryable, provider: "pubsub" });
  expect(error.message).not.toContain("secret");
  expect(mayBeDone(ofGrpc(grpc))).toBe(isUnknown);
  expect(isCode(error, grpc)).toBe(true);
});

test.each([
  ["Could not load the default credentials. Browse to …", "unauthenticated"],
  ["Unable to detect a Project Id in the current environment.", "configuration"],
  ["2 UNKNOWN: Getting metadata from plugin failed with error: invalid_grant: Invalid JWT Signature.", "unauthenticated"],
  ["2 UNKNOWN: Getting metadata from plugin failed with error: error:1E08010C:DECODER routines::unsupported", "unauthenticated"],
  ["something new", "internal"],
])("%s is %s", (text, code) => {
  expect(classify(new Error(text))).toMatchObject({ code, retryable: false });
});
