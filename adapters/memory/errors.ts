import { classifySdkError, providerErrors } from "../../src/adapter-kit/index.ts";
import type { StreamError } from "../../src/driver/index.ts";

export const MEMORY_ERRORS = providerErrors("memory");
export const { error: memoryError, groupNotFound, noSuchPartition, outcomeUnknown } = MEMORY_ERRORS;

export function topicNotFound(topic: string): StreamError {
  return memoryError(
    "not-found",
    `there is no topic ${JSON.stringify(topic)}; topics are created by the administration or by the setting "create"`,
    {
      topic,
    },
  );
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
  return classifySdkError(error, { provider: "memory", client: "the memory provider", rules: {} });
}
