import type { PubSubCapability } from "../../../../adapters/pubsub/capabilities.ts";
import { loadPubSubOpener } from "../../../../adapters/pubsub/open.ts";
import { type EmulatedPubSub, type EmulatedPubSubOptions, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import type { Driver } from "../../../../src/driver/index.ts";
import type { ConsumerOptions } from "../../../../src/consume/consumer-types.ts";
import type { Connection } from "../../../../src/connection-types.ts";
import { connect } from "../../../../src/connect.ts";
import { text } from "../../../../src/codec/text.ts";
import { type RawClients, rawClients } from "../../localstack/pubsub/raw-clients.ts";

/** An emulator, a connection to it, and Google's own clients beside it. */
export interface Harness extends AsyncDisposable {
  readonly emulator: EmulatedPubSub;
  readonly connection: Connection<PubSubCapability>;
  readonly raw: RawClients;
}

export async function harness(options: EmulatedPubSubOptions = {}): Promise<Harness> {
  const emulator = await startEmulatedPubSub({ topics: { flights: {} }, ...options });
  const connection = await connect((await loadPubSubOpener())(emulator.url) as Driver<PubSubCapability>);
  const raw = rawClients(emulator);
  return {
    emulator,
    connection,
    raw,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await raw[Symbol.asyncDispose]();
      await emulator.close();
    },
  };
}

/** What a member has handled, in this order. */
export interface Handled {
  readonly values: string[];
  /** How the member has ended. */
  readonly run: Promise<void>;
  readonly close: () => Promise<void>;
}

export function consume(
  connection: Connection<PubSubCapability>,
  group: string,
  handle: (value: string) => Promise<void> | void = () => undefined,
  options: Partial<ConsumerOptions> = {},
): Handled {
  const values: string[] = [];
  const retry = { initialDelayMs: 1, maxDelayMs: 1 };
  const consumer = flights(connection).consumer({ sessionTimeoutMs: 10_000, retry, ...options, group });
  const run = consumer.run(async (message) => {
    await handle(message.value);
    values.push(message.value);
  });
  run.catch(() => undefined);
  return { values, run, close: () => consumer.close() };
}

export async function sendTo(connection: Connection<PubSubCapability>, values: readonly string[], key: string): Promise<void> {
  const producer = flights(connection).producer();
  await producer.sendBatch(values.map((value) => ({ key, value })));
  await producer.close();
}

export const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => String(from + index));

export async function valuesOf(messages: AsyncIterable<{ readonly value: string }>): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const { value } of messages) values.push(value);
  return values;
}

export function flights(connection: Connection<PubSubCapability>) {
  return connection.topic("flights", { codec: text() });
}
