import { StreamError, type StreamErrorCode, type StreamErrorDetails } from "../../src/driver/index.ts";

/** An error of this provider. */
export function memoryError(code: StreamErrorCode, message: string, details: StreamErrorDetails = {}): StreamError {
  return new StreamError(code, message, { provider: "memory", ...details });
}

export function topicNotFound(topic: string): StreamError {
  return memoryError(
    "not-found",
    `there is no topic ${JSON.stringify(topic)}; topics are created by the administration or by the setting "create"`,
    {
      topic,
    },
  );
}

export function groupNotFound(topic: string, group: string): StreamError {
  return memoryError("not-found", `topic ${JSON.stringify(topic)} has no group ${JSON.stringify(group)}`, { topic });
}

export function ownershipLost(topic: string, partition: string): StreamError {
  return memoryError("ownership-lost", `partition ${JSON.stringify(partition)} belongs to another member, or to none`, {
    topic,
    partition,
  });
}

export function unavailable(what: string): StreamError {
  return memoryError("unavailable", what);
}

/** This provider has no SDK with errors of its own, so every error that is not a `StreamError` yet is a defect. */
export function classify(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  return memoryError(
    "internal",
    `the memory provider failed with an unknown error: ${error instanceof Error ? error.name : typeof error}`,
    {
      cause: error,
      retryable: false,
    },
  );
}
