import type { StoredMessage } from "../delivery/stored-message.ts";

/** How many dropped messages a log keeps the places of. */
const COMPACTED_AT = 10_000;

/** The messages that a topic retains, in the order of storing, besides what its subscriptions hold. */
export class MessageLog {
  #messages: StoredMessage[] = [];
  #head = 0;

  /** Without those that a call of `trim` has dropped. */
  get messages(): readonly StoredMessage[] {
    return this.#messages.slice(this.#head);
  }

  append(message: StoredMessage): void {
    this.#messages.push(message);
  }

  /** Drops the oldest messages up to the first one that is kept. */
  trim(isKept: (message: StoredMessage) => boolean): void {
    while (this.#head < this.#messages.length && !isKept(this.#messages[this.#head]!)) this.#head += 1;
    if (this.#head < COMPACTED_AT && this.#head < this.#messages.length) return;
    this.#messages.splice(0, this.#head);
    this.#head = 0;
  }

  clear(): void {
    this.#messages = [];
    this.#head = 0;
  }
}
