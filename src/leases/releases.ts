import type { StreamError } from "../driver/index.ts";
import type { Lease } from "./lease.ts";
import type { MemberParts } from "./member-parts.ts";
import { persist } from "./persist.ts";

/**
 * The rows that a member is freeing. What the store refuses is tried again until the row is free or somebody else's, or the member has gone: many
 * that leave at once are throttled, and a row that is not freed is idle until it expires.
 */
export class Releases {
  readonly #parts: MemberParts;
  readonly #running = new Map<Lease, Promise<unknown>>();

  constructor(parts: MemberParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Is a row of this partition being freed? */
  has(partition: string): boolean {
    return [...this.#running.keys()].some(({ assignment }) => assignment.partition === partition);
  }

  /** Frees the row of this lease, which is over at once. @throws what cannot be repeated · the reason why the member's requests have ended */
  async release(lease: Lease): Promise<void> {
    const { clock, watchMs, requests, report } = this.#parts;
    const retried = (error: StreamError): void => {
      if (report.wants("retry")) report({ kind: "retry", operation: "release a lease", error, delayMs: watchMs });
    };
    const released = persist({ clock, watchMs, signal: requests, retried }, () => lease.release());
    this.#running.set(lease, released);
    try {
      await released;
    } finally {
      this.#running.delete(lease);
    }
  }

  /** Resolves when nothing is being freed any more. */
  async over(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.values());
  }
}
