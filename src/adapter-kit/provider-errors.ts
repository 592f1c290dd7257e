import { StreamError, type StreamErrorCode, type StreamErrorDetails } from "../errors.ts";

/** The errors of one provider that every adapter makes. */
export interface ProviderErrors {
  error(this: void, code: StreamErrorCode, message: string, details?: StreamErrorDetails): StreamError;
  groupNotFound(this: void, topic: string, group: string): StreamError;
  /** `invalid-argument` that names the partitions that exist. */
  noSuchPartition(this: void, topic: string, partition: string, existing: readonly string[]): StreamError;
  /** A change by the administration whose answer was lost. The core tries it again, and knows its own work. */
  outcomeUnknown(this: void, message: string, details?: StreamErrorDetails): StreamError;
}

export function providerErrors(provider: string): ProviderErrors {
  const error: ProviderErrors["error"] = (code, message, details = {}) => new StreamError(code, message, { provider, ...details });
  return {
    error,
    groupNotFound: (topic, group) => error("not-found", `topic ${JSON.stringify(topic)} has no group ${JSON.stringify(group)}`, { topic }),
    noSuchPartition(topic, partition, existing) {
      const names = existing.map((name) => JSON.stringify(name)).join(", ");
      const text = `there is no partition ${JSON.stringify(partition.slice(0, 80))}; topic ${JSON.stringify(topic)} has ${names}`;
      return error("invalid-argument", text, { topic, partition: partition.slice(0, 80) });
    },
    outcomeUnknown: (message, details = {}) => error("outcome-unknown", message, { retryable: true, ...details }),
  };
}
