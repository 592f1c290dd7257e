import { backOffMs } from "../back-off.ts";
import { channels } from "../diagnostics/channels.ts";
import type { StreamError } from "../errors.ts";
import type { TopicContext } from "../topic-context.ts";
import type { Lane } from "./lane.ts";
import type { ResolvedProducerOptions } from "./producer-options.ts";
import { type ProducerTimer, nowMs } from "./producer-timer.ts";

/** The back-off of a publish: the lanes that wait before they retry. */
export class RetrySchedule {
  readonly #context: TopicContext;
  readonly #retry: ResolvedProducerOptions["retry"];
  readonly #timer: ProducerTimer;
  readonly #waiting = new Set<Lane>();

  constructor(context: TopicContext, retry: ResolvedProducerOptions["retry"], timer: ProducerTimer) {
    this.#context = context;
    this.#retry = retry;
    this.#timer = timer;
  }

  /** The lane needs a retry and still has messages: it waits for the back-off, and at least for what the provider asked for. */
  delay(lane: Lane, error: StreamError, atLeastMs: number): void {
    const delayMs = Math.max(atLeastMs, backOffMs(this.#retry, lane.attempts));
    lane.backOffUntil(nowMs() + delayMs);
    this.#waiting.add(lane);
    this.#timer.set(lane.retryAtMs);
    this.report(error, delayMs);
  }

  report(error: StreamError, delayMs: number): void {
    const { provider, topic } = this.#context;
    if (channels.retry.hasSubscribers) channels.retry.publish({ provider, topic, operation: "send", error, delayMs });
    if (error.code === "throttled" && channels.throttle.hasSubscribers) {
      channels.throttle.publish({ provider, topic, operation: "send", delayMs });
    }
  }

  forget(lane: Lane): void {
    this.#waiting.delete(lane);
  }

  /** The lanes whose back-off is over; the timer is set again for the others. */
  due(now: number): Lane[] {
    const due: Lane[] = [];
    for (const lane of this.#waiting) {
      if (lane.retryAtMs > now) {
        this.#timer.set(lane.retryAtMs);
        continue;
      }
      this.#waiting.delete(lane);
      lane.backOffEnded();
      due.push(lane);
    }
    return due;
  }
}
