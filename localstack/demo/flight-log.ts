import { isDeepStrictEqual } from "node:util";
import type { Message } from "../../src/index.ts";
import type { Flight, FlightLine } from "./flights.ts";

/** The header of each flight with its line in the file. */
export const LINE_HEADER = "line";

/**
 * Compares the messages that arrive with the file: the first arrivals of each airport must have the order of the
 * file, none may be missing and none may be altered. Nothing is sorted before it is compared.
 */
export class FlightLog {
  readonly #expected: ReadonlyMap<number, FlightLine>;
  readonly #latestOf = new Map<string, number>();
  readonly #arrived = new Set<number>();
  #outOfOrder = 0;
  #duplicates = 0;
  #strange = 0;

  constructor(expected: readonly FlightLine[]) {
    this.#expected = new Map(expected.map((entry) => [entry.line, entry]));
  }

  add(message: Message<Flight>): void {
    const line = Number(message.headers[LINE_HEADER]);
    const expected = this.#expected.get(line);
    if (expected === undefined || message.key !== expected.flight.origin || !isDeepStrictEqual(message.value, expected.flight)) {
      this.#strange += 1;
      return;
    }
    if (this.#arrived.has(line)) {
      this.#duplicates += 1;
      return;
    }
    this.#arrived.add(line);
    const latest = this.#latestOf.get(message.key) ?? 0;
    if (line < latest) this.#outOfOrder += 1;
    else this.#latestOf.set(message.key, line);
  }

  /** How many different flights have arrived. */
  get arrived(): number {
    return this.#arrived.size;
  }

  get missing(): number {
    return this.#expected.size - this.#arrived.size;
  }

  get outOfOrder(): number {
    return this.#outOfOrder;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  /** How many messages are no flight of the range, or differ from the file. */
  get strange(): number {
    return this.#strange;
  }

  /** Whether every flight has arrived exactly once and in order, and nothing else has arrived. */
  get isExact(): boolean {
    return this.missing === 0 && this.#outOfOrder === 0 && this.#duplicates === 0 && this.#strange === 0;
  }

  get summary(): string {
    return `${this.missing} missing, ${this.#outOfOrder} out of order, ${this.#duplicates} twice, ${this.#strange} not as in the file`;
  }
}
