import {
  type ErrorRule,
  type SdkErrorRules,
  classifySdkError,
  isLostAnswer,
  isUnknownHost,
  providerErrors,
  sdkErrorParts,
} from "../../src/adapter-kit/index.ts";
import { StreamError } from "../../src/driver/index.ts";

export const KINESIS_ERRORS = providerErrors("kinesis");
export const { error: kinesisError, groupNotFound } = KINESIS_ERRORS;

const THROTTLED: ErrorRule = { code: "throttled", meaning: "the service asks for fewer requests" };
const FAILED: ErrorRule = { code: "unavailable", meaning: "the service failed" };
const INVALID: ErrorRule = { code: "invalid-argument", meaning: "the service refuses the request as invalid" };
const DENIED: ErrorRule = { code: "permission-denied", meaning: "these credentials do not permit this" };
const BAD_CREDENTIALS: ErrorRule = { code: "unauthenticated", meaning: "the service does not accept these credentials" };
const BAD_SIGNATURE: ErrorRule = {
  code: "unauthenticated",
  meaning: "the service does not accept the signature: the secret key is wrong, or the region, or the clock of this machine",
};
const BAD_KMS_KEY: ErrorRule = { code: "configuration", meaning: "the KMS key of the stream cannot be used" };
const LATE: ErrorRule = { code: "timeout", meaning: "the service did not answer in time" };
const BROKEN: ErrorRule = { code: "unavailable", meaning: "the connection broke" };

/** https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html and the errors of each call, of DynamoDB too. */
const RULES: Readonly<Record<string, ErrorRule>> = {
  ProvisionedThroughputExceededException: THROTTLED,
  ThrottlingException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  KMSThrottlingException: THROTTLED,
  LimitExceededException: { code: "throttled", meaning: "the limit of the account, of such requests or of what it may have, is reached" },
  InternalFailure: FAILED,
  InternalFailureException: FAILED,
  InternalServerError: FAILED,
  ServiceUnavailable: FAILED,
  ServiceUnavailableException: FAILED,
  // Two changes of one row at a time.
  TransactionConflictException: FAILED,
  TimeoutError: LATE,
  AbortError: LATE,
  // A body that was cut, or that a proxy has written.
  SyntaxError: { code: "unavailable", meaning: "the answer of the service cannot be read" },
  ERR_HTTP2_ERROR: BROKEN,
  ERR_HTTP2_STREAM_ERROR: BROKEN,
  ERR_HTTP2_SESSION_ERROR: BROKEN,
  ERR_HTTP2_GOAWAY_SESSION: BROKEN,
  ResourceNotFoundException: { code: "not-found", meaning: "there is no such stream, shard or table" },
  ResourceInUseException: { code: "conflict", meaning: "the stream or the table is being changed, or exists already" },
  ConditionalCheckFailedException: { code: "conflict", meaning: "the row was changed by somebody else" },
  ValidationException: INVALID,
  InvalidArgumentException: INVALID,
  SerializationException: INVALID,
  UnknownOperationException: { code: "unsupported", meaning: "the service does not know this request" },
  RequestEntityTooLarge: { code: "too-large", meaning: "the request is larger than the service takes" },
  ExpiredIteratorException: { code: "unavailable", meaning: "the shard iterator has expired" },
  ExpiredNextTokenException: { code: "unavailable", meaning: "the listing took too long, and has to begin again" },
  AccessDeniedException: DENIED,
  AccessDenied: DENIED,
  NotAuthorized: DENIED,
  KMSAccessDeniedException: { ...DENIED, meaning: "these credentials do not permit the use of the stream's KMS key" },
  KMSOptInRequired: DENIED,
  OptInRequired: DENIED,
  UnrecognizedClientException: BAD_CREDENTIALS,
  InvalidClientTokenId: BAD_CREDENTIALS,
  MissingAuthenticationToken: BAD_CREDENTIALS,
  MissingAuthenticationTokenException: BAD_CREDENTIALS,
  CredentialsProviderError: { code: "unauthenticated", meaning: "no credentials were found" },
  ExpiredToken: { code: "unauthenticated", meaning: "the credentials have expired" },
  ExpiredTokenException: { code: "unauthenticated", meaning: "the credentials have expired" },
  InvalidSignatureException: BAD_SIGNATURE,
  IncompleteSignature: BAD_SIGNATURE,
  IncompleteSignatureException: BAD_SIGNATURE,
  SignatureDoesNotMatch: BAD_SIGNATURE,
  RequestExpired: BAD_SIGNATURE,
  KMSDisabledException: BAD_KMS_KEY,
  KMSInvalidStateException: BAD_KMS_KEY,
  KMSNotFoundException: BAD_KMS_KEY,
};

const SDK_RULES: SdkErrorRules = { provider: "kinesis", client: "the AWS SDK", rules: RULES };

/** Any error of the SDK as a `StreamError`, with the original error as `cause`. */
export function classify(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  if (error instanceof Error && error.message.startsWith("Region is missing")) {
    const text = "no region is known: give it in the URL (kinesis://eu-west-1), as an option, by AWS_REGION, or in the profile";
    return kinesisError("configuration", text, { cause: error });
  }
  return classifySdkError(error, SDK_RULES);
}

/** An error that a `PutRecords` names for one record. */
export function entryError(name: string): StreamError {
  return classify(Object.assign(new Error("the service did not store this record"), { name }));
}

/** Is this the name of the error, or of one inside it? */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return sdkErrorParts(error).some(({ name }) => names.includes(name));
}

const AMBIGUOUS_NAMES: ReadonlySet<string> = new Set([
  "InternalFailure",
  "InternalFailureException",
  "InternalServerError",
  "ServiceUnavailable",
  "ServiceUnavailableException",
  "TimeoutError",
  "AbortError",
  "SyntaxError",
]);

/** May the service have carried out the request that failed with this error? */
export function mayBeDone(error: unknown): boolean {
  if (isUnknownHost(error)) return false;
  if (isLostAnswer(error)) return true;
  return sdkErrorParts(error).some(
    ({ code, name, status }) => code.startsWith("ERR_HTTP2_") || AMBIGUOUS_NAMES.has(name) || (status !== null && status >= 500),
  );
}

export function streamNotFound(topic: string, cause?: unknown): StreamError {
  return kinesisError("not-found", `there is no stream ${JSON.stringify(topic)}`, { topic, cause });
}
