import type { SendGroup } from "./pending-message.ts";

interface Watched {
  readonly groups: Set<SendGroup>;
  readonly listener: () => void;
}

/** Listens to the abort signals of calls. Calls that share a signal share one listener, which is removed with the last of them. */
export class AbortWatch {
  readonly #watched = new Map<AbortSignal, Watched>();
  readonly #onAbort: (groups: Iterable<SendGroup>, reason: unknown) => void;

  constructor(onAbort: (groups: Iterable<SendGroup>, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  get size(): number {
    return this.#watched.size;
  }

  watch(signal: AbortSignal, group: SendGroup): void {
    if (signal.aborted) {
      // The application's own code aborted it while the messages of the call were being accepted.
      this.#onAbort([group], signal.reason);
      return;
    }
    let watched = this.#watched.get(signal);
    if (watched === undefined) {
      const groups = new Set<SendGroup>();
      const listener = (): void => {
        this.#watched.delete(signal);
        this.#onAbort(groups, signal.reason);
      };
      watched = { groups, listener };
      this.#watched.set(signal, watched);
      signal.addEventListener("abort", listener, { once: true });
    }
    watched.groups.add(group);
  }

  unwatch(signal: AbortSignal, group: SendGroup): void {
    const watched = this.#watched.get(signal);
    if (watched === undefined || !watched.groups.delete(group) || watched.groups.size > 0) return;
    this.#watched.delete(signal);
    signal.removeEventListener("abort", watched.listener);
  }
}
