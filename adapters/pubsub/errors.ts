import { type ErrorRule, type SdkErrorRules, classifySdkError, providerErrors, sdkErrorParts } from "../../src/adapter-kit/index.ts";
import { StreamError } from "../../src/driver/index.ts";

export const PUBSUB_ERRORS = providerErrors("pubsub");
export const { error: pubsubError, groupNotFound, noSuchPartition } = PUBSUB_ERRORS;

const FAILED: ErrorRule = { code: "unavailable", meaning: "the service failed" };
const INVALID: ErrorRule = { code: "invalid-argument", meaning: "the service refuses the request as invalid" };

/** The codes of gRPC that the service answers: https://cloud.google.com/pubsub/docs/reference/error-codes */
const RULES: Readonly<Record<string, ErrorRule>> = {
  1: { code: "unavailable", meaning: "the request was cancelled" },
  2: FAILED,
  3: INVALID,
  4: { code: "timeout", meaning: "the service did not answer in time" },
  5: { code: "not-found", meaning: "there is no such topic, subscription, snapshot or schema" },
  6: { code: "already-exists", meaning: "a resource of this name exists already" },
  7: { code: "permission-denied", meaning: "these credentials do not permit this" },
  8: { code: "throttled", meaning: "the service asks for fewer requests: a quota is used up" },
  9: { code: "conflict", meaning: "the present state of the resource does not allow this" },
  10: { code: "unavailable", meaning: "the service has aborted the request" },
  11: INVALID,
  12: { code: "unsupported", meaning: "the service does not know this request" },
  13: FAILED,
  14: { code: "unavailable", meaning: "the service cannot be reached, or is not ready" },
  15: { code: "corrupt", meaning: "the service has lost data" },
  16: { code: "unauthenticated", meaning: "the service does not accept these credentials" },
};

const SDK_RULES: SdkErrorRules = { provider: "pubsub", client: "the Pub/Sub client", rules: RULES };

const NO_CREDENTIALS = /Could not load the default credentials/;
/** A token could not be made of a key that is none, or one that Google no longer accepts. What only keeps a token away for now is `unavailable`. */
const BAD_CREDENTIALS =
  /from plugin failed with error:.*(?:invalid_grant|invalid_client|unauthorized_client|DECODER routines|PEM routines)/s;
const NO_PROJECT = /Unable to detect a Project Id/i;
const CLOSED = /client has already been closed|Channel has been shut down/;

/** Any error of the SDK as a `StreamError`, with the original error as `cause`. */
export function classify(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (NO_CREDENTIALS.test(text)) {
    return pubsubError(
      "unauthenticated",
      "no credentials were found: set GOOGLE_APPLICATION_CREDENTIALS, or run where Google provides them",
      {
        cause: error,
      },
    );
  }
  if (NO_PROJECT.test(text)) {
    return pubsubError("configuration", "no project is known: give it in the URL (pubsub://my-project), or by GOOGLE_CLOUD_PROJECT", {
      cause: error,
    });
  }
  if (BAD_CREDENTIALS.test(text)) return credentialsRefused(error);
  if (CLOSED.test(text)) return pubsubError("unavailable", "the connection was closed", { cause: error });
  return classifySdkError(error, SDK_RULES);
}

/** Did the service answer with this code of gRPC? */
export function isCode(error: unknown, ...codes: readonly number[]): boolean {
  return sdkErrorParts(error).some(({ code }) => codes.some((one) => code === String(one)));
}

/** May the service have carried out the request that failed with this error? */
export function mayBeDone(error: unknown): boolean {
  return isCode(error, 1, 2, 4, 10, 13, 14);
}

export function topicNotFound(topic: string, cause?: unknown): StreamError {
  return pubsubError("not-found", `there is no topic ${JSON.stringify(topic)}`, { topic, cause });
}

/** There are credentials, and they are of no use. */
export function credentialsRefused(cause: unknown): StreamError {
  return pubsubError(
    "unauthenticated",
    "the credentials cannot be used: the cause says what is wrong with the file, the key or the account",
    {
      cause,
    },
  );
}
