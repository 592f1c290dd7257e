import { PromiseViolation } from "../case-outcome.ts";

/** Counts how many handlers run at once under each name, and remembers whether two of one name did. */
export class Overlaps {
  /** The highest number of handlers that ran at once, of all names together. */
  highest = 0;
  readonly #running = new Map<string, number>();
  #total = 0;
  #broken: PromiseViolation | null = null;

  async during(name: string, what: string, work: () => Promise<void>): Promise<void> {
    const running = (this.#running.get(name) ?? 0) + 1;
    this.#running.set(name, running);
    this.#total += 1;
    this.highest = Math.max(this.highest, this.#total);
    if (running > 1) this.#broken = new PromiseViolation(`${what}: ${running} handlers of ${name} ran at once`);
    try {
      await work();
    } finally {
      this.#running.set(name, running - 1);
      this.#total -= 1;
    }
  }

  /** @throws PromiseViolation when two of one name ran at once */
  check(): void {
    if (this.#broken !== null) throw this.#broken;
  }
}
