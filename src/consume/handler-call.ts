import { StreamError } from "../errors.ts";
import type { Message } from "../message.ts";
import type { BatchContext, HandlerContext } from "./consumer-types.ts";

/** The context of one call of a handler. The signal is made when the handler first reads it: most handlers never do. */
export class HandlerCall implements HandlerContext {
  readonly attempt: number;
  readonly epoch: string | null;
  #controller: AbortController | null = null;
  #reason: StreamError | null = null;

  constructor(attempt: number, epoch: string | null) {
    this.attempt = attempt;
    this.epoch = epoch;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Why the result no longer counts as a success; `null` while it does. */
  get aborted(): StreamError | null {
    return this.#reason;
  }

  /** Of several reasons the first counts. */
  abort(reason: StreamError): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/** As `HandlerCall`, for a batch: keeps which messages the handler fails. */
export class BatchCall<T> extends HandlerCall implements BatchContext<T> {
  /** The messages of the handler; empty before `handOver`. */
  messages: readonly Message<T>[] = [];
  /** By index in the batch. Of two failures of one message the first counts. */
  readonly failures = new Map<number, unknown>();
  #over = false;

  /** The handler is about to be called with these messages. */
  handOver(messages: readonly Message<T>[]): void {
    this.messages = messages;
  }

  fail(message: Message<T>, error: unknown): void {
    if (this.#over)
      throw new StreamError("invalid-argument", "fail: the batch has been settled; call it before the handler returns or resolves");
    const index = this.messages.indexOf(message);
    if (index < 0) throw new StreamError("invalid-argument", `fail: the message is not one of the ${this.messages.length} of this batch`);
    if (!this.failures.has(index)) this.failures.set(index, error);
  }

  /** From now on `fail` throws. */
  close(): void {
    this.#over = true;
  }
}
