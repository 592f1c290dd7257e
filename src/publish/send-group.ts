import type { StreamError } from "../errors.ts";
import type { PendingMessage } from "./pending-message.ts";
import type { StoredSlice } from "./receipt.ts";

/** One call of `send`, `sendBatch` or `sendStream`: what its messages report to. Each message reports exactly once. */
export interface SendGroup {
  stored(message: PendingMessage, slice: StoredSlice, at: number): void;
  failed(message: PendingMessage, error: unknown): void;
  /** Taken back by the caller's signal before it left. */
  withdrawn(message: PendingMessage, reason: unknown): void;
  /** Message number `index` of the call was not accepted at all. */
  refused(index: number, error: StreamError): void;
  /** Those that have not settled. */
  openMessages(): Iterable<PendingMessage>;
  /** The caller's signal was aborted; its messages have been told. */
  aborted(reason: unknown): void;
}
