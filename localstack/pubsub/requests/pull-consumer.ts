import { clearTimeout, setTimeout } from "node:timers";
import type { Lease } from "../delivery/lease.ts";
import { Refusal } from "../refusal.ts";
import type { Connected, Subscription } from "../resources/subscription.ts";
import type { ReceivedMessage } from "../wire/messages.ts";

/** How long a Pull waits for a message. The service says only that the time is bounded. */
const WAIT_MS = 10_000;
/** What is stored already is at hand at once. */
const IMMEDIATE_MS = 10;

/** One unary Pull: it takes one answer. */
export class PullConsumer implements Connected {
  readonly clientId = "";
  readonly isSingle = true;
  readonly ackDeadlineMs: number;
  readonly #subscription: Subscription;
  readonly #maxMessages: number;
  readonly #messages: ReceivedMessage[] = [];
  readonly #answer = Promise.withResolvers<readonly ReceivedMessage[]>();
  #isOver = false;

  constructor(subscription: Subscription, maxMessages: number, secondMs: number) {
    this.#subscription = subscription;
    this.#maxMessages = maxMessages;
    this.ackDeadlineMs = subscription.settings.ackDeadlineSeconds * secondMs;
  }

  get hasRoom(): boolean {
    return !this.#isOver && this.#messages.length < this.#maxMessages;
  }

  /** @throws `Refusal` if the subscription ends meanwhile */
  async receive(options: {
    readonly returnImmediately: boolean;
    readonly whenCancelled: (tell: () => void) => void;
  }): Promise<readonly ReceivedMessage[]> {
    const end = (): void => this.#answer.resolve([]);
    const timer = setTimeout(end, options.returnImmediately ? IMMEDIATE_MS : WAIT_MS);
    options.whenCancelled(end);
    this.#subscription.connect(this);
    try {
      return await this.#answer.promise;
    } finally {
      this.#isOver = true;
      clearTimeout(timer);
      this.#subscription.disconnect(this);
    }
  }

  prepare(): boolean {
    return true;
  }

  deliver({ ackId, entry }: Lease): void {
    this.#messages.push({ ackId, message: entry.message.bytes, deliveryAttempt: this.#subscription.attemptOf(entry.failures) });
  }

  flush(): void {
    this.#isOver = true;
    this.#answer.resolve(this.#messages);
  }

  released(): void {
    // It has no further answer to make room in.
  }

  end(code: number, text: string): void {
    this.#answer.reject(new Refusal(code, text));
  }
}
