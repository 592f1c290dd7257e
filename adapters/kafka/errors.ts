import { StreamError, type StreamErrorCode, type StreamErrorDetails } from "../../src/driver/index.ts";
import { type ErrorClass, errorCodeOf } from "./error-codes.ts";
import { KafkaConnectError, KafkaProtocolError, KafkaUnsupportedError } from "./kafka-client.ts";

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
  if (error instanceof KafkaUnsupportedError) return kafkaError("unsupported", error.message, { cause: error });
  if (error instanceof RangeError) return corruptBatch("the server's answer cannot be read", error);
  const { name, message, code } = named(error);
  if (name === "KafkaJSRequestTimeoutError") return kafkaError("timeout", "the server did not answer in time", { cause: error });
  if (LOST_ANSWERS.has(name) || SOCKET_CODES.has(code) || message === "the server closed the connection") {
    return kafkaError("unavailable", "the connection broke", { cause: error });
  }
  if (message === "the client was closed") return kafkaError("closed", "the connection was closed", { cause: error });
  return kafkaError("internal", `the Kafka client failed in a way that is not known: ${name}`, { cause: error, retryable: false });
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

const CERTIFICATE_TROUBLE = /certificate|self.signed|altname|issuer|CERT_|TLS|SSL|EPROTO|wrong version/i;

function classifyConnect(error: KafkaConnectError): StreamError {
  const { name, message, code } = named(error.cause);
  if (error.step === "authenticate" && !LOST_ANSWERS.has(name) && !message.startsWith("no complete handshake")) {
    return kafkaError("unauthenticated", "the server does not accept these credentials, or not this SASL mechanism", { cause: error });
  }
  if (error.answeredInTls) {
    return kafkaError("configuration", "the server speaks TLS on this port, and tls is not set", { cause: error });
  }
  if (isUnknownHost(error)) {
    // A typing error stays one; a resolver that has given an answer before will give one again.
    return kafkaError("unavailable", "the name of the broker's host is not known", { cause: error, retryable: error.wasReachedBefore });
  }
  // Where TLS has stood before, a server that hangs up is one that ends.
  const isRefused = isHangUp(message) ? !error.wasReachedBefore : CERTIFICATE_TROUBLE.test(`${code} ${message}`);
  if (error.wasReached && error.step === "connect" && isRefused) {
    return kafkaError(
      "configuration",
      "no TLS with this server: it speaks plain text on this port, or its certificate or ours is refused",
      {
        cause: error,
      },
    );
  }
  return kafkaError("unavailable", "no connection to a broker", { cause: error });
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

/** The server went away in the middle of the TLS handshake: what a plain-text port does with it. */
function isHangUp(message: string): boolean {
  return message === "the server closed the connection" || message.includes("before secure TLS connection");
}

function named(error: unknown): { readonly name: string; readonly message: string; readonly code: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: "", code: "" };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return { name: error.name, message: error.message, code };
}
