/** Each link that fails is followed by one with so many times fewer events. */
const NARROWER = 8;
/** So often the connection ends where one event is alone on its way, until that event is to blame: the network may garble something, too. */
const ATTEMPTS = 3;

/**
 * Finds an event that the AMQP library cannot read, such as a list within some thousand lists: it ends the connection then, without a word about the event, and
 * what else was on its way is lost with it. So links get fewer and fewer events at a time, until one gets a single one.
 */
export class UnreadableSearch {
  /** Behind what the links that have failed may have had on their way; `null`: nothing is searched for. */
  #until: number | null = null;
  #most = 1;
  #failures = 0;

  get isOn(): boolean {
    return this.#until !== null;
  }

  /** How many events a link may have on its way at a time, where it could have `most`. */
  widthOf(most: number): number {
    return this.isOn ? Math.min(this.#most, most) : most;
  }

  /**
   * The connection of a link has ended so, before the event `next` had come.
   * @param width how many events the link could have on its way
   * @returns whether this event is the one; then the search is over
   */
  failed(next: number, width: number): boolean {
    this.#until = Math.max(this.#until ?? 0, next + width);
    this.#most = Math.max(1, Math.floor(width / NARROWER));
    this.#failures = width === 1 ? this.#failures + 1 : 0;
    if (this.#failures < ATTEMPTS) return false;
    this.end();
    return true;
  }

  /** All events before this one have come. */
  passed(next: number): void {
    this.#failures = 0;
    if (this.#until !== null && next >= this.#until) this.end();
  }

  /** Nothing is left that could be unreadable. */
  end(): void {
    this.#until = null;
    this.#failures = 0;
  }
}
