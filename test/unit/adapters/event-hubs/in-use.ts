import { setTimeout as delay } from "node:timers/promises";
import { type Connection, text } from "../../../../src/index.ts";

/** How soon everybody learns that a hub cannot be used any more: far below the time of a send. */
export const SOON_MS = 10_000;

/** A member of the group `delays`. */
export function consume(connection: Connection, handled: string[]) {
  const options = { group: "delays", initialPosition: "earliest", sessionTimeoutMs: 3_000, commit: { everyMs: 10 } } as const;
  const consumer = connection.topic("flights", { codec: text() }).consumer(options);
  const running = consumer.run(({ value }) => void handled.push(value));
  running.catch(() => undefined);
  return { consumer, running };
}

/** Sends one message after the other until one is refused. @returns what was refused, and why */
export async function sendUntilRefused(
  connection: Connection,
  stored: string[],
): Promise<{ readonly value: string; readonly error: unknown }> {
  const producer = connection.topic("flights", { codec: text() }).producer({ deliveryTimeoutMs: SOON_MS });
  for (let number = 0; ; number += 1) {
    const value = String(number);
    try {
      await producer.send({ key: "LH400", value });
      stored.push(value);
    } catch (error) {
      return { value, error };
    }
    await delay(5);
  }
}
