import { StreamError } from "../errors.ts";
import type { Message } from "../message.ts";

/** The part of a membership that an iteration needs. */
export interface IterationSource {
  /** Joins. Resolves when the member has left; rejects with the error that made it leave. */
  run(): Promise<void>;
  /** Leaves. A message counts as handled only if it has succeeded already. Never rejects. */
  close(): Promise<void>;
}

/**
 * Makes a handler of the loop: the promise of a message resolves when the loop asks for the next one. A message with which the
 * loop is left is not handled.
 */
export class MessageIterator<T> implements AsyncIterator<Message<T>, void, void> {
  readonly #open: (handle: (message: Message<T>) => Promise<void>) => IterationSource;
  #source: IterationSource | null = null;
  /** The message that the loop has, or that waits for the loop to ask for it. */
  #current: { readonly message: Message<T>; readonly outcome: PromiseWithResolvers<void>; asked: boolean } | null = null;
  #arrived = Promise.withResolvers<void>();
  #over = false;
  #failure: { readonly error: unknown } | null = null;
  /** Calls of `next` take turns. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(open: (handle: (message: Message<T>) => Promise<void>) => IterationSource) {
    this.#open = open;
  }

  next(): Promise<IteratorResult<Message<T>, void>> {
    const result = this.#tail.then(() => this.#next());
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async return(): Promise<IteratorResult<Message<T>, void>> {
    const closing = this.#source?.close();
    this.#over = true;
    this.#current?.outcome.reject(new StreamError("closed", "the loop was left before it asked for the next message"));
    this.#current = null;
    this.#arrived.resolve();
    await closing;
    return { done: true, value: undefined };
  }

  async throw(error?: unknown): Promise<IteratorResult<Message<T>, void>> {
    await this.return();
    throw error;
  }

  async #next(): Promise<IteratorResult<Message<T>, void>> {
    if (this.#source === null && !this.#over) this.#start();
    if (this.#current?.asked === true) {
      this.#current.outcome.resolve();
      this.#current = null;
    }
    while (this.#current === null && !this.#over) {
      await this.#arrived.promise;
      this.#arrived = Promise.withResolvers();
    }
    if (this.#current !== null) {
      this.#current.asked = true;
      return { done: false, value: this.#current.message };
    }
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure.error;
    return { done: true, value: undefined };
  }

  #start(): void {
    this.#source = this.#open((message) => {
      const outcome = Promise.withResolvers<void>();
      this.#current = { message, outcome, asked: false };
      this.#arrived.resolve();
      return outcome.promise;
    });
    const end = (failure: { readonly error: unknown } | null): void => {
      this.#over = true;
      this.#failure = failure;
      this.#current = null;
      this.#arrived.resolve();
    };
    void this.#source.run().then(
      () => end(null),
      (error: unknown) => end({ error }),
    );
  }
}
