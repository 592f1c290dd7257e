import { clearTimeout, setTimeout } from "node:timers";
import type { ReceivedMessage } from "../records.ts";

/** Messages wait here in the order in which they came, until they are asked for. */
export class Arrivals {
  #messages: ReceivedMessage[] = [];
  #wake: (() => void) | null = null;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  add(messages: readonly ReceivedMessage[]): void {
    for (const message of messages) this.#messages.push(message);
    this.wake();
  }

  take(): readonly ReceivedMessage[] {
    const taken = this.#messages;
    this.#messages = [];
    return taken;
  }

  /** Whoever waits looks again. */
  wake(): void {
    this.#wake?.();
  }

  /** @param withinMs `null`: for as long as it takes @returns whether something has happened within this time */
  async whenWoken(withinMs: number | null, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = withinMs === null ? null : setTimeout(() => resolve(false), withinMs);
    const woken = (): void => resolve(true);
    this.#wake = woken;
    signal.addEventListener("abort", woken, { once: true });
    const wasWoken = await promise;
    signal.removeEventListener("abort", woken);
    if (timer !== null) clearTimeout(timer);
    this.#wake = null;
    return wasWoken;
  }
}
