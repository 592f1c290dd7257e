import type { Capabilities, Limits } from "./capabilities.ts";
import type { OutgoingRecord } from "./driver/record.ts";
import type { StreamError } from "./errors.ts";
import type { TopicIdentity } from "./position/position.ts";
import type { Receipt } from "./receipt.ts";

/** Where records were stored that were sent together. */
export interface RecordReceipts {
  /** By partition, the position that was reported last, in the driver's own form. Without those that the provider does not report. */
  lastPositions(): ReadonlyMap<string, string>;
}

/** Publishes records as they are, without a codec. Dead letters are written with it. */
export interface RecordSender {
  /** Resolves when the topic is known to exist, so that `limits` and `capabilities` are valid. @throws `not-found` and what the driver knows */
  prepare(signal?: AbortSignal): Promise<void>;
  /** Limits of the topic; valid once `prepare` has resolved. */
  readonly limits: Limits;
  /** Of the topic; valid once `prepare` has resolved. */
  readonly capabilities: Capabilities;
  /** Size of a record as the provider counts it, for comparison with `limits.messageBytes`. */
  recordBytes(record: OutgoingRecord): number;
  /** Resolves once stored durably. @throws `unsupported` for what the provider or the topic cannot keep · `too-large` · what the driver knows */
  sendRecord(record: OutgoingRecord, signal?: AbortSignal): Promise<Receipt>;
  close(options?: { timeoutMs?: number | undefined }): Promise<void>;
}

/** Publishes many records as they are. The messages of migrations are written with it. */
export interface RecordBatchSender extends RecordSender {
  /** Why the topic, as it is known after `prepare`, cannot take this record; `null`: it can. */
  refusal(record: OutgoingRecord): StreamError | null;
  /**
   * Resolves once all are stored durably, in the order of the calls in each lane. One promise for all of them; nothing is made for each but what the
   * queue needs. Not atomic: others may be stored where some fail, but none behind one of its key that failed. Only what `refusal` has nothing against may be given.
   * @throws the first failure, as `sendRecord`
   */
  sendRecords(records: readonly OutgoingRecord[], signal?: AbortSignal): Promise<RecordReceipts>;
  /** Of the topic as it is now. Valid once `prepare` has resolved. */
  readonly identity: TopicIdentity;
}
