import { expect, test } from "vitest";
import { classify, entryError, isNamed, mayBeDone } from "../../../../adapters/kinesis/errors.ts";
import { StreamError } from "../../../../src/driver/index.ts";

const named = (name: string, more: object = {}): Error => Object.assign(new Error("text of the service with key-42"), { name, ...more });

test.each([
  ["ProvisionedThroughputExceededException", "throttled", true, false],
  ["KMSThrottlingException", "throttled", true, false],
  ["LimitExceededException", "throttled", true, false],
  ["InternalFailureException", "unavailable", true, true],
  ["InternalFailure", "unavailable", true, true],
  ["ServiceUnavailable", "unavailable", true, true],
  ["TimeoutError", "timeout", true, true],
  ["AbortError", "timeout", true, true],
  ["SyntaxError", "unavailable", true, true],
  ["ResourceNotFoundException", "not-found", false, false],
  ["ResourceInUseException", "conflict", false, false],
  ["ValidationException", "invalid-argument", false, false],
  ["InvalidArgumentException", "invalid-argument", false, false],
  ["AccessDeniedException", "permission-denied", false, false],
  ["KMSAccessDeniedException", "permission-denied", false, false],
  ["KMSDisabledException", "configuration", false, false],
  ["UnrecognizedClientException", "unauthenticated", false, false],
  ["InvalidSignatureException", "unauthenticated", false, false],
  ["ExpiredTokenException", "unauthenticated", false, false],
  ["CredentialsProviderError", "unauthenticated", false, false],
  ["ExpiredIteratorException", "unavailable", true, false],
  ["SomethingNew", "internal", false, false],
])("%s is %s", (name, code, retryable, ambiguous) => {
  const cause = named(name);
  expect(classify(cause)).toMatchObject({ code, retryable, provider: "kinesis", cause });
  expect(classify(cause).message).not.toContain("key-42");
  expect(mayBeDone(cause)).toBe(ambiguous);
});

test("broken connections: only what may have reached the service is ambiguous", () => {
  for (const code of [
    "ECONNRESET",
    "EPIPE",
    "ETIMEDOUT",
    "HPE_INVALID_CONSTANT",
    "ERR_STREAM_PREMATURE_CLOSE",
    "UND_ERR_SOCKET",
    "ERR_HTTP2_GOAWAY_SESSION",
  ]) {
    expect(mayBeDone(named("Error", { code })), code).toBe(true);
    expect(classify(named("Error", { code })), code).toMatchObject({ code: "unavailable", retryable: true });
  }
  for (const code of ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]) {
    expect(mayBeDone(named("Error", { code })), code).toBe(false);
    expect(classify(named("Error", { code })), code).toMatchObject({ code: "unavailable", retryable: true });
  }
});

test("statuses of HTTP where the name is not known", () => {
  const answered = (httpStatusCode: number): Error => named("Unknown", { $metadata: { httpStatusCode } });
  expect(classify(answered(413))).toMatchObject({ code: "too-large", retryable: false });
  expect(classify(answered(502))).toMatchObject({ code: "unavailable", retryable: true });
  expect(mayBeDone(answered(502))).toBe(true);
  expect(mayBeDone(answered(413))).toBe(false);
});

test("a missing region is a matter of the configuration, and our own errors stay as they are", () => {
  expect(classify(new Error("Region is missing"))).toMatchObject({
    code: "configuration",
    message: expect.stringContaining("AWS_REGION") as string,
  });
  const own = new StreamError("not-found", "there is no stream");
  expect(classify(own)).toBe(own);
});

test("errors of single records", () => {
  expect(entryError("ProvisionedThroughputExceededException")).toMatchObject({ code: "throttled", retryable: true });
  expect(entryError("InternalFailure")).toMatchObject({ code: "unavailable", retryable: true });
  expect(isNamed(entryError("InternalFailure").cause, "InternalFailure")).toBe(true);
});
