import type { Capabilities, Limits } from "./capabilities.ts";
import type { OutgoingRecord } from "./driver/record.ts";
import type { Receipt } from "./receipt.ts";

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
