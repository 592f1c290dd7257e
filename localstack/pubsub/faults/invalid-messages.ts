import { Code, Refusal } from "../refusal.ts";
import type { PublishedMessage } from "../resources/publish-check.ts";

/** Messages that were made invalid, as by a schema. They are recognised by what is in them, because a retry may send them in another request. */
export class InvalidMessages {
  readonly #invalid = new Set<string>();

  /** Makes the middle message of a request invalid. */
  choose(messages: readonly PublishedMessage[]): void {
    const culprit = messages[messages.length >> 1];
    if (culprit !== undefined) this.#invalid.add(identityOf(culprit));
  }

  /** Makes all messages valid again. */
  clear(): void {
    this.#invalid.clear();
  }

  /** @throws `Refusal` for the whole request, without a word about which message it is */
  check(messages: readonly PublishedMessage[]): void {
    if (this.#invalid.size === 0) return;
    const identity = messages.map(identityOf).find((message) => this.#invalid.has(message));
    if (identity === undefined) return;
    // The fault is over when the message is alone, because the client then knows it and does not retry it.
    if (messages.length === 1) this.#invalid.delete(identity);
    throw new Refusal(Code.invalidArgument, "Invalid data in message: Message failed schema validation.");
  }
}

function identityOf({ data, attributes, orderingKey }: PublishedMessage): string {
  const names = Object.keys(attributes).toSorted((one, other) => (one < other ? -1 : 1));
  return JSON.stringify([orderingKey, data.toString("base64"), names.map((name) => [name, attributes[name]])]);
}
