import { type Clients, clientsOf } from "../../localstack/kinesis/clients.ts";
import { kinesis } from "../../../../adapters/kinesis/index.ts";
import type { KinesisCapability } from "../../../../adapters/kinesis/driver.ts";
import type { KinesisOptions } from "../../../../adapters/kinesis/index.ts";
import type { KinesisEmulatorOptions } from "../../../../localstack/kinesis/emulator-options.ts";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../../../localstack/kinesis/emulated-kinesis.ts";
import { type Connection, connect } from "../../../../src/index.ts";

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
