import { getEventListeners } from "node:events";

/**
 * Counts the listeners of every AbortSignal in this process while it watches, also of signals inside the core and the
 * adapter. Only for exclusive cases, because it affects the whole process.
 */
export class SignalWatch {
  readonly #signals = new Set<AbortSignal>();
  readonly #original = Object.getOwnPropertyDescriptor(EventTarget.prototype, "addEventListener")!;

  constructor() {
    const signals = this.#signals;
    const addEventListener = this.#original.value as EventTarget["addEventListener"];
    Object.defineProperty(EventTarget.prototype, "addEventListener", {
      ...this.#original,
      value: function watched(this: EventTarget, ...call: Parameters<EventTarget["addEventListener"]>): void {
        if (this instanceof AbortSignal) signals.add(this);
        addEventListener.apply(this, call);
      },
    });
  }

  /** The highest number of listeners on one signal that has not aborted. */
  get most(): number {
    let most = 0;
    for (const signal of this.#signals) {
      if (!signal.aborted) most = Math.max(most, getEventListeners(signal, "abort").length);
    }
    return most;
  }

  stop(): void {
    Object.defineProperty(EventTarget.prototype, "addEventListener", this.#original);
    this.#signals.clear();
  }
}
