import type { StreamError } from "../errors.ts";
import type { RecordReceipts } from "../record-sender.ts";
import type { AbortWatch } from "./abort-watch.ts";
import type { PendingMessage, SendGroup } from "./pending-message.ts";
import type { StoredSlice } from "./receipt.ts";

const NO_RECORDS: RecordReceipts = { lastPositions: () => new Map() };

/** One call of `sendRecords`. It has one promise, and keeps of the receipts only the last of each partition. */
export class RecordBatchSend implements SendGroup {
  readonly #resolve: (receipts: RecordReceipts) => void;
  readonly #reject: (error: unknown) => void;
  readonly #messages: PendingMessage[] = [];
  readonly #last = new Map<string, { readonly slice: StoredSlice; readonly at: number }>();
  #left: number;
  #failure: { readonly index: number; readonly error: unknown } | null = null;
  #watch: { readonly all: AbortWatch; readonly signal: AbortSignal } | null = null;

  constructor(size: number, resolve: (receipts: RecordReceipts) => void, reject: (error: unknown) => void) {
    this.#left = size;
    this.#resolve = resolve;
    this.#reject = reject;
    if (size === 0) resolve(NO_RECORDS);
  }

  queued(message: PendingMessage): void {
    this.#messages.push(message);
  }

  watch(all: AbortWatch, signal: AbortSignal): void {
    if (this.#left === 0) return;
    this.#watch = { all, signal };
    all.watch(signal, this);
  }

  stored(_message: PendingMessage, slice: StoredSlice, at: number): void {
    const { partition } = slice;
    if (partition !== null) this.#last.set(partition, { slice, at });
    this.#oneSettled();
  }

  failed(message: PendingMessage, error: unknown): void {
    this.#failed(message.index, error);
  }

  withdrawn(message: PendingMessage, reason: unknown): void {
    this.#failed(message.index, reason);
  }

  refused(index: number, error: StreamError): void {
    this.#failed(index, error);
  }

  openMessages(): Iterable<PendingMessage> {
    return this.#messages.filter((message) => message.state !== "settled");
  }

  aborted(): void {
    // Each of its messages has reported already.
  }

  /** Those behind a failed one fail because of it: the first in the order of the call says why. */
  #failed(index: number, error: unknown): void {
    if (this.#failure === null || index < this.#failure.index) this.#failure = { index, error };
    this.#oneSettled();
  }

  #oneSettled(): void {
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#watch?.all.unwatch(this.#watch.signal, this);
    if (this.#failure !== null) this.#reject(this.#failure.error);
    else this.#resolve({ lastPositions: () => this.#lastPositions() });
  }

  #lastPositions(): ReadonlyMap<string, string> {
    const positions = new Map<string, string>();
    for (const [partition, { slice, at }] of this.#last) {
      const position = slice.positionOf(at);
      if (position !== null) positions.set(partition, position);
    }
    return positions;
  }
}
