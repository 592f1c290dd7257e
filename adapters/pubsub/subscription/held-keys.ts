import type { ReceivedMessage } from "../records.ts";

/** A message of a key that waits: for itself to come again, or for those before it. */
interface Waiting {
  readonly messageId: string;
  /** `null`: it is not this member's, and comes again. */
  message: ReceivedMessage | null;
}

/** A key that goes on with its first message only. */
interface HeldKey {
  readonly waiting: Waiting[];
  /** When the lease of what is not here has run out for certain. */
  untilMs: number;
}

const idOf = ({ message }: ReceivedMessage): string => message.messageId ?? "";

/**
 * Of an exactly-once subscription: keys in which a message was received that is not this member's for certain. It comes again; what came
 * behind it in its key waits for that, because it would be handled before it otherwise.
 */
export class HeldKeys {
  readonly #keys = new Map<string, HeldKey>();

  get isEmpty(): boolean {
    return this.#keys.size === 0;
  }

  /**
   * @param lost the ack ids of those that are not this member's
   * @param untilMs when their leases have run out
   * @returns what can be handled now, in the order of each key
   */
  take(messages: readonly ReceivedMessage[], lost: ReadonlySet<string>, untilMs: number): readonly ReceivedMessage[] {
    return messages.flatMap((received) => {
      const isLost = lost.has(received.ackId);
      const key = received.message.orderingKey ?? "";
      const held = this.#keys.get(key);
      if (held === undefined && !isLost) return [received];
      // Without a key there is no order.
      if (key === "") return [];
      return this.#wait(key, held ?? this.#hold(key, untilMs), received, isLost, untilMs);
    });
  }

  #hold(key: string, untilMs: number): HeldKey {
    const made = { waiting: [], untilMs };
    this.#keys.set(key, made);
    return made;
  }

  #wait(key: string, held: HeldKey, received: ReceivedMessage, isLost: boolean, untilMs: number): readonly ReceivedMessage[] {
    const messageId = idOf(received);
    const message = isLost ? null : received;
    if (isLost) held.untilMs = untilMs;
    const known = held.waiting.find((one) => one.messageId === messageId);
    if (known === undefined) held.waiting.push({ messageId, message });
    else known.message = message;
    const missing = held.waiting.findIndex((one) => one.message === null);
    const here = held.waiting.splice(0, missing === -1 ? held.waiting.length : missing);
    if (held.waiting.length === 0) this.#keys.delete(key);
    return here.map((one) => one.message!);
  }

  /**
   * Forgets the keys whose missing message has not come again in its time: somebody else has it, or it is settled.
   * @returns the ids of what waited behind, to be given back: it comes again in its order
   */
  giveUp(nowMs: number): readonly string[] {
    const given: string[] = [];
    for (const [key, { waiting, untilMs }] of this.#keys) {
      if (untilMs > nowMs) continue;
      this.#keys.delete(key);
      given.push(...waiting.filter(({ message }) => message !== null).map(({ messageId }) => messageId));
    }
    return given;
  }
}
