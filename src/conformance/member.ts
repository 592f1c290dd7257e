import type { BatchHandler, Consumer, ConsumerOptions, MessageHandler } from "../consume/consumer-types.ts";
import type { Topic } from "../topic-types.ts";
import { showError } from "./assertions.ts";
import type { CaseDeadline } from "./case-deadline.ts";
import { PromiseViolation } from "./case-outcome.ts";
import type { History } from "./history/history.ts";
import type { Sequenced } from "./history/sequenced.ts";

/** A running consumer. Its end is always recorded: a failure that the case does not expect fails the case. */
export class Member<T> {
  readonly consumer: Consumer<T>;
  readonly #deadline: CaseDeadline;
  #outcome: { readonly failed: boolean; readonly error: unknown } | null = null;
  #failureExpected = false;

  private constructor(deadline: CaseDeadline, consumer: Consumer<T>, run: Promise<void>) {
    this.consumer = consumer;
    this.#deadline = deadline;
    run.then(
      () => this.#settle({ failed: false, error: null }),
      (error: unknown) => this.#settle({ failed: true, error }),
    );
  }

  static start<T>(deadline: CaseDeadline, topic: Topic<T>, options: ConsumerOptions, handler: MessageHandler<T>): Member<T> {
    const consumer = topic.consumer(options);
    return new Member(deadline, consumer, consumer.run(handler));
  }

  static startBatches<T>(deadline: CaseDeadline, topic: Topic<T>, options: ConsumerOptions, handler: BatchHandler<T>): Member<T> {
    const consumer = topic.consumer(options);
    return new Member(deadline, consumer, consumer.runBatches(handler));
  }

  /** The error that ended it, unless the case expects a failure. */
  get unexpectedFailure(): PromiseViolation | null {
    if (this.#outcome?.failed !== true || this.#failureExpected) return null;
    return new PromiseViolation(`the consumer failed: ${showError(this.#outcome.error)}`, { cause: this.#outcome.error });
  }

  /** The error that ended it; `null`: it runs, or it ended without one. */
  get error(): unknown {
    return this.#outcome?.failed === true ? this.#outcome.error : null;
  }

  get ended(): boolean {
    return this.#outcome !== null;
  }

  /** From now on this member may fail; `failure` returns the error. */
  expectFailure(): this {
    this.#failureExpected = true;
    return this;
  }

  /** Waits until `run` has rejected. @returns its error */
  async failure(what: string): Promise<unknown> {
    this.#failureExpected = true;
    await this.#deadline.until(() => this.#outcome !== null, what);
    if (this.#outcome?.failed !== true) throw new PromiseViolation(`${what}: run resolved instead of rejecting`);
    return this.#outcome.error;
  }

  async close(timeoutMs = this.#deadline.longEnough(5_000, 20)): Promise<void> {
    await this.#deadline.within(this.consumer.close({ timeoutMs }), "a consumer to close");
    await this.#deadline.until(() => this.#outcome !== null, "run to resolve after close");
    const failure = this.unexpectedFailure;
    if (failure !== null) throw failure;
  }

  #settle(outcome: { readonly failed: boolean; readonly error: unknown }): void {
    this.#outcome = outcome;
    this.#deadline.notify();
  }
}

/** A handler that only records the message. */
export function recordInto(history: History, name?: string): MessageHandler<Sequenced> {
  return (message) => void history.receive(message, name);
}
