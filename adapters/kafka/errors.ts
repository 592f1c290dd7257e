import { StreamError, type StreamErrorCode, type StreamErrorDetails } from "../../src/driver/index.ts";
import { type ErrorClass, errorCodeOf } from "./client/error-codes.ts";
import { KafkaConnectError, KafkaLostConnectionError, KafkaProtocolError, KafkaUnsupportedError } from "./client/kafka-client.ts";

/** An error of this provider. */
export function kafkaError(code: StreamErrorCode, message: string, details: StreamErrorDetails = {}): StreamError {
  return new StreamError(code, message, { provider: "kafka", ...details });
}

export function corruptBatch(what: string, cause?: unknown): StreamError {
  return kafkaError("corrupt", what, { cause });
}

export function topicNotFound(topic: string, cause?: unknown): StreamError {
  return kafkaError("not-found", `there is no topic ${JSON.stringify(topic)}, or we may not see it`, { topic, cause });
}

export function groupNotFound(topic: string, group: string): StreamError {
  return kafkaError("not-found", `topic ${JSON.stringify(topic)} has no group ${JSON.stringify(group)}`, { topic });
}

/** A broker's error code as ours. */
export function errorOf(errorCode: number, api: string, details: StreamErrorDetails = {}): StreamError {
  const { code, name, meaning, retryable } = errorCodeOf(errorCode);
  const cause = details.cause ?? new KafkaProtocolError(api, errorCode);
  return kafkaError(code, `${api}: ${meaning} (${name}, ${errorCode})`, { retryable, ...details, cause });
}

/**
 * A broker's error code for one partition. That it does not know the partition is no news of the topic: leaders move, and hear late of
 * new partitions. Whether the topic is gone a look at the cluster says.
 */
export function partitionError(errorCode: number, api: string, topic: string, partition: number): StreamError {
  const details = { topic, partition: String(partition) };
  const error = errorOf(errorCode, api, details);
  if (classOf(errorCode) !== "refresh" || error.retryable) return error;
  return kafkaError("unavailable", "the broker does not know the partition at present", { ...details, cause: error });
}

/** What a code means for a request of a partition or group: try again, look up anew who is responsible first, or what else. */
export function classOf(errorCode: number): ErrorClass {
  return errorCodeOf(errorCode).class;
}

/** Errors of kafkajs whose request may have reached the server. */
const LOST_ANSWERS: ReadonlySet<string> = new Set([
  "KafkaJSConnectionError",
  "KafkaJSConnectionClosedError",
  "KafkaJSRequestTimeoutError",
  "KafkaJSBrokerNotFound",
]);

/** Any error of the client as ours, with itself as `cause`. */
export function classify(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  if (error instanceof KafkaProtocolError) return errorOf(error.errorCode, error.api, { cause: error });
  if (error instanceof KafkaConnectError) return classifyConnect(error);
  if (error instanceof KafkaLostConnectionError) return classifyLost(error);
  if (error instanceof KafkaUnsupportedError) return kafkaError("unsupported", error.message, { cause: error });
  if (error instanceof RangeError) return corruptBatch("the server's answer cannot be read", error);
  const { name, message } = named(error);
  if (isLateAnswer(error)) return kafkaError("timeout", "the server did not answer in time", { cause: error });
  if (isLostAnswer(error)) return kafkaError("unavailable", "the connection broke", { cause: error });
  if (message === "the client was closed") return kafkaError("closed", "the connection was closed", { cause: error });
  return kafkaError("internal", `the Kafka client failed in a way that is not known: ${name}`, { cause: error, retryable: false });
}

/** The connection failed while an answer was waited for. */
export function isLostAnswer(error: unknown): boolean {
  const { name, message, code } = named(error);
  return LOST_ANSWERS.has(name) || SOCKET_CODES.has(code) || message === "the server closed the connection";
}

/** The answer did not come within the time of its request. */
export function isLateAnswer(error: unknown): boolean {
  return named(error).name === "KafkaJSRequestTimeoutError";
}

function classifyLost(error: KafkaLostConnectionError): StreamError {
  const { address, cause } = error;
  if (isLateAnswer(cause)) return kafkaError("timeout", `${address} did not answer in time`, { cause: error });
  return kafkaError("unavailable", `the connection to ${address} broke${reasonOf(cause)}`, { cause: error });
}

/** What the system, or we, say of it: a code where there is one. */
function reasonOf(cause: unknown): string {
  const { message, code } = named(cause);
  if (NAME_CODES.includes(code)) return ` (${code}: the name of the host is not known)`;
  if (code !== "") return ` (${code})`;
  return message === "" ? "" : ` (${message})`;
}

const NAME_CODES = ["ENOTFOUND", "EAI_AGAIN"];

const SOCKET_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  ...NAME_CODES,
]);

/** What OpenSSL says of a certificate that we do not accept. */
const CERTIFICATE_ERRORS = /certificate|self.signed|altname|issuer|CERT_|TLS|SSL|EPROTO|wrong version/i;
/** Whoever signed it is not known to us. */
const UNKNOWN_AUTHORITY = /self.signed|unable.to.(?:get|verify)|UNABLE_TO|SELF_SIGNED/i;
/** It is that of another host. */
const WRONG_NAME = /altname/i;
/** What a server says that does not accept ours, or misses it: https://www.rfc-editor.org/rfc/rfc8446#section-6.2 */
const CERTIFICATE_ALERT = /alert (?:(?:bad |no |unsupported )?certificate|unknown ca|access denied)/i;

function classifyConnect(error: KafkaConnectError): StreamError {
  const { address, step, cause, wasReached, wasReachedBefore } = error;
  const refuse = (code: StreamErrorCode, text: string): StreamError => kafkaError(code, `${address}: ${text}`, { cause: error });
  // Of ours: what the application was asked for, and did not give now.
  if (cause instanceof StreamError) return kafkaError(cause.code, cause.message, { cause: error, retryable: wasReachedBefore });
  if (cause instanceof KafkaUnsupportedError) return classify(cause);
  const { name, message, code } = named(cause);
  if (step === "authenticate" && !LOST_ANSWERS.has(name) && !message.startsWith("no complete handshake")) {
    return refuse("unauthenticated", "the server does not accept these credentials, or not this SASL mechanism");
  }
  if (error.answeredInTls) return refuse("configuration", "the server speaks TLS on this port, and tls is not set");
  if (CERTIFICATE_ALERT.test(message)) return refuse("unauthenticated", "the server does not accept our certificate, or wants one");
  const meaning = isFirstEnd(error) ? meaningOfEnd(error) : null;
  if (meaning !== null) return refuse(...meaning);
  if (wasReached && step === "connect" && !isEnd(cause) && CERTIFICATE_ERRORS.test(`${code} ${message}`)) {
    return refuse("configuration", meaningOfCertificate(`${code} ${message}`));
  }
  // Also where the name of the host is not known: compose and Kubernetes start things in any order.
  const tried = [error, ...error.others].map((other) => `${other.address}${reasonOf(other.cause)}`);
  const origin =
    error.isAdvertised && error.others.length === 0 ? ", the address that the cluster gives for this broker (advertised.listeners)" : "";
  return kafkaError("unavailable", `no connection to ${tried.join(" or ")}${origin}`, { cause: error });
}

function meaningOfCertificate(trouble: string): string {
  if (UNKNOWN_AUTHORITY.test(trouble)) {
    return "the server's certificate is not signed by anybody whom we trust: tls.ca takes the certificate of who has signed it (in the URL: tls=true&tls.ca=/path/ca.pem)";
  }
  if (WRONG_NAME.test(trouble)) return "the server's certificate is of another name than its host's: tls.servername takes the name";
  return "no TLS with this server: its certificate is refused, or it does not speak TLS as we do";
}

/** The server has ended a connection, whoever noticed it first. */
function isEnd(cause: unknown): boolean {
  const { name, message, code } = named(cause);
  return (
    message === "the server closed the connection" || name === "KafkaJSConnectionClosedError" || code === "ECONNRESET" || code === "EPIPE"
  );
}

/** Of the first connection to a server that can be reached. Where one has stood before, a server that ends it is one that ends. */
export function isFirstEnd(error: unknown): boolean {
  return error instanceof KafkaConnectError && error.wasReached && !error.wasReachedBefore && isEnd(error.cause);
}

/** What a server says by ending a connection before it was of any use. */
function meaningOfEnd({ step, inTls }: KafkaConnectError): readonly [StreamErrorCode, string] | null {
  switch (step) {
    case "connect":
      return ["configuration", "no TLS with this server: it speaks plain text on this port"];
    case "api-versions":
      return inTls
        ? ["unauthenticated", "the server ends the connection after the TLS handshake: it does not accept our certificate, or wants one"]
        : ["configuration", "the server ends the connection when it is greeted in plain text: it speaks TLS on this port, or is no Kafka"];
    case "first-request":
      return ["unauthenticated", "the server ends the connection at the first request: it wants authentication, and sasl is not set"];
    case "authenticate":
      return null;
  }
}

/** The resolver does not know the name of the host, or cannot say. */
function isUnknownHost({ cause }: KafkaConnectError): boolean {
  const { code, message } = named(cause);
  return NAME_CODES.some((unknown) => code === unknown || message.includes(unknown));
}

/** A name that was never found: most likely it is not spelt so. */
export function isWrongHost(error: unknown): boolean {
  return error instanceof KafkaConnectError && !error.wasReachedBefore && isUnknownHost(error);
}

function named(error: unknown): { readonly name: string; readonly message: string; readonly code: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: "", code: "" };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return { name: error.name, message: error.message, code };
}
