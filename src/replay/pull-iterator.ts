/** The next item, at once where it is there; `undefined`: there is none any more. Throws or rejects at most once, then it is over. */
export type Pull<Item extends object> = () => Item | undefined | Promise<Item | undefined>;

/**
 * An async iterator over a pull. Unlike a generator it makes one promise an item, and `return` ends a `next` that waits
 * instead of waiting behind it. Calls of `next` are answered in their order.
 */
export class PullIterator<Item extends object> implements AsyncIterator<Item, void, void> {
  readonly #pull: Pull<Item>;
  readonly #close: () => Promise<void>;
  #over = false;
  /** The last call that could not be answered at once. */
  #pending: Promise<unknown> | undefined;

  /** @param close leaves nothing behind; ends a pull that waits, by making it answer `undefined`. Never rejects */
  constructor(pull: Pull<Item>, close: () => Promise<void>) {
    this.#pull = pull;
    this.#close = close;
  }

  next(): Promise<IteratorResult<Item, void>> {
    const before = this.#pending;
    return before === undefined ? this.#step() : this.#hold(before.then(() => this.#step()));
  }

  async return(): Promise<IteratorResult<Item, void>> {
    this.#over = true;
    await this.#close();
    return { done: true, value: undefined };
  }

  #step(): Promise<IteratorResult<Item, void>> {
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    let pulled: Item | undefined | Promise<Item | undefined>;
    try {
      pulled = this.#pull();
    } catch (error) {
      pulled = Promise.reject(error);
    }
    if (pulled !== undefined && !(pulled instanceof Promise)) return Promise.resolve({ done: false, value: pulled });
    return this.#hold(this.#settle(pulled));
  }

  async #settle(pulled: undefined | Promise<Item | undefined>): Promise<IteratorResult<Item, void>> {
    try {
      const item = await pulled;
      // It counts as handed out, so it is, also when the loop was left meanwhile.
      if (item !== undefined) return { done: false, value: item };
    } catch (error) {
      this.#over = true;
      await this.#close();
      throw error;
    }
    this.#over = true;
    await this.#close();
    return { done: true, value: undefined };
  }

  /** Later calls wait for this one, whatever becomes of it; its caller has the outcome. */
  #hold<Result>(step: Promise<Result>): Promise<Result> {
    const settled: Promise<void> = step.then(
      () => this.#free(settled),
      () => this.#free(settled),
    );
    this.#pending = settled;
    return step;
  }

  #free(settled: Promise<unknown>): void {
    if (this.#pending === settled) this.#pending = undefined;
  }
}
