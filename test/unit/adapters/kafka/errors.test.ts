import { expect, test } from "vitest";
import {
  KafkaConnectError,
  KafkaLostConnectionError,
  KafkaProtocolError,
  KafkaUnsupportedError,
} from "../../../../adapters/kafka/client/kafka-client.ts";
import { classOf, classify, errorOf } from "../../../../adapters/kafka/errors.ts";
import { StreamError } from "../../../../src/errors.ts";

function sdkError(name: string, details: object = {}): Error {
  return Object.assign(new Error("of kafkajs"), { name, ...details });
}

test.each([
  ["leaders that move", [5, 6, 74, 75, 56, 9, 72], "refresh", "unavailable", true],
  ["coordinators that move", [15, 16], "refresh", "unavailable", true],
  ["coordinators that load", [14], "retry", "unavailable", true],
  ["too few replicas, before", [19], "retry", "unavailable", true],
  ["too few replicas, after", [20], "unknown", "unavailable", true],
  ["replicas too slow", [7], "unknown", "timeout", true],
  ["a member that is not current", [22, 25, 27, 82], "fenced", "ownership-lost", false],
  ["a producer that is not current", [45, 47, 59, 90], "fenced", "unavailable", true],
  ["what was stored before", [46], "stored", "unavailable", true],
  ["too large", [10, 18], "fail", "too-large", false],
  ["invalid", [2, 17, 32, 37, 38, 87], "fail", "invalid-argument", false],
  ["no topic", [3, 100], "refresh", "not-found", false],
  ["not allowed", [29, 30, 31, 53], "fail", "permission-denied", false],
  ["not let in", [33, 34, 58], "fail", "unauthenticated", false],
  ["not supported", [35, 43, 76], "fail", "unsupported", false],
  ["over a quota", [89], "retry", "throttled", true],
  ["there already", [36], "fail", "already-exists", false],
  ["with members", [68, 86], "fail", "conflict", false],
  ["no group", [69], "fail", "not-found", false],
  ["out of range", [1], "fail", "position-out-of-range", false],
  ["not known", [9_999], "fail", "internal", false],
] as const)("%s", (_what, numbers, errorClass, code, retryable) => {
  for (const number of numbers) {
    expect(classOf(number)).toBe(errorClass);
    const error = classify(new KafkaProtocolError("Produce", number));
    expect(error).toMatchObject({ code, retryable, provider: "kafka" });
    expect(error.cause).toBeInstanceOf(KafkaProtocolError);
    expect(error.message).toContain(String(number));
  }
});

test("a StreamError stays unchanged", () => {
  const own = new StreamError("closed", "over");
  expect(classify(own)).toBe(own);
});

test.each([
  ["KafkaJSRequestTimeoutError", {}, "timeout"],
  ["KafkaJSConnectionError", { code: "ECONNRESET" }, "unavailable"],
  ["KafkaJSConnectionClosedError", {}, "unavailable"],
  ["Error", { code: "EPIPE" }, "unavailable"],
  ["SomethingElse", {}, "internal"],
])("%s of the client", (name, details, code) => {
  const cause = sdkError(name, details);
  expect(classify(cause)).toMatchObject({ code, retryable: code !== "internal", cause });
});

test("an answer that ends too early is corrupt; a request that the server does not support is unsupported", () => {
  expect(classify(new RangeError("short"))).toMatchObject({ code: "corrupt" });
  expect(classify(new KafkaUnsupportedError("OffsetDelete", [0]))).toMatchObject({ code: "unsupported", retryable: false });
});

const connecting = (step: "connect" | "api-versions" | "authenticate", cause: unknown, inTls = false, reached = true) =>
  classify(new KafkaConnectError("localhost:9092", step, { answeredInTls: inTls, wasReached: reached }, cause));

test("the reasons why a connection cannot be opened", () => {
  expect(connecting("connect", sdkError("KafkaJSConnectionError", { code: "ECONNREFUSED" }), false, false)).toMatchObject({
    code: "unavailable",
    retryable: true,
  });
  expect(connecting("authenticate", sdkError("KafkaJSSASLAuthenticationError"))).toMatchObject({ code: "unauthenticated" });
  expect(connecting("authenticate", sdkError("KafkaJSConnectionClosedError"))).toMatchObject({ code: "unavailable", retryable: true });
  expect(connecting("api-versions", new Error("the server answered in TLS"), true)).toMatchObject({ code: "configuration" });
  expect(connecting("connect", new Error("the server closed the connection"))).toMatchObject({ code: "configuration" });
  expect(connecting("connect", Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }))).toMatchObject(
    {
      code: "configuration",
    },
  );
});

test.each(["ENOTFOUND", "EAI_AGAIN"])("an unknown host name (%s) can be retried, and its error has host and code", (code) => {
  const cause = sdkError("KafkaJSConnectionError", { code });
  for (const wasReachedBefore of [false, true]) {
    expect(classify(new KafkaConnectError("broker:9092", "connect", { wasReachedBefore }, cause))).toMatchObject({
      code: "unavailable",
      retryable: true,
      message: `no connection to broker:9092 (${code}: the name of the host is not known)`,
    });
  }
});

test("errors of connections name host, port and the system's code", () => {
  const refused = new KafkaConnectError("one:9092", "connect", {}, sdkError("KafkaJSConnectionError", { code: "ECONNREFUSED" }));
  refused.triedOthers([new KafkaConnectError("two:9093", "connect", {}, sdkError("KafkaJSConnectionError", { code: "ENOTFOUND" }))]);
  expect(classify(refused).message).toBe(
    "no connection to one:9092 (ECONNREFUSED) or two:9093 (ENOTFOUND: the name of the host is not known)",
  );
  const lost = (cause: Error) => classify(new KafkaLostConnectionError("one:9092", cause));
  expect(lost(sdkError("KafkaJSConnectionError", { code: "ECONNRESET" }))).toMatchObject({
    code: "unavailable",
    retryable: true,
    message: "the connection to one:9092 broke (ECONNRESET)",
  });
  expect(lost(new Error("the server closed the connection")).message).toBe(
    "the connection to one:9092 broke (the server closed the connection)",
  );
  expect(lost(sdkError("KafkaJSRequestTimeoutError"))).toMatchObject({ code: "timeout", message: "one:9092 did not answer in time" });
});

test.each(["the server closed the connection", "Client network socket disconnected before secure TLS connection was established"])(
  "a connection closed before the TLS handshake (%s): no TLS at the first connection, a stopping broker after an earlier one",
  (message) => {
    const cause = Object.assign(new Error(message), { code: "ECONNRESET" });
    const failed = (wasReachedBefore: boolean) =>
      classify(new KafkaConnectError("broker:9093", "connect", { wasReached: true, wasReachedBefore }, cause));
    expect(failed(false)).toMatchObject({ code: "configuration", retryable: false });
    expect(failed(true)).toMatchObject({ code: "unavailable", retryable: true });
  },
);

test.each([
  ["api-versions", true, "unauthenticated", "certificate"],
  ["api-versions", false, "configuration", "TLS"],
  ["first-request", false, "unauthenticated", "sasl"],
  ["first-request", true, "unauthenticated", "sasl"],
] as const)(
  "a connection closed at the step %s (in TLS: %s) means %s at the first connection, and only that the broker stops after an earlier one",
  (step, inTls, code, word) => {
    for (const cause of [sdkError("KafkaJSConnectionClosedError"), sdkError("KafkaJSConnectionError", { code: "ECONNRESET" })]) {
      const failed = (wasReachedBefore: boolean) =>
        classify(new KafkaConnectError("broker:9093", step, { wasReached: true, wasReachedBefore, inTls }, cause));
      expect(failed(false)).toMatchObject({ code, retryable: false, message: expect.stringContaining(word) });
      expect(failed(true)).toMatchObject({ code: "unavailable", retryable: true });
    }
  },
);

test.each([
  "ssl/tls alert bad certificate",
  "ssl/tls alert certificate unknown",
  "sslv3 alert certificate expired",
  "tlsv13 alert certificate required",
  "tlsv1 alert unknown ca",
])("%s: our certificate is not accepted, whenever it comes", (alert) => {
  const cause = sdkError("KafkaJSConnectionError", {
    message: `Connection error: 40:error:0A000412:SSL routines:ssl3_read_bytes:${alert}`,
  });
  for (const step of ["connect", "api-versions"] as const) {
    for (const wasReachedBefore of [true, false]) {
      const error = classify(new KafkaConnectError("broker:9093", step, { wasReached: true, wasReachedBefore, inTls: true }, cause));
      expect(error).toMatchObject({ code: "unauthenticated", retryable: false });
    }
  }
});

test.each([
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate", /tls\.ca/],
  ["SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain", /tls\.ca/],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate", /tls\.ca/],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unable to get local issuer certificate", /tls\.ca/],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in", /tls\.servername/],
  ["CERT_HAS_EXPIRED", "certificate has expired", /certificate is refused/],
])("%s: we do not accept the server's certificate, and the setting that may help is named", (code, text, setting) => {
  const cause = sdkError("KafkaJSConnectionError", { code, message: `Connection error: ${text}` });
  expect(classify(new KafkaConnectError("broker:9093", "connect", { wasReached: true, inTls: true }, cause))).toMatchObject({
    code: "configuration",
    retryable: false,
    message: expect.stringMatching(setting),
  });
});

test("a missing token is not a refusal by the server, and can be retried after an earlier connection", () => {
  const cause = new StreamError("unauthenticated", "oauthBearerProvider failed");
  for (const wasReachedBefore of [true, false]) {
    const error = classify(new KafkaConnectError("broker:9093", "authenticate", { wasReached: true, wasReachedBefore }, cause));
    expect(error).toMatchObject({ code: "unauthenticated", retryable: wasReachedBefore, message: "oauthBearerProvider failed" });
  }
});

test("details are kept", () => {
  expect(errorOf(10, "Produce", { topic: "orders", partition: "3" })).toMatchObject({ topic: "orders", partition: "3" });
});
