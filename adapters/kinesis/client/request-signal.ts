type Listener = () => void;

/** What gives up one request. An `AbortController` is one too. */
export interface RequestEnd {
  readonly signal: object;
  abort(reason: unknown): void;
}

/**
 * As much of an `AbortSignal` as the SDK and its transports over the `http` of Node ask for. They listen several times to the signal of each request; with one
 * of the platform that takes as long as tens of messages of the request. Other transports, such as those over `fetch`, take only one of the platform.
 */
export class RequestSignal implements RequestEnd {
  readonly #listeners = new Set<Listener>();
  #aborted = false;
  #reason: unknown = undefined;

  get signal(): this {
    return this;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** @param _type there is one event, `abort`, and it comes once */
  addEventListener(_type: "abort", listener: Listener): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    this.#listeners.delete(listener);
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}
