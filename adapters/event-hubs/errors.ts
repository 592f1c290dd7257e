import { type ErrorRule, type SdkErrorRules, classifySdkError, providerErrors, sdkErrorParts } from "../../src/adapter-kit/index.ts";
import { StreamError } from "../../src/driver/index.ts";

export const EVENT_HUBS_ERRORS = providerErrors("event-hubs");
export const { error: eventHubsError, groupNotFound } = EVENT_HUBS_ERRORS;

const INVALID: ErrorRule = { code: "invalid-argument", meaning: "the service refuses the request as invalid" };
const FAILED: ErrorRule = { code: "unavailable", meaning: "the service failed, or gave up the request" };
const BROKEN: ErrorRule = { code: "unavailable", meaning: "the service has ended the link or the connection" };
const BUSY: ErrorRule = { code: "throttled", meaning: "the service asks for fewer requests" };
const NOT_SENT: ErrorRule = { code: "unavailable", meaning: "the link takes no more at the moment" };
const FENCED: ErrorRule = { code: "conflict", meaning: "another client with a higher owner level has taken the partition" };
const OUTDATED: ErrorRule = { code: "unavailable", meaning: "another client has changed the blob" };
const UNAUTHENTICATED: ErrorRule = { code: "unauthenticated", meaning: "the service does not accept these credentials" };
const DENIED: ErrorRule = { code: "permission-denied", meaning: "these credentials do not permit this" };

/** https://learn.microsoft.com/azure/event-hubs/event-hubs-messaging-exceptions, and the names in @azure/core-amqp and of Blob Storage */
const RULES: Readonly<Record<string, ErrorRule>> = {
  ServerBusyError: BUSY,
  QuotaExceededError: {
    code: "throttled",
    meaning:
      "a quota is reached: a partition has five readers without an owner level in a consumer group, or there are too many connections",
    retryable: false,
  },
  OperationTimeoutError: { code: "timeout", meaning: "the service did not answer in time" },
  TimeoutError: { code: "timeout", meaning: "the service did not answer in time" },
  ServiceUnavailableError: FAILED,
  InternalServerError: FAILED,
  OperationCancelledError: FAILED,
  MessageWaitTimeout: FAILED,
  SystemError: BROKEN,
  ERR_STREAM_WRITE_AFTER_END: BROKEN,
  ERR_STREAM_DESTROYED: BROKEN,
  DetachForcedError: BROKEN,
  ConnectionForcedError: BROKEN,
  ConnectionLostError: BROKEN,
  NonRetryableConnectionClosedError: BROKEN,
  FramingError: BROKEN,
  ErrantLinkError: BROKEN,
  HandleInUseError: BROKEN,
  UnattachedHandleError: BROKEN,
  SessionWindowViolationError: BROKEN,
  ProtocolError: BROKEN,
  SenderBusyError: NOT_SENT,
  SenderNotReadyError: NOT_SENT,
  InsufficientCreditError: NOT_SENT,
  TransferLimitExceededError: NOT_SENT,
  UnauthorizedError: UNAUTHENTICATED,
  PublisherRevokedError: DENIED,
  MessagingEntityNotFoundError: { code: "not-found", meaning: "there is no such hub or consumer group in the namespace" },
  MessagingEntityDisabledError: { code: "not-found", meaning: "the hub is disabled" },
  ServiceCommunicationError: { code: "unavailable", meaning: "the service cannot be reached" },
  MessageTooLargeError: { code: "too-large", meaning: "the message is larger than the link takes" },
  ArgumentError: INVALID,
  ArgumentOutOfRangeError: INVALID,
  InvalidFieldError: INVALID,
  InvalidOperationError: INVALID,
  DecodeError: INVALID,
  NotImplementedError: INVALID,
  PreconditionFailedError: INVALID,
  ReceiverDisconnectedError: FENCED,
  ProducerDisconnectedError: FENCED,
  PartitionNotOwnedError: FENCED,
  // Blob Storage: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
  ContainerNotFound: { code: "configuration", meaning: "the container of `checkpoints` does not exist: create it" },
  ConditionNotMet: OUTDATED,
  BlobAlreadyExists: OUTDATED,
  BlobNotFound: OUTDATED,
  AuthenticationFailed: UNAUTHENTICATED,
  AuthorizationFailure: DENIED,
  AuthorizationPermissionMismatch: DENIED,
  ServerBusy: BUSY,
  REQUEST_SEND_ERROR: { code: "unavailable", meaning: "Blob Storage cannot be reached" },
  PARSE_ERROR: { code: "unavailable", meaning: "the answer of Blob Storage cannot be read" },
  // Of @azure/identity.
  CredentialUnavailableError: UNAUTHENTICATED,
  AuthenticationError: UNAUTHENTICATED,
  AggregateAuthenticationError: UNAUTHENTICATED,
  AuthenticationRequiredError: UNAUTHENTICATED,
};

const SDK_RULES: SdkErrorRules = { provider: "event-hubs", client: "the Event Hubs client", rules: RULES };

/** Any error as a `StreamError`, with the original error as `cause`. */
export function classify(error: unknown): StreamError {
  const parts = sdkErrorParts(error);
  // The same code is used where the credentials are unknown and where they lack a claim.
  if (parts.some((part) => part.code === "UnauthorizedError" && /claim/i.test(textOf(part.error)))) {
    return eventHubsError("permission-denied", DENIED.meaning, { cause: error });
  }
  if (isStuck(error)) return eventHubsError("unavailable", "the client can open no more links, and is replaced", { cause: error });
  const coded = classifySdkError(error, SDK_RULES);
  if (coded.code !== "internal" || coded === error) return coded;
  const rule = parts.map(({ error: one }) => uncodedRule(textOf(one))).find((found) => found !== null);
  return rule === undefined || rule === null
    ? coded
    : eventHubsError(rule.code, rule.meaning, { cause: error, ...(rule.retryable === undefined ? {} : { retryable: rule.retryable }) });
}

/**
 * The SDK opens a second link for tokens where an attach was given up while the first one was being opened. The service refuses it, now and later: such a
 * client can open no more links.
 */
export function isStuck(error: unknown): boolean {
  return sdkErrorParts(error).some((part) => part.code === "InvalidOperationError" && /\$cbs/.test(textOf(part.error)));
}

/** What the SDK throws without a code. Its texts are its own, so none holds what was sent. */
function uncodedRule(text: string): ErrorRule | null {
  if (
    /Unknown error encountered|Failed to connect|connection (?:is|was|got) (?:closed|disconnected)|disconnected|Connection got/i.test(text)
  )
    return BROKEN;
  // A geo-replicated hub refuses offsets of before: https://github.com/Azure/azure-sdk-for-net/issues/48101
  if (/georeplication|geo-replicated/i.test(text))
    return { code: "position-mismatch", meaning: "the hub is geo-replicated and refuses the offset" };
  return /underlying AMQP connection/i.test(text) ? { code: "closed", meaning: "the client was closed" } : null;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}

/** Is this the code of the service in the error, or in one inside it? */
export function isCoded(error: unknown, ...codes: readonly string[]): boolean {
  return sdkErrorParts(error).some(({ code, name }) => codes.includes(code) || codes.includes(name));
}

export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return sdkErrorParts(error).some(({ status }) => status !== null && statuses.includes(status));
}

/** Errors that come before a batch is stored; with every other one it may be stored. */
const NOT_STORED: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ServerBusyError",
  "SenderBusyError",
  "SenderNotReadyError",
  "InsufficientCreditError",
  "QuotaExceededError",
  "MessageTooLargeError",
  "UnauthorizedError",
  "PublisherRevokedError",
  "MessagingEntityNotFoundError",
  "MessagingEntityDisabledError",
  "ArgumentError",
  "ArgumentOutOfRangeError",
  "InvalidFieldError",
  "InvalidOperationError",
  "DecodeError",
  "NotImplementedError",
  "CredentialUnavailableError",
]);

/** May the service have stored the batch whose sending failed with this error? */
export function mayBeStored(error: unknown): boolean {
  if (error instanceof StreamError) return false;
  const parts = sdkErrorParts(error);
  return !parts.some(({ code, name }) => NOT_STORED.has(code) || NOT_STORED.has(name) || name === "TypeError" || name === "RangeError");
}
