import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers";
const MESSAGES_A_TURN = 1_000;
const MILLISECONDS_A_TURN = 10;

/**
 * How much may be handled in one turn of the event loop, so that heartbeats and timers live however fast handlers are and
 * however they settle. What is left over goes on in the next turn.
 */
export class EventLoopBudget {
  readonly #onNextTurn: () => void;
  #left = 0;
  #startedAtMs = 0;
  #open = false;

  constructor(onNextTurn: () => void) {
    this.#onNextTurn = onNextTurn;
  }

  get spent(): boolean {
    return this.#open && this.#left <= 0;
  }

  use(messages: number): void {
    if (!this.#open) this.#begin();
    this.#left -= messages;
    // The clock costs as much as handling a message: it is not asked for every one.
    if ((messages > 1 || (this.#left & 7) === 0) && performance.now() - this.#startedAtMs > MILLISECONDS_A_TURN) this.#left = 0;
  }

  #begin(): void {
    this.#open = true;
    this.#left = MESSAGES_A_TURN;
    this.#startedAtMs = performance.now();
    setImmediate(() => {
      const wasSpent = this.spent;
      this.#open = false;
      if (wasSpent) this.#onNextTurn();
    });
  }
}
