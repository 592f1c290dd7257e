import type { Message } from "../../message.ts";
import type { Position } from "../../tokens.ts";
import type { Sequenced } from "./sequenced.ts";

/** A message as a handler or a reader was given it. */
export interface Delivery extends Sequenced {
  /** What was stored as the key, beside what the value says. */
  readonly messageKey: string | null;
  readonly partition: string;
  readonly position: Position;
  /** Which member or reader it reached. */
  readonly receiver: string;
}

/**
 * What was sent and what came, each in the order in which it happened. Nothing here is ever sorted: the order is what is
 * being judged.
 */
export class History {
  readonly sent: Sequenced[] = [];
  readonly received: Delivery[] = [];
  readonly #next: Map<string, number>;
  readonly #seen = new Set<string>();
  readonly #changed: () => void;

  constructor(changed: () => void, next = new Map<string, number>()) {
    this.#changed = changed;
    this.#next = next;
  }

  /** A new page: nothing sent or received yet, and the sequences go on where they are. */
  continued(): History {
    return new History(this.#changed, new Map(this.#next));
  }

  /** The next value of this key, recorded as sent: call it in the same step as `send`. */
  next(topic: string, key: string): Sequenced {
    const sequence = this.#next.get(key) ?? 0;
    this.#next.set(key, sequence + 1);
    const value = { topic, key, sequence };
    this.sent.push(value);
    return value;
  }

  receive(message: Message<Sequenced>, receiver = "receiver"): Delivery {
    const delivery: Delivery = {
      ...message.value,
      messageKey: message.key,
      partition: message.partition,
      position: message.position,
      receiver,
    };
    this.received.push(delivery);
    this.#seen.add(identify(delivery));
    this.#changed();
    return delivery;
  }

  /** Distinct messages received so far. */
  get distinct(): number {
    return this.#seen.size;
  }

  hasReceived(value: Pick<Sequenced, "key" | "sequence">): boolean {
    return this.#seen.has(identify(value));
  }

  receivedOf(key: string): readonly number[] {
    return this.received.filter((delivery) => delivery.key === key).map((delivery) => delivery.sequence);
  }
}

export function identify(value: Pick<Sequenced, "key" | "sequence">): string {
  return `${value.sequence} ${value.key}`;
}
