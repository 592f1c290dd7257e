import { type Due, NEVER } from "../deadlines.ts";
import type { Consumer } from "./consumer.ts";
import type { Entry } from "./entry.ts";

/** A message that is outstanding: nobody else gets it until the deadline. */
export class Lease implements Due {
  readonly entry: Entry;
  readonly consumer: Consumer;
  /** Distinguishes the leases of a message. */
  readonly number: number;
  readonly ackId: string;
  dueAtMs = NEVER;
  readonly #whenPassed: (lease: Lease) => void;

  constructor(entry: Entry, consumer: Consumer, number: number, ackId: string, whenPassed: (lease: Lease) => void) {
    this.entry = entry;
    this.consumer = consumer;
    this.number = number;
    this.ackId = ackId;
    this.#whenPassed = whenPassed;
  }

  passed(): void {
    this.#whenPassed(this);
  }
}
