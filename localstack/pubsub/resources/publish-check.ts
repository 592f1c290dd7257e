import { LIMITS } from "../limits.ts";
import { Code, Refusal } from "../refusal.ts";
import type { PubsubMessage } from "../wire/messages.ts";

export type PublishedMessage = Pick<PubsubMessage, "data" | "attributes" | "orderingKey">;

/** Names that begin with `goog` are reserved, but the client libraries use these. */
const RESERVED = /^goog(?!client_)/;

/**
 * Checks a publish request as the service does, which accepts or refuses it as a whole: https://cloud.google.com/pubsub/quotas#resource_limits.
 * @param bytes of the request, as it came
 * @throws `Refusal` (INVALID_ARGUMENT)
 */
export function checkPublish(messages: readonly PublishedMessage[], bytes: number): void {
  checkMost("message_count", messages.length, LIMITS.publishMessages);
  checkMost("request_size", bytes, LIMITS.publishBytes);
  if (messages.length === 0) refuse("The value for message_count is too small. You passed 0 in the request, but the minimum value is 1.");
  const [{ orderingKey: key } = { orderingKey: "" }] = messages;
  checkMost("ordering_key length", Buffer.byteLength(key), LIMITS.orderingKeyBytes);
  for (const { data, attributes, orderingKey } of messages) {
    if (orderingKey !== key) {
      refuse("In a single publish request, all messages must have no ordering key or they must all have the same ordering key.");
    }
    const entries = Object.entries(attributes);
    if (data.length === 0 && entries.length === 0) {
      refuse(
        "One or more messages in the publish request is empty. Each message must contain either non-empty data, or at least one attribute.",
      );
    }
    if (entries.length > 0) checkAttributes(entries);
  }
}

function checkAttributes(entries: readonly (readonly [string, string])[]): void {
  checkMost("number of attributes", entries.length, LIMITS.attributes);
  for (const [name, value] of entries) {
    if (name === "") refuse("The name of an attribute is empty.");
    if (RESERVED.test(name)) refuse(`The name of an attribute must not begin with "goog": ${name.slice(0, 40)}.`);
    checkMost("attribute key length", Buffer.byteLength(name), LIMITS.attributeNameBytes);
    checkMost("attribute value length", Buffer.byteLength(value), LIMITS.attributeValueBytes);
  }
}

function checkMost(what: string, value: number, most: number): void {
  if (value > most) refuse(`The value for ${what} is too large. You passed ${value} in the request, but the maximum value is ${most}.`);
}

function refuse(text: string): never {
  throw new Refusal(Code.invalidArgument, text);
}
