import { StreamError, type StreamErrorCode, type StreamErrorDetails } from "../errors.ts";
import { type SdkErrorParts, sdkErrorParts } from "./sdk-error-parts.ts";

/** What an error of the service means. */
export interface ErrorRule {
  readonly code: StreamErrorCode;
  /** For the message. */
  readonly meaning: string;
  /** Absent: as the code says. */
  readonly retryable?: boolean | undefined;
}

/** What an adapter knows of the errors of its SDK. */
export interface SdkErrorRules {
  readonly provider: string;
  /** For messages: `the Kinesis client`. */
  readonly client: string;
  /** By the code or the name that the SDK gives: `ProvisionedThroughputExceededException`, `ServerBusyError`, `8`. The code counts first. */
  readonly rules: Readonly<Record<string, ErrorRule>>;
}

const UNKNOWN_HOST_CODES: ReadonlySet<string> = new Set(["ENOTFOUND", "EAI_AGAIN"]);
/** The connection could not be opened. */
const NOT_CONNECTED_CODES: ReadonlySet<string> = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"]);
/** It ended in the middle; `UND_ERR_SOCKET` is of `fetch`. */
const LOST_ANSWER_CODES: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ERR_STREAM_PREMATURE_CLOSE",
  "UND_ERR_SOCKET",
]);
/**
 * Certificates that OpenSSL refuses, by the codes that Node gives them: https://nodejs.org/api/tls.html#x509-certificate-error-codes, and
 * `ERR_TLS_CERT_ALTNAME_INVALID`.
 */
const CERTIFICATE =
  /^(?:CERT_|CRL_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|UNABLE_TO_|HOSTNAME_MISMATCH$|ERR_TLS_CERT_|INVALID_CA$|INVALID_PURPOSE$)/;
/** What came is no TLS, or none that both sides have. */
const NO_TLS = /^(?:EPROTO$|ERR_SSL_)/;
/** Node's parser of HTTP begins its codes so: what came is no answer, or a damaged one. */
const NO_HTTP = "HPE_";

/** What the status of an HTTP answer means where no rule says more: https://www.rfc-editor.org/rfc/rfc9110#section-15 */
const STATUS_RULES: Readonly<Record<number, ErrorRule>> = {
  400: { code: "invalid-argument", meaning: "the service refuses the request as invalid" },
  401: { code: "unauthenticated", meaning: "the service does not accept these credentials" },
  403: { code: "permission-denied", meaning: "these credentials do not permit this" },
  404: { code: "not-found", meaning: "the service does not know what the request names" },
  408: { code: "timeout", meaning: "the service did not get the request in time" },
  409: { code: "conflict", meaning: "the present state does not allow this" },
  413: { code: "too-large", meaning: "the request is larger than the service takes" },
  429: { code: "throttled", meaning: "the service asks for fewer requests" },
};
const SERVER_FAILED: ErrorRule = { code: "unavailable", meaning: "the service failed" };

/**
 * Any error of an SDK as a `StreamError`, with itself as the cause. The rules of the adapter come first, for the error and then for those inside it;
 * then connections that broke or were refused here (TLS), then the status of HTTP. What nobody knows is `internal` and not retried. A `StreamError`
 * stays as it is; one inside (of a token provider, say) gives its code and text. The message never repeats the SDK's text.
 */
export function classifySdkError(
  error: unknown,
  { provider, client, rules }: SdkErrorRules,
  details: StreamErrorDetails = {},
): StreamError {
  if (error instanceof StreamError) return error;
  const parts = sdkErrorParts(error);
  const made = (code: StreamErrorCode, message: string, retryable: boolean | undefined): StreamError =>
    new StreamError(code, message, { provider, ...(retryable === undefined ? {} : { retryable }), ...details, cause: error });
  for (const { error: one } of parts) if (one instanceof StreamError) return made(one.code, one.message, one.retryable);
  for (const ruleOf of [ownRule(rules), connectionRule, statusRule]) {
    for (const part of parts) {
      const rule = ruleOf(part);
      if (rule !== null) return made(rule.code, rule.meaning, rule.retryable);
    }
  }
  return made("internal", `${client} failed with an unknown error: ${parts[0]!.name}`, false);
}

/** Did the connection break, or could it not be opened? Then the request may have reached the service. */
export function isBrokenConnection(error: unknown): boolean {
  return sdkErrorParts(error).some(({ code }) => isBroken(code) || UNKNOWN_HOST_CODES.has(code));
}

/** The connection broke with the request on its way: the service may have carried it out. */
export function isLostAnswer(error: unknown): boolean {
  return sdkErrorParts(error).some(({ code }) => isLost(code));
}

function isBroken(code: string): boolean {
  return NOT_CONNECTED_CODES.has(code) || isLost(code);
}

function isLost(code: string): boolean {
  return LOST_ANSWER_CODES.has(code) || code.startsWith(NO_HTTP);
}

/** The resolver does not know the name of the host, or cannot answer. */
export function isUnknownHost(error: unknown): boolean {
  return sdkErrorParts(error).some(({ code }) => UNKNOWN_HOST_CODES.has(code));
}

function ownRule(rules: SdkErrorRules["rules"]) {
  return ({ code, name }: SdkErrorParts): ErrorRule | null => {
    if (Object.hasOwn(rules, code)) return rules[code]!;
    return Object.hasOwn(rules, name) ? rules[name]! : null;
  };
}

/** An unknown name of a host is retryable as well: Compose and Kubernetes start services in any order. */
function connectionRule({ code }: SdkErrorParts): ErrorRule | null {
  if (UNKNOWN_HOST_CODES.has(code)) return { code: "unavailable", meaning: `no connection (${code}: the name of the host is not known)` };
  if (CERTIFICATE.test(code)) return { code: "configuration", meaning: `the certificate of the server is not accepted here (${code})` };
  if (NO_TLS.test(code))
    return { code: "configuration", meaning: `the server does not speak TLS on this port, or no version of it in common (${code})` };
  return isBroken(code) ? { code: "unavailable", meaning: `the connection broke (${code})` } : null;
}

function statusRule({ status }: SdkErrorParts): ErrorRule | null {
  if (status === null) return null;
  return STATUS_RULES[status] ?? (status >= 500 ? SERVER_FAILED : null);
}
