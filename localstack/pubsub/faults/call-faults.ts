import { clearTimeout, setTimeout } from "node:timers";
import type { AppliedEffect } from "../../faults/fault-plan.ts";
import { Refusal } from "../refusal.ts";
import type { FaultEffect } from "./fault-effect.ts";

const TEXT = "A fault of the emulator.";

/** The faults that apply to one call. */
export class CallFaults {
  static readonly NONE = new CallFaults([]);
  readonly #effects: readonly FaultEffect[];

  constructor(applied: readonly AppliedEffect<readonly FaultEffect[]>[]) {
    this.#effects = applied.flatMap(({ effect: variants, turn }) => variants[turn % variants.length] ?? []);
  }

  get isEmpty(): boolean {
    return this.#effects.length === 0;
  }

  get delayMs(): number {
    return Math.max(0, ...this.#effects.map((effect) => (effect.what === "delay" ? effect.durationMs : 0)));
  }

  get ackFailure(): string | null {
    const found = this.#effects.find((effect) => effect.what === "fail-ack-ids");
    return found?.what === "fail-ack-ids" ? found.reason : null;
  }

  has(what: FaultEffect["what"]): boolean {
    return this.#effects.some((effect) => effect.what === what);
  }

  /** The status with which the call is refused before it is carried out, or after; `null`: it is not. */
  refusal(isCarriedOut: boolean): Refusal | null {
    const found = this.#effects.find((effect) => effect.what === "refuse" && effect.isCarriedOut === isCarriedOut);
    return found?.what === "refuse" ? new Refusal(found.code, TEXT) : null;
  }
}

/** Waits that end early when the emulator closes. */
export class Delays {
  readonly #waiting = new Map<NodeJS.Timeout, () => void>();

  after(durationMs: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      then();
    }, durationMs);
    this.#waiting.set(timer, then);
  }

  close(): void {
    for (const [timer, then] of this.#waiting) {
      clearTimeout(timer);
      then();
    }
    this.#waiting.clear();
  }
}
