import type { Consumer } from "./consumer.ts";
import type { Entry } from "./entry.ts";

/** How many settled entries a lane keeps before it closes the gap. */
const COMPACTED_AT = 1_000;

/**
 * The messages of one ordering key, from the first one that is not acknowledged. Those before `next` have been delivered. If one of them
 * has to be delivered again, the later ones are too, even acknowledged ones: https://cloud.google.com/pubsub/docs/ordering.
 */
export class Lane {
  readonly key: string;
  /** Who has the outstanding messages: the others of the key are for the same one. */
  holder: Consumer | null = null;
  /** It waits in a queue for a consumer. */
  isQueued = false;
  outstanding = 0;
  #entries: Entry[] = [];
  #head = 0;
  #next = 0;

  constructor(key: string) {
    this.key = key;
  }

  get isEmpty(): boolean {
    return this.#head === this.#entries.length;
  }

  /** The next one to deliver. `null`: there is none, or it is still outstanding. */
  get deliverable(): Entry | null {
    const entry = this.#entries[this.#next];
    return entry === undefined || entry.lease !== null ? null : entry;
  }

  /** Whether this is the oldest message that is not acknowledged. */
  isFirst(entry: Entry): boolean {
    return this.#entries[this.#head] === entry;
  }

  append(entry: Entry): void {
    this.#entries.push(entry);
  }

  delivered(): void {
    this.#next += 1;
  }

  /** Forgets the acknowledged messages that no earlier one can bring back. */
  settle(): void {
    while (this.#entries[this.#head]?.isAcked === true) this.#head += 1;
    this.#next = Math.max(this.#next, this.#head);
    if (this.#head < COMPACTED_AT || this.#head * 2 < this.#entries.length) return;
    this.#entries.splice(0, this.#head);
    this.#next -= this.#head;
    this.#head = 0;
  }

  /** Goes back to this message. @returns the later ones that have been delivered: they are delivered again */
  rewindTo(entry: Entry): readonly Entry[] {
    const at = this.#entries.indexOf(entry, this.#head);
    if (at < 0 || at >= this.#next) return [];
    const followers = this.#entries.slice(at + 1, this.#next);
    this.#next = at;
    return followers;
  }
}
