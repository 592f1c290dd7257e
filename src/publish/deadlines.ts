import type { StreamError } from "../errors.ts";
import type { TopicContext } from "../topic-context.ts";
import type { KeyFailures } from "./key-failures.ts";
import type { Lane } from "./lane.ts";
import type { PendingMessage } from "./pending-message.ts";
import type { ProducerTimer } from "./producer-timer.ts";
import { sendError } from "./send-error.ts";

/** Fails what has had no answer within `deliveryTimeoutMs` of the call of `send`. */
export class Deadlines {
  readonly #context: TopicContext;
  readonly #failures: KeyFailures;
  readonly #timeoutMs: number;
  readonly #timer: ProducerTimer;
  /** No message has an earlier deadline. */
  #nextMs = Infinity;

  constructor(context: TopicContext, failures: KeyFailures, timeoutMs: number, timer: ProducerTimer) {
    this.#context = context;
    this.#failures = failures;
    this.#timeoutMs = timeoutMs;
    this.#timer = timer;
  }

  note(deadlineMs: number): void {
    if (deadlineMs >= this.#nextMs) return;
    this.#nextMs = deadlineMs;
    this.#timer.set(deadlineMs);
  }

  /** @returns the lanes that have lost messages */
  expire(now: number, lanes: () => readonly Lane[]): Lane[] {
    const expired: Lane[] = [];
    if (now >= this.#nextMs) {
      this.#nextMs = Infinity;
      for (const lane of lanes()) {
        // In a lane, earlier messages have earlier deadlines: the first message decides.
        if (firstDeadlineMs(lane) <= now) {
          this.#failures.failInOrder(lane, (message) => (message.deadlineMs <= now ? this.#error(message, lane) : null));
          expired.push(lane);
        }
        this.#nextMs = Math.min(this.#nextMs, firstDeadlineMs(lane));
      }
    }
    this.#timer.set(this.#nextMs);
    return expired;
  }

  #error(message: PendingMessage, lane: Lane): StreamError {
    const cause = lane.lastError;
    // The last error says where to look, for example which host did not answer.
    const within = `within deliveryTimeoutMs (${this.#timeoutMs}${cause === undefined ? "" : `, last: ${cause.message}`})`;
    if (message.state === "sent" || message.maybeStored) return this.#failures.unknown(`had no definite answer ${within}`, cause);
    return sendError(this.#context, "timeout", `the message could not be stored ${within}; it was not stored`, { cause });
  }
}

function firstDeadlineMs(lane: Lane): number {
  for (const message of lane.messages()) return message.deadlineMs;
  return Infinity;
}
