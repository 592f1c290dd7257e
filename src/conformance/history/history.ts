import type { Message } from "../../message.ts";
import type { Position } from "../../tokens.ts";
import type { Sequenced } from "./sequenced.ts";

/** A message as a handler or a reader received it. */
export interface Delivery extends Sequenced {
  /** The stored key. The key in the value may differ, which is an error. */
  readonly messageKey: string | null;
  readonly partition: string;
  readonly position: Position;
  /** The member or reader that received it. */
  readonly receiver: string;
}

/**
 * What was sent and what was received, each in the order of the events. Nothing here is ever sorted, because the order is what
 * is checked.
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

  /** A new history without messages. The sequences of the keys continue. */
  continued(): History {
    return new History(this.#changed, new Map(this.#next));
  }

  /** A new history of the same messages, which are received once more. */
  again(): History {
    const again = this.continued();
    again.sent.push(...this.sent);
    return again;
  }

  /** The next value of this key. It is recorded as sent, so call `send` with it in the same step. */
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
