import {
  type ErrorRule,
  type SdkErrorRules,
  classifySdkError,
  isBrokenConnection,
  isUnknownHost,
  providerErrors,
} from "../../src/adapter-kit/index.ts";
import { StreamError, type StreamErrorCode, type StreamErrorDetails } from "../../src/driver/index.ts";
import { type ErrorClass, errorCodeOf } from "./client/error-codes.ts";
import { KafkaConnectError, KafkaLostConnectionError, KafkaProtocolError, KafkaUnsupportedError } from "./client/kafka-client.ts";

export const KAFKA_ERRORS = providerErrors("kafka");
export const { error: kafkaError, groupNotFound } = KAFKA_ERRORS;

export function corruptBatch(message: string, cause?: unknown): StreamError {
  return kafkaError("corrupt", message, { cause });
}

export function topicNotFound(topic: string, cause?: unknown): StreamError {
  return kafkaError("not-found", `there is no topic ${JSON.stringify(topic)}, or we have no permission to see it`, { topic, cause });
}

/** A broker's error code as a `StreamError`. */
export function errorOf(errorCode: number, api: string, details: StreamErrorDetails = {}): StreamError {
  const { code, name, meaning, retryable } = errorCodeOf(errorCode);
  const cause = details.cause ?? new KafkaProtocolError(api, errorCode);
  return kafkaError(code, `${api}: ${meaning} (${name}, ${errorCode})`, { retryable, ...details, cause });
}

/**
 * A broker's error code for one partition. A broker that does not know the partition proves nothing about the topic: leaders move, and
 * they learn of new partitions late. Only a look-up in the metadata shows whether the topic is gone.
 */
export function partitionError(errorCode: number, api: string, topic: string, partition: number): StreamError {
  const details = { topic, partition: String(partition) };
  const error = errorOf(errorCode, api, details);
  if (classOf(errorCode) !== "refresh" || error.retryable) return error;
  return kafkaError("unavailable", "the broker does not know the partition at present", { ...details, cause: error });
}

/** How to handle a code of a partition or group. */
export function classOf(errorCode: number): ErrorClass {
  return errorCodeOf(errorCode).class;
}

const LATE: ErrorRule = { code: "timeout", meaning: "the server did not answer in time" };
const BROKEN: ErrorRule = { code: "unavailable", meaning: "the connection broke" };

/** Errors of kafkajs after which the request may have reached the server. */
const LOST_ANSWERS: Readonly<Record<string, ErrorRule>> = {
  KafkaJSConnectionError: BROKEN,
  KafkaJSConnectionClosedError: BROKEN,
  KafkaJSRequestTimeoutError: LATE,
  KafkaJSBrokerNotFound: BROKEN,
};

const SDK_RULES: SdkErrorRules = { provider: "kafka", client: "the Kafka client", rules: LOST_ANSWERS };

/** Any error of the client as a `StreamError`, with the original error as `cause`. */
export function classify(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  if (error instanceof KafkaProtocolError) return errorOf(error.errorCode, error.api, { cause: error });
  if (error instanceof KafkaConnectError) return classifyConnect(error);
  if (error instanceof KafkaLostConnectionError) return classifyLost(error);
  if (error instanceof KafkaUnsupportedError) return kafkaError("unsupported", error.message, { cause: error });
  if (error instanceof RangeError) return corruptBatch("the server's answer cannot be read", error);
  const { message } = partsOf(error);
  if (message === "the server closed the connection") return kafkaError("unavailable", "the connection broke", { cause: error });
  if (message === "the client was closed") return kafkaError("closed", "the connection was closed", { cause: error });
  return classifySdkError(error, SDK_RULES);
}

/** The connection failed while a request was in flight. */
export function isLostAnswer(error: unknown): boolean {
  const { name, message } = partsOf(error);
  return Object.hasOwn(LOST_ANSWERS, name) || isBrokenConnection(error) || message === "the server closed the connection";
}

/** The request timed out. */
export function isLateAnswer(error: unknown): boolean {
  return partsOf(error).name === "KafkaJSRequestTimeoutError";
}

function classifyLost(error: KafkaLostConnectionError): StreamError {
  const { address, cause } = error;
  if (isLateAnswer(cause)) return kafkaError("timeout", `${address} did not answer in time`, { cause: error });
  return kafkaError("unavailable", `the connection to ${address} broke${reasonOf(cause)}`, { cause: error });
}

/** The reason for a message: the system's code if there is one, else the text of the error. */
function reasonOf(cause: unknown): string {
  const { message, code } = partsOf(cause);
  if (isUnknownHost({ code })) return ` (${code}: the name of the host is not known)`;
  if (code !== "") return ` (${code})`;
  return message === "" ? "" : ` (${message})`;
}

/** Errors of OpenSSL for a server's certificate that is refused here. */
const CERTIFICATE_ERRORS = /certificate|self.signed|altname|issuer|CERT_|TLS|SSL|EPROTO|wrong version/i;
/** The certificate authority is unknown. */
const UNKNOWN_AUTHORITY = /self.signed|unable.to.(?:get|verify)|UNABLE_TO|SELF_SIGNED/i;
/** The certificate is for another host. */
const WRONG_NAME = /altname/i;
/** Alerts of a server that refuses the client's certificate, or requires one: https://www.rfc-editor.org/rfc/rfc8446#section-6.2 */
const CERTIFICATE_ALERT = /alert (?:(?:bad |no |unsupported )?certificate|unknown ca|access denied)/i;

function classifyConnect(error: KafkaConnectError): StreamError {
  const { address, step, cause, wasReached, wasReachedBefore } = error;
  const refuse = (code: StreamErrorCode, text: string): StreamError => kafkaError(code, `${address}: ${text}`, { cause: error });
  // The application's token provider failed.
  if (cause instanceof StreamError) return kafkaError(cause.code, cause.message, { cause: error, retryable: wasReachedBefore });
  if (cause instanceof KafkaUnsupportedError) return classify(cause);
  const { name, message, code } = partsOf(cause);
  if (step === "authenticate" && !Object.hasOwn(LOST_ANSWERS, name) && !message.startsWith("no complete handshake")) {
    return refuse("unauthenticated", "the server does not accept these credentials, or not this SASL mechanism");
  }
  if (error.answeredInTls) return refuse("configuration", "the server speaks TLS on this port, and tls is not set");
  if (CERTIFICATE_ALERT.test(message))
    return refuse("unauthenticated", "the server does not accept the client's certificate, or requires one");
  const meaning = isFirstEnd(error) ? meaningOfEnd(error) : null;
  if (meaning !== null) return refuse(...meaning);
  if (wasReached && step === "connect" && !isEnd(cause) && CERTIFICATE_ERRORS.test(`${code} ${message}`)) {
    return refuse("configuration", meaningOfCertificate(`${code} ${message}`));
  }
  // An unknown host name is retryable as well: Compose and Kubernetes start services in any order.
  const tried = [error, ...error.others].map((other) => `${other.address}${reasonOf(other.cause)}`);
  const origin =
    error.isAdvertised && error.others.length === 0 ? ", the address that the cluster gives for this broker (advertised.listeners)" : "";
  return kafkaError("unavailable", `no connection to ${tried.join(" or ")}${origin}`, { cause: error });
}

function meaningOfCertificate(failure: string): string {
  if (UNKNOWN_AUTHORITY.test(failure)) {
    return "the server's certificate is not signed by a trusted authority: set tls.ca to the authority's certificate (in the URL: tls=true&tls.ca=/path/ca.pem)";
  }
  if (WRONG_NAME.test(failure)) return "the server's certificate is for another host name: set tls.servername to that name";
  return "no TLS with this server: its certificate is refused, or it has no TLS version or cipher in common";
}

/** The server has closed the connection, whichever side noticed it first. */
function isEnd(cause: unknown): boolean {
  const { name, message, code } = partsOf(cause);
  return (
    message === "the server closed the connection" || name === "KafkaJSConnectionClosedError" || code === "ECONNRESET" || code === "EPIPE"
  );
}

/** The server closed the first connection to it. If an earlier connection was complete, the server is probably stopping instead. */
export function isFirstEnd(error: unknown): boolean {
  return error instanceof KafkaConnectError && error.wasReached && !error.wasReachedBefore && isEnd(error.cause);
}

/** What it means that a server closes a connection before its first useful answer. */
function meaningOfEnd({ step, inTls }: KafkaConnectError): readonly [StreamErrorCode, string] | null {
  switch (step) {
    case "connect":
      return ["configuration", "no TLS with this server: it speaks plain text on this port"];
    case "api-versions":
      return inTls
        ? [
            "unauthenticated",
            "the server ends the connection after the TLS handshake: it does not accept the client's certificate, or requires one",
          ]
        : [
            "configuration",
            "the server ends the connection at the first request in plain text: it speaks TLS on this port, or is no Kafka",
          ];
    case "first-request":
      return ["unauthenticated", "the server ends the connection at the first request: it requires authentication, and sasl is not set"];
    case "authenticate":
      return null;
  }
}

/** The resolver does not know the name of the host, or cannot answer. */
function hasUnknownHost({ cause }: KafkaConnectError): boolean {
  return isUnknownHost(cause) || /ENOTFOUND|EAI_AGAIN/.test(partsOf(cause).message);
}

/** The host name was never found, so it is probably misspelt. */
export function isWrongHost(error: unknown): boolean {
  return error instanceof KafkaConnectError && !error.wasReachedBefore && hasUnknownHost(error);
}

function partsOf(error: unknown): { readonly name: string; readonly message: string; readonly code: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: "", code: "" };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return { name: error.name, message: error.message, code };
}
