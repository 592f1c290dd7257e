import type { Backoff } from "../back-off.ts";
import type { CallOptions, CloseOptions } from "../call-options.ts";
import type { OutgoingMessage } from "../message.ts";
import type { Receipt } from "../receipt.ts";

export interface Producer<T> extends AsyncDisposable {
  /**
   * Resolves once the message is stored durably. Messages of one key are stored in the order of the calls, awaited or not.
   * Waits for room when `maxBufferedBytes` is reached; rejects at once as `throttled` when as many bytes again are already waiting.
   * Aborted before the message was sent: rejects with the signal's reason. After: `outcome-unknown`, with the reason as its `cause`.
   * An abort is no failure of the key.
   */
  send(message: OutgoingMessage<T>, options?: CallOptions): Promise<Receipt>;
  /**
   * Resolves with receipts in input order. A batch is not atomic: if some messages fail for good, it rejects with the first failure, and
   * `error.batch` has the outcome of each message.
   * Aborted before any message was sent: rejects with the signal's reason. Later: in `error.batch`, messages that were not sent are
   * `timeout`, not retryable (they were not stored), the others `outcome-unknown`; each has the reason as its `cause`.
   */
  sendBatch(messages: readonly OutgoingMessage<T>[], options?: CallOptions): Promise<readonly Receipt[]>;
  /**
   * Pulls from a generator, a Node or a web stream at the provider's pace; resolves with the count once all messages are stored.
   * At the first failure it stops pulling, and rejects with that failure as soon as the outcome of all messages before it is known.
   * `error.stored` is how many messages from the start are stored for certain: a new stream can begin with the next one. Aborted before any
   * message was sent: rejects with the signal's reason.
   * It can end a pipeline: `pipeline(file, parse, (messages) => producer.sendStream(messages))`.
   */
  sendStream(messages: AsyncIterable<OutgoingMessage<T>> | Iterable<OutgoingMessage<T>>, options?: CallOptions): Promise<number>;
  /** With `onKeyFailure: "hold"`: messages of the key may be sent again after a failure. Otherwise it does nothing. */
  releaseKey(key: string): void;
  /** Resolves when everything sent so far has settled, also by failing. */
  flush(options?: CallOptions): Promise<void>;
  close(options?: CloseOptions): Promise<void>;
}

export interface ProducerOptions {
  /** Bound of the bytes that are queued or in flight. @default 33_554_432 */
  maxBufferedBytes?: number | undefined;
  /** Waits this long to fill a call. @default 0: what is sent in one turn of the event loop shares calls */
  lingerMs?: number | undefined;
  /** From the call of `send`, with the wait for room. Then `timeout`, or `outcome-unknown` where it may be stored. @default 120_000 */
  deliveryTimeoutMs?: number | undefined;
  retry?: Backoff | undefined;
  /**
   * After a message failed for good, the queued messages of its key that come after it fail too (`key-blocked`). Then `continue`: the next
   * `send` starts afresh. `hold`: the key stays blocked until `releaseKey`. @default "continue"
   */
  onKeyFailure?: "continue" | "hold" | undefined;
  /** Adds the header `streamport-id`, unique and the same in every retry, for de-duplication downstream. @default false */
  messageIds?: boolean | undefined;
}
