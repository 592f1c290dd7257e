import { isDeepStrictEqual } from "node:util";
import type { Message } from "../../src/index.ts";
import type { Flight, FlightLine } from "./flights.ts";

/** Travels beside each flight, so that the demo can tell which line of the file a message is. */
export const LINE_HEADER = "line";

/**
 * Compares what arrives with what the file holds: the first arrivals of each airport have to come in the order of the
 * file, none missing and none altered. Nothing is sorted before it is compared.
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

  /** Different flights that have arrived. */
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

  /** Messages that are no flight of the range, or not as the file has it. */
  get strange(): number {
    return this.#strange;
  }

  /** All of it, in order, each once, and nothing else. */
  get isExact(): boolean {
    return this.missing === 0 && this.#outOfOrder === 0 && this.#duplicates === 0 && this.#strange === 0;
  }

  get summary(): string {
    return `${this.missing} missing, ${this.#outOfOrder} out of order, ${this.#duplicates} twice, ${this.#strange} not as in the file`;
  }
}
