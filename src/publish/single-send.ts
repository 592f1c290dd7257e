import type { StreamError } from "../errors.ts";
import type { Receipt } from "../receipt.ts";
import type { AbortWatch } from "./abort-watch.ts";
import type { PendingMessage, SendGroup } from "./pending-message.ts";
import { StoredReceipt, type StoredSlice } from "./receipt.ts";

/** One call of `send`. */
export class SingleSend implements SendGroup {
  readonly #resolve: (receipt: Receipt) => void;
  readonly #reject: (error: unknown) => void;
  #watch: { readonly all: AbortWatch; readonly signal: AbortSignal; readonly message: PendingMessage } | null = null;

  constructor(resolve: (receipt: Receipt) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  watch(all: AbortWatch, signal: AbortSignal, message: PendingMessage): void {
    this.#watch = { all, signal, message };
    all.watch(signal, this);
  }

  stored(_message: PendingMessage, slice: StoredSlice, at: number): void {
    this.#unwatch();
    this.#resolve(new StoredReceipt(slice, at));
  }

  failed(_message: PendingMessage, error: unknown): void {
    this.#unwatch();
    this.#reject(error);
  }

  withdrawn(message: PendingMessage, reason: unknown): void {
    this.failed(message, reason);
  }

  refused(_index: number, error: StreamError): void {
    this.#unwatch();
    this.#reject(error);
  }

  openMessages(): Iterable<PendingMessage> {
    return this.#watch === null ? [] : [this.#watch.message];
  }

  aborted(): void {
    // Its only message has reported already.
  }

  #unwatch(): void {
    this.#watch?.all.unwatch(this.#watch.signal, this);
    this.#watch = null;
  }
}
