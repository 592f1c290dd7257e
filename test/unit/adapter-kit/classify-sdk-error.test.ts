import { expect, test } from "vitest";
import {
  type SdkErrorRules,
  change,
  classifySdkError,
  isBrokenConnection,
  isLostAnswer,
  isUnknownHost,
  providerErrors,
  sdkErrorParts,
} from "../../../src/adapter-kit/index.ts";
import { StreamError } from "../../../src/driver/index.ts";

const RULES: SdkErrorRules = {
  provider: "kinesis",
  client: "the Kinesis client",
  rules: {
    ProvisionedThroughputExceededException: { code: "throttled", meaning: "the shard takes no more at present" },
    ResourceNotFoundException: { code: "not-found", meaning: "there is no such stream" },
    8: { code: "throttled", meaning: "the quota is used up" },
    LimitExceededException: { code: "unavailable", meaning: "too many changes at once", retryable: false },
  },
};

const classify = (error: unknown): StreamError => classifySdkError(error, RULES);
const named = (name: string, more: object = {}): Error => Object.assign(new Error("holds hunter2-secret"), { name, ...more });

test.each([
  ["the name of AWS", named("ResourceNotFoundException", { $metadata: { httpStatusCode: 400 } }), "not-found", false],
  ["the code of Azure", named("MessagingError", { code: "ProvisionedThroughputExceededException" }), "throttled", true],
  ["the number of gRPC", named("Error", { code: 8 }), "throttled", true],
  ["the code of OCI", named("OciError", { statusCode: 404, serviceCode: "ResourceNotFoundException" }), "not-found", false],
  ["a rule that says what can be retried", named("LimitExceededException"), "unavailable", false],
  ["a cause", named("Wrapped", { cause: named("ProvisionedThroughputExceededException") }), "throttled", true],
  ["a refused connection to several addresses", new AggregateError([named("Error", { code: "ECONNREFUSED" })]), "unavailable", true],
  ["an unknown host", named("FetchError", { cause: named("Error", { code: "ENOTFOUND" }) }), "unavailable", true],
  ["a port without TLS", named("OciError", { cause: named("Error", { code: "EPROTO" }) }), "configuration", false],
  ["an unknown authority", named("Error", { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }), "configuration", false],
  ["a certificate that has expired", named("Error", { code: "CERT_HAS_EXPIRED" }), "configuration", false],
  ["a certificate of another host", named("Error", { code: "ERR_TLS_CERT_ALTNAME_INVALID" }), "configuration", false],
  ["a status of AWS", named("ServiceException", { $metadata: { httpStatusCode: 503 } }), "unavailable", true],
  ["a status of OCI", named("OciError", { statusCode: 429 }), "throttled", true],
  ["a status", named("HttpError", { status: 401 }), "unauthenticated", false],
  ["an unknown status", named("HttpError", { status: 418 }), "internal", false],
  ["no error at all", "text with hunter2-secret", "internal", false],
  ["null", null, "internal", false],
] as const)("%s", (_, error, code, retryable) => {
  const found = classify(error);
  expect(found).toMatchObject({ code, retryable, provider: "kinesis", cause: error });
  expect(found.message).not.toContain("secret");
});

test("a StreamError stays as it is; one inside keeps its code, its text and whether it can be retried", () => {
  const own = new StreamError("closed", "over");
  expect(classify(own)).toBe(own);
  const inner = new StreamError("unauthenticated", "the token provider failed", { retryable: true });
  const outer = named("CredentialsError", { cause: inner });
  expect(classify(outer)).toMatchObject({ code: "unauthenticated", message: "the token provider failed", retryable: true, cause: outer });
});

test("the topic and the partition are added", () => {
  expect(classifySdkError(named("ResourceNotFoundException"), RULES, { topic: "orders", partition: "7" })).toMatchObject({
    topic: "orders",
    partition: "7",
  });
});

test("errors that contain each other come to an end, the outermost first", () => {
  const [first, second] = [named("First"), named("Second")];
  Object.assign(first, { cause: second });
  Object.assign(second, { cause: first, errors: [first, "text"] });
  expect(sdkErrorParts(first).map(({ name }) => name)).toEqual(["First", "Second"]);
  expect(sdkErrorParts(null)).toEqual([{ error: null, name: "object", code: "", status: null }]);
});

test("broken connections and unknown hosts are recognised at any depth", () => {
  const reset = named("Outer", { cause: new AggregateError([named("Error", { code: "ECONNRESET" })]) });
  expect([isBrokenConnection(reset), isUnknownHost(reset)]).toEqual([true, false]);
  const unknown = named("Error", { code: "EAI_AGAIN" });
  expect([isBrokenConnection(unknown), isUnknownHost(unknown)]).toEqual([true, true]);
  expect(isBrokenConnection(named("ResourceNotFoundException"))).toBe(false);
});

test("an answer that breaks off, or is no HTTP, is a lost one; a connection that was not opened has carried nothing", () => {
  for (const code of [
    "ECONNRESET",
    "EPIPE",
    "HPE_INVALID_CONSTANT",
    "HPE_INVALID_EOF_STATE",
    "ERR_STREAM_PREMATURE_CLOSE",
    "UND_ERR_SOCKET",
  ]) {
    const error = named("TypeError", { cause: named("Error", { code }) });
    expect([isLostAnswer(error), isBrokenConnection(error), classify(error).code], code).toEqual([true, true, "unavailable"]);
  }
  for (const code of ["ECONNREFUSED", "EHOSTUNREACH", "ENOTFOUND"]) expect(isLostAnswer(named("Error", { code })), code).toBe(false);
});

test("a change whose answer was lost is of unknown outcome and can be tried again; other errors stay as they are", async () => {
  const parts = { errors: providerErrors("kinesis"), classify, mayBeDone: isBrokenConnection };
  const cause = named("Error", { code: "ECONNRESET" });
  await expect(change(parts, () => Promise.reject(cause))).rejects.toMatchObject({
    code: "outcome-unknown",
    retryable: true,
    provider: "kinesis",
    cause,
  });
  const other = named("ResourceNotFoundException");
  await expect(change(parts, () => Promise.reject(other))).rejects.toBe(other);
  await expect(change(parts, async () => "done")).resolves.toBe("done");
});

test("errors that every provider has name what exists", () => {
  const { error, groupNotFound, noSuchPartition } = providerErrors("kinesis");
  expect(error("conflict", "no", { topic: "t" })).toMatchObject({ code: "conflict", provider: "kinesis", topic: "t" });
  expect(groupNotFound("orders", "g")).toMatchObject({ code: "not-found", message: 'topic "orders" has no group "g"' });
  expect(noSuchPartition("orders", "x".repeat(100), ["0", "1"])).toMatchObject({
    code: "invalid-argument",
    message: `there is no partition "${"x".repeat(80)}"; topic "orders" has "0", "1"`,
  });
});
