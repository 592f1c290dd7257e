interface Waiter {
  left: number;
  resolve(): void;
}

/** The messages sent between two calls of `flush`. */
export class FlushScope {
  readonly #all: UnsettledMessages;
  readonly waiters: Waiter[] = [];
  pending = 0;

  constructor(all: UnsettledMessages) {
    this.#all = all;
  }

  enter(): void {
    this.pending += 1;
    this.#all.entered();
  }

  leave(): void {
    this.pending -= 1;
    this.#all.left(this);
  }
}

/** Counts the messages that have not settled, so that `flush` can wait for exactly those that were sent before it. */
export class UnsettledMessages {
  readonly #onBusy: () => void;
  readonly #onIdle: () => void;
  /** Scopes that a `flush` has ended, with messages that have not settled. */
  readonly #ended = new Set<FlushScope>();
  #current = new FlushScope(this);
  #count = 0;

  constructor(onBusy: () => void, onIdle: () => void) {
    this.#onBusy = onBusy;
    this.#onIdle = onIdle;
  }

  get count(): number {
    return this.#count;
  }

  /** The scope of a message that is sent now. */
  get current(): FlushScope {
    return this.#current;
  }

  entered(): void {
    this.#count += 1;
    if (this.#count === 1) this.#onBusy();
  }

  left(scope: FlushScope): void {
    this.#count -= 1;
    if (scope.pending === 0 && scope !== this.#current) {
      this.#ended.delete(scope);
      for (const waiter of scope.waiters) {
        waiter.left -= 1;
        if (waiter.left === 0) waiter.resolve();
      }
    }
    if (this.#count === 0) this.#onIdle();
  }

  /** Resolves when every message that has been sent until now has settled. */
  settled(): Promise<void> {
    if (this.#current.pending > 0) {
      this.#ended.add(this.#current);
      this.#current = new FlushScope(this);
    }
    if (this.#ended.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter: Waiter = { left: this.#ended.size, resolve };
      for (const scope of this.#ended) scope.waiters.push(waiter);
    });
  }
}
