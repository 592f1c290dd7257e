import { StreamError, withContext } from "../errors.ts";
import type { Receipt } from "../receipt.ts";
import type { AbortWatch } from "./abort-watch.ts";
import type { PendingMessage, SendGroup } from "./pending-message.ts";
import { StoredReceipt, type StoredSlice } from "./receipt.ts";

/** One call of `sendBatch`. It has one promise; its messages have none of their own. */
export class BatchSend implements SendGroup {
  readonly #resolve: (receipts: readonly Receipt[]) => void;
  readonly #reject: (error: unknown) => void;
  readonly #receipts: (Receipt | null)[];
  readonly #failures: { readonly index: number; readonly error: StreamError }[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #watch: AbortWatch;
  /** Kept only when the call has a signal. */
  readonly #messages: PendingMessage[] = [];
  #left: number;
  #withdrawn = 0;

  constructor(
    size: number,
    signal: AbortSignal | undefined,
    watch: AbortWatch,
    resolve: (receipts: readonly Receipt[]) => void,
    reject: (error: unknown) => void,
  ) {
    this.#receipts = new Array<Receipt | null>(size).fill(null);
    this.#left = size;
    this.#signal = signal;
    this.#watch = watch;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /**
   * The messages before number `accepted` have been accepted; an abort kept out the others. The signal is watched only from now on: when
   * the application's own codec aborts the call, the abort also applies to the message that is being encoded and to those after it.
   */
  taken(accepted: number): void {
    if (this.#signal === undefined) return;
    for (let index = accepted; index < this.#receipts.length; index += 1) this.#withdraw(index, this.#signal.reason);
    if (this.#left > 0) this.#watch.watch(this.#signal, this);
  }

  queued(message: PendingMessage): void {
    if (this.#signal !== undefined) this.#messages.push(message);
  }

  stored(message: PendingMessage, slice: StoredSlice, at: number): void {
    this.#receipts[message.index] = new StoredReceipt(slice, at);
    this.#oneSettled();
  }

  failed(message: PendingMessage, error: unknown): void {
    this.refused(message.index, error as StreamError);
  }

  withdrawn(message: PendingMessage, reason: unknown): void {
    this.#withdraw(message.index, reason);
  }

  #withdraw(index: number, reason: unknown): void {
    this.#withdrawn += 1;
    const text = "the call was aborted before this message was sent; it was not stored";
    this.refused(index, new StreamError("timeout", text, { cause: reason, retryable: false, operation: "send" }));
  }

  refused(index: number, error: StreamError): void {
    this.#failures.push({ index, error });
    this.#oneSettled();
  }

  openMessages(): Iterable<PendingMessage> {
    return this.#messages.filter((message) => message.state !== "settled");
  }

  aborted(): void {
    // Each of its messages has reported already.
  }

  #oneSettled(): void {
    this.#left -= 1;
    if (this.#left > 0) return;
    if (this.#signal !== undefined) this.#watch.unwatch(this.#signal, this);
    if (this.#failures.length === 0) {
      this.#resolve(this.#receipts as Receipt[]);
      return;
    }
    if (this.#withdrawn === this.#receipts.length) {
      this.#reject(this.#signal?.reason);
      return;
    }
    this.#failures.sort((a, b) => a.index - b.index);
    const batch = { receipts: this.#receipts, failures: this.#failures };
    this.#reject(withContext(this.#failures[0]!.error, { batch }));
  }
}
