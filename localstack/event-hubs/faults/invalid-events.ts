import { createHash } from "node:crypto";
import { AmqpRefusal, Condition } from "../amqp-refusal.ts";
import type { IncomingEvent } from "../hubs/incoming-event.ts";
import { viewOf } from "../wire/message-sections.ts";

/** Events that were made invalid. They are recognised by key, body and properties, because a retry may send them in another batch. */
export class InvalidEvents {
  readonly #invalid = new Set<string>();

  /** Makes the middle one of these events invalid. */
  choose(events: readonly IncomingEvent[]): void {
    this.#invalid.add(identityOf(events[events.length >> 1]!));
  }

  /** Makes all events valid again. */
  clear(): void {
    this.#invalid.clear();
  }

  /** The call is refused as a whole, and the answer does not say because of which event. @throws AmqpRefusal */
  check(events: readonly IncomingEvent[]): void {
    if (this.#invalid.size === 0) return;
    const identities = events.map(identityOf);
    const found = identities.find((identity) => this.#invalid.has(identity));
    if (found === undefined) return;
    // The fault is over when the event is alone in its call, because the client then knows it and does not retry it.
    if (events.length === 1) this.#invalid.delete(found);
    throw new AmqpRefusal(Condition.argument, "The value of an event is invalid: a fault of the emulator refuses it.");
  }
}

function identityOf({ partitionKey, sections }: IncomingEvent): string {
  return createHash("sha1")
    .update(partitionKey ?? "")
    .update("\0")
    .update(viewOf(sections.rest))
    .digest("base64");
}
