import { type Clients, clientsOf } from "../../localstack/kinesis/clients.ts";
import { kinesis } from "../../../../adapters/kinesis/index.ts";
import type { KinesisCapability } from "../../../../adapters/kinesis/driver.ts";
import type { KinesisOptions } from "../../../../adapters/kinesis/index.ts";
import type { KinesisEmulatorOptions } from "../../../../localstack/kinesis/emulator-options.ts";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../../../localstack/kinesis/emulated-kinesis.ts";
import { type Connection, connect, text } from "../../../../src/index.ts";

/** For `expect.poll`: a busy machine takes its time. */
export const WAIT = { timeout: 60_000 };

/** An emulated Kinesis, with what a test opens on it. */
export class KinesisWorld implements AsyncDisposable {
  readonly emulator: EmulatedKinesis;
  /** As other clients see it. */
  readonly raw: Clients;
  readonly #connections: Connection[] = [];

  private constructor(emulator: EmulatedKinesis) {
    this.emulator = emulator;
    this.raw = clientsOf(emulator);
  }

  static async start(options: KinesisEmulatorOptions = {}): Promise<KinesisWorld> {
    return new KinesisWorld(await startEmulatedKinesis(options));
  }

  async connect(options: KinesisOptions = {}, groups: Readonly<Record<string, string>> = {}): Promise<Connection<KinesisCapability>> {
    const { endpoint, region } = this.emulator;
    const connection = await connect(kinesis({ endpoint, region, pollMs: 50, ...options }), { groups });
    this.#connections.push(connection);
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close({ timeoutMs: 2_000 })));
    this.raw[Symbol.dispose]();
    await this.emulator.close();
  }
}

/** Values are `key number`. */
export function keyed(connection: Connection, name: string) {
  return connection.topic(name, { codec: text(), key: (value) => value.split(" ")[0]! });
}

/** All that is stored until now, in the order of each shard. */
export async function stored(connection: Connection, name: string): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const { value } of keyed(connection, name).reader({ until: "now" })) values.push(value);
  return values;
}

/** A member that notes what it handles. */
export function member(connection: Connection, name: string, options: object = {}, handle: (value: string) => unknown = () => undefined) {
  const values: string[] = [];
  const revoked: string[] = [];
  const consumer = keyed(connection, name).consumer({
    group: "workers",
    commit: { everyMs: 20 },
    onRevoked: (partitions) => void revoked.push(...partitions),
    ...options,
  });
  let failure: unknown = null;
  const running = consumer
    .run(async (message) => {
      await handle(message.value);
      values.push(message.value);
    })
    .catch((error: unknown) => (failure = error));
  return {
    consumer,
    values,
    revoked,
    running,
    get failure(): unknown {
      return failure;
    },
  };
}

export function keysOf(values: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const byKey = new Map<string, number[]>();
  for (const value of values) {
    const [key, number] = value.split(" ");
    byKey.set(key!, [...(byKey.get(key!) ?? []), Number(number)]);
  }
  return byKey;
}
