/** How much of a former mean counts still: a hub whose events have become smaller is read with more of them at a time after some links. */
const KEPT = 0.9;

/**
 * About how large the events of a hub are, as the links of a connection have found them. A link is opened for so many events, and what they hold is known
 * only when they have come; without it each link would begin with a few, and would be opened anew.
 */
export class EventSizes {
  readonly #means = new Map<string, number>();

  /** Bytes; `null`: nothing was read yet. */
  meanOf(hub: string): number | null {
    return this.#means.get(hub) ?? null;
  }

  note(hub: string, meanBytes: number): void {
    this.#means.set(hub, Math.max(meanBytes, KEPT * (this.#means.get(hub) ?? 0)));
  }
}
