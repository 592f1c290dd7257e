import type { Sender } from "rhea";

/** What rhea knows of a link and does not declare. */
interface SenderState {
  readonly credit: number;
  readonly delivery_count: number;
  readonly session: { readonly outgoing: { available(): number } };
}

/**
 * Sends encoded messages on a link, never more than the client has given credit for. rhea hands messages over in a later turn, so its own
 * `credit` does not count those of this turn; a message without credit would hold up every other link of the session.
 */
export class LinkOutbox {
  readonly sender: Sender;
  readonly #state: SenderState;
  /** Messages that were given to rhea, as a count that can be compared with `delivery_count`. */
  #given = 0;
  #isDrained = false;

  constructor(sender: Sender) {
    this.sender = sender;
    this.#state = sender as unknown as SenderState;
  }

  /** How many messages may be sent now. */
  get room(): number {
    const { credit, delivery_count: sent, session } = this.#state;
    const waiting = Math.max(0, this.#given - sent);
    return Math.max(0, Math.min(credit - waiting, session.outgoing.available()));
  }

  /** @param bytes a whole message */
  send(bytes: Buffer): void {
    this.#given = Math.max(this.#given, this.#state.delivery_count) + 1;
    this.sender.send(bytes, undefined, 0);
  }

  /** To be called when the client has given credit. */
  onFlow(): void {
    if (!this.#isDrained) return;
    // The credit that was given back counts as sent.
    this.#isDrained = false;
    this.#given = this.#state.delivery_count;
  }

  /** The client wants its credit back once nothing is left to send. */
  drain(): void {
    this.#isDrained = true;
    this.sender.set_drained(true);
  }
}
