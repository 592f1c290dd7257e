import type rhea from "rhea";
import { StreamError } from "../../src/errors.ts";

/** What the emulator is made of: the AMQP 1.0 container of rhea. */
export type AmqpLibrary = typeof rhea;

/** @throws `configuration` where rhea is not installed */
export async function loadAmqpLibrary(): Promise<AmqpLibrary> {
  // Only whoever starts the emulator needs it: bundlers leave it out.
  return (await import(/* webpackIgnore: true */ "rhea").catch(refuse)).default;
}

function refuse(cause: unknown): never {
  const text = "the emulator of Event Hubs needs the package rhea, known to work in version 3.0.5: npm install --save-dev rhea@3";
  throw new StreamError("configuration", text, { provider: "event-hubs", cause });
}
