import {
  type ErrorRule,
  type SdkErrorRules,
  classifySdkError,
  isLostAnswer,
  isUnknownHost,
  providerErrors,
  sdkErrorParts,
} from "../../src/adapter-kit/index.ts";
import type { StreamError } from "../../src/driver/index.ts";

export const OCI_ERRORS = providerErrors("oci-streaming");
export const { error: ociError, groupNotFound } = OCI_ERRORS;

const INVALID: ErrorRule = { code: "invalid-argument", meaning: "the service refuses the request as invalid" };
const QUOTA: ErrorRule = { code: "throttled", meaning: "the limit of the tenancy is reached", retryable: false };
const DENIED: ErrorRule = { code: "permission-denied", meaning: "these credentials do not permit this" };
const THROTTLED: ErrorRule = { code: "throttled", meaning: "the service asks for fewer requests" };

/** By design the service does not say which of the two it is. A stream that is missing in its pool's list is known to be missing: `streamNotFound`. */
const NOT_FOUND_OR_DENIED: ErrorRule = {
  code: "permission-denied",
  meaning: "these credentials do not permit this, or there is no such pool, stream, bucket or object: the service does not say which",
};

/** https://docs.oracle.com/en-us/iaas/Content/API/References/apierrors.htm */
const RULES: Readonly<Record<string, ErrorRule>> = {
  TooManyRequests: THROTTLED,
  InvalidParameter: INVALID,
  MissingParameter: INVALID,
  CannotParseRequest: INVALID,
  LimitExceeded: QUOTA,
  QuotaExceeded: QUOTA,
  IncorrectState: { code: "unavailable", meaning: "the stream is being created, changed or deleted" },
  Conflict: { code: "conflict", meaning: "there is something of that name already, or it is being changed" },
  NotAuthenticated: { code: "unauthenticated", meaning: "the service does not accept these credentials" },
  SignUpRequired: DENIED,
  NotAuthorized: DENIED,
  NotAllowed: DENIED,
  NotAuthorizedOrNotFound: NOT_FOUND_OR_DENIED,
  NamespaceNotFound: NOT_FOUND_OR_DENIED,
  BucketNotFound: NOT_FOUND_OR_DENIED,
  ObjectNotFound: NOT_FOUND_OR_DENIED,
  NotFound: { code: "configuration", meaning: "the endpoint does not have this request: is it the one for messages, or the region's own?" },
  TimeoutError: { code: "timeout", meaning: "the service did not answer in time" },
  // A body that was cut, or that a proxy has written.
  SyntaxError: { code: "unavailable", meaning: "the answer of the service cannot be read" },
};

const SDK_RULES: SdkErrorRules = { provider: "oci-streaming", client: "the OCI client", rules: RULES };

/** Any error as a `StreamError`, with the original error as `cause`. */
export function classify(error: unknown): StreamError {
  return classifySdkError(error, SDK_RULES);
}

/** Is this the code of the service in the error, or in one inside it? */
export function isCoded(error: unknown, ...codes: readonly string[]): boolean {
  return sdkErrorParts(error).some(({ code }) => codes.includes(code));
}

export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return sdkErrorParts(error).some(({ status }) => status !== null && statuses.includes(status));
}

const AMBIGUOUS_NAMES: ReadonlySet<string> = new Set(["TimeoutError", "SyntaxError"]);

/** May the service have carried out the request that failed with this error? */
export function mayBeDone(error: unknown): boolean {
  if (isUnknownHost(error)) return false;
  if (isLostAnswer(error)) return true;
  return sdkErrorParts(error).some(({ name, status }) => AMBIGUOUS_NAMES.has(name) || (status !== null && status >= 500));
}

/** `… next request can be made in 120 ms`: https://github.com/oracle/oci-go-sdk/issues/479 */
const WAIT_HINT = /in (\d+)\s*ms/;
const LONGEST_HINT_MS = 60_000;

/** The pause that the service asks for in its text; `null`: it names none. */
export function waitHintMs(text: string): number | null {
  const ms = Number(WAIT_HINT.exec(text)?.[1] ?? Number.NaN);
  return Number.isNaN(ms) ? null : Math.min(ms, LONGEST_HINT_MS);
}

export function streamNotFound(topic: string, cause?: unknown): StreamError {
  const text = `there is no stream ${JSON.stringify(topic)} in the stream pool, or these credentials do not permit its use: the service does not say which`;
  return ociError("not-found", text, { topic, cause });
}
