import type { Limits } from "./capabilities.ts";
import type { OutgoingRecord } from "./driver/record.ts";
import type { Receipt } from "./receipt.ts";

/** Publishes records as they are, without a codec: what a producer is built on, and what writes dead letters. */
export interface RecordSender {
  /** Resolves when the topic is known to exist and may be asked about. @throws `not-found` and what the driver knows */
  prepare(signal?: AbortSignal): Promise<void>;
  /** Of the topic; valid once `prepare` has resolved. */
  readonly limits: Limits;
  /** Size of a record as the provider counts it, for comparison with `limits.messageBytes`. */
  recordBytes(record: OutgoingRecord): number;
  /** Resolves once stored durably. */
  sendRecord(record: OutgoingRecord, signal?: AbortSignal): Promise<Receipt>;
  close(options?: { timeoutMs?: number | undefined }): Promise<void>;
}
