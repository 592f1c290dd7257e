import type { StreamError } from "../errors.ts";
import type { AbortWatch } from "./abort-watch.ts";
import type { PendingMessage } from "./pending-message.ts";
import type { SendGroup } from "./send-group.ts";

/** One call of `sendStream`: counts what is stored, and wakes the side that pulls when something has changed. */
export class StreamSend implements SendGroup {
  readonly #open = new Set<PendingMessage>();
  readonly #signal: AbortSignal | undefined;
  readonly #watch: AbortWatch;
  #onChange: (() => void) | null = null;
  #storedCount = 0;
  #openBytes = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(signal: AbortSignal | undefined, watch: AbortWatch) {
    this.#signal = signal;
    this.#watch = watch;
    if (signal !== undefined) watch.watch(signal, this);
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

  /** The first one. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure;
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
    this.#settled(message);
  }

  failed(message: PendingMessage, error: unknown): void {
    this.#failure ??= { error };
    this.#settled(message);
  }

  withdrawn(message: PendingMessage): void {
    // The reason is the failure of the whole, unless one of its messages had left: see `aborted`.
    this.#settled(message);
  }

  refused(_index: number, error: StreamError): void {
    this.#fail(error);
  }

  openMessages(): Iterable<PendingMessage> {
    return [...this.#open];
  }

  aborted(reason: unknown): void {
    this.#fail(reason);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#changed();
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
