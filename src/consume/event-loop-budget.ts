import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers";

const MESSAGES_A_TURN = 1_000;
const MILLISECONDS_A_TURN = 10;

/**
 * How many messages may be handled in one turn of the event loop, so that heartbeats and timers get their time however fast
 * handlers are and however they settle. The other messages follow in the next turn.
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
    // To read the clock costs as much as to handle a message, so it is not read for each.
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
