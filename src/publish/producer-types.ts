import type { Backoff } from "../back-off.ts";
import type { CallOptions, CloseOptions } from "../call-options.ts";
import type { OutgoingMessage } from "../message.ts";
import type { Receipt } from "../receipt.ts";

export interface Producer<T> extends AsyncDisposable {
  /**
   * Resolves once stored durably. Messages of one key are stored in the order of the calls, awaited or not.
   * Waits for room when `maxBufferedBytes` is reached; rejects at once as `throttled` when as much again is already waiting.
   * Aborted before it left: rejects with the signal's reason. After: `outcome-unknown`, the reason as its `cause`. It is no failure of the key.
   */
  send(message: OutgoingMessage<T>, options?: CallOptions): Promise<Receipt>;
  /**
   * Receipts in input order. Not atomic: if some messages fail for good, rejects with the first failure; `error.batch` tells each outcome.
   * Aborted before any of it left: rejects with the signal's reason. Later: in `error.batch`, messages that had not left are `timeout`, not
   * retryable (they were not stored), the others `outcome-unknown`; each has the reason as its `cause`.
   */
  sendBatch(messages: readonly OutgoingMessage<T>[], options?: CallOptions): Promise<readonly Receipt[]>;
  /**
   * Pulls from a generator, a Node or a web stream at the provider's pace; resolves with the count once all are stored.
   * At the first failure it stops pulling and rejects with it, as soon as it is known what became of the messages before it; `error.stored`
   * tells how many from the start are stored for certain, so that the stream can go on with the next. Aborted before any of it left: rejects
   * with the signal's reason. Ends a pipeline: `pipeline(file, parse, (messages) => producer.sendStream(messages))`.
   */
  sendStream(messages: AsyncIterable<OutgoingMessage<T>> | Iterable<OutgoingMessage<T>>, options?: CallOptions): Promise<number>;
  /** With `onKeyFailure: "hold"`: lets the key go on after a failure. Harmless otherwise. */
  releaseKey(key: string): void;
  /** Resolves when everything sent so far has settled, also by failing. */
  flush(options?: CallOptions): Promise<void>;
  close(options?: CloseOptions): Promise<void>;
}

export interface ProducerOptions {
  /** Bound of what is queued or in flight. @default 33_554_432 */
  maxBufferedBytes?: number | undefined;
  /** Waits this long to fill a call. @default 0: what one turn of the event loop sends travels together */
  lingerMs?: number | undefined;
  /** From the call of `send`, waiting for room included; then `timeout`, or `outcome-unknown` where it may be stored. @default 120_000 */
  deliveryTimeoutMs?: number | undefined;
  retry?: Backoff | undefined;
  /**
   * After a message failed for good, those of its key queued behind it fail too (`key-blocked`). Then `continue`: the next `send` starts afresh.
   * `hold`: the key stays blocked until `releaseKey`. @default "continue"
   */
  onKeyFailure?: "continue" | "hold" | undefined;
  /** Adds the header `streamport-id`, unique and the same in every retry, for de-duplication downstream. @default false */
  messageIds?: boolean | undefined;
}
