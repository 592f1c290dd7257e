import { StreamError, isStreamError, withContext } from "../errors.ts";
import type { AbortWatch } from "./abort-watch.ts";
import type { PendingMessage } from "./pending-message.ts";
import type { SendGroup } from "./send-group.ts";

/** What ended a stream: the message, or the next pull, with this number. */
interface StreamFailure {
  readonly index: number;
  readonly error: unknown;
  /** Is the error the reason of the caller's signal, and that message was not stored? */
  readonly isReason: boolean;
}

/** One call of `sendStream`: counts what is stored, and wakes the side that pulls when something has changed. */
export class StreamSend implements SendGroup {
  /** In the order of the stream. */
  readonly #open = new Set<PendingMessage>();
  readonly #signal: AbortSignal | undefined;
  readonly #watch: AbortWatch;
  #onChange: (() => void) | null = null;
  #pulledCount = 0;
  #storedCount = 0;
  #openBytes = 0;
  #someLeft = false;
  #failure: StreamFailure | null = null;

  constructor(signal: AbortSignal | undefined, watch: AbortWatch) {
    this.#signal = signal;
    this.#watch = watch;
    if (signal !== undefined) watch.watch(signal, this);
  }

  /** The number of the message that has just been pulled. */
  pulled(): number {
    return this.#pulledCount++;
  }

  get storedCount(): number {
    return this.#storedCount;
  }

  get openCount(): number {
    return this.#open.size;
  }

  get openBytes(): number {
    return this.#openBytes;
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** Is it known how the stream ends? After a failure, when all messages before it have settled. */
  get isDecided(): boolean {
    const [first] = this.#open;
    return first === undefined || (this.#failure !== null && first.index > this.#failure.index);
  }

  /** Of a stream that is decided: its first failure in the order of the stream, which says how much is stored; `null`: none. */
  outcome(): { readonly error: unknown } | null {
    if (this.#failure === null) return null;
    const { index: stored, error, isReason } = this.#failure;
    if (!isReason) return { error: isStreamError(error) ? withContext(error, { stored }) : error };
    // As for a batch: the reason as it is, where nothing has left.
    if (stored === 0 && !this.#someLeft) return { error };
    const text = `the call was aborted; of its messages ${stored} from the start are stored, and the next one is not`;
    return { error: new StreamError("timeout", text, { cause: error, retryable: false, operation: "send", stored }) };
  }

  queued(message: PendingMessage): void {
    if (message.state === "settled") return;
    this.#open.add(message);
    this.#openBytes += message.bytes;
  }

  /** Called at the next result or failure, once; `null`: nobody waits. */
  notify(onChange: (() => void) | null): void {
    this.#onChange = onChange;
  }

  /** Nothing more will be sent. */
  end(): void {
    if (this.#signal !== undefined) this.#watch.unwatch(this.#signal, this);
  }

  stored(message: PendingMessage): void {
    this.#storedCount += 1;
    this.#someLeft = true;
    this.#settled(message);
  }

  failed(message: PendingMessage, error: unknown): void {
    this.#someLeft ||= isStreamError(error, "outcome-unknown");
    this.#note(message.index, error);
    this.#settled(message);
  }

  withdrawn(message: PendingMessage, reason: unknown): void {
    this.#note(message.index, reason, true);
    this.#settled(message);
  }

  refused(index: number, error: StreamError): void {
    this.#note(index, error);
    this.#changed();
  }

  openMessages(): Iterable<PendingMessage> {
    return [...this.#open];
  }

  aborted(reason: unknown): void {
    this.#note(this.#pulledCount, reason, true);
    this.#changed();
  }

  /** Nothing more can be pulled. */
  sourceFailed(error: StreamError): void {
    this.#note(this.#pulledCount, error);
    this.#changed();
  }

  /** The first in the order of the stream counts, not the first in time. */
  #note(index: number, error: unknown, isReason = false): void {
    if (this.#failure === null || index < this.#failure.index) this.#failure = { index, error, isReason };
  }

  #settled(message: PendingMessage): void {
    if (this.#open.delete(message)) this.#openBytes -= message.bytes;
    this.#changed();
  }

  #changed(): void {
    const onChange = this.#onChange;
    this.#onChange = null;
    onChange?.();
  }
}
