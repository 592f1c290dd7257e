import type { OciCapability } from "../../../../adapters/oci-streaming/driver.ts";
import { type OciStreamingOptions, ociStreaming } from "../../../../adapters/oci-streaming/index.ts";
import {
  type EmulatedOciStreaming,
  type EmulatedOciStreamingOptions,
  startEmulatedOciStreaming,
} from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { type Connection, connect } from "../../../../src/index.ts";
import { RawClients } from "../../localstack/oci-streaming/raw-clients.ts";

/** An emulated OCI Streaming, with what a test opens on it. */
export class OciWorld implements AsyncDisposable {
  readonly emulator: EmulatedOciStreaming;
  /** As other clients see it. */
  readonly raw: RawClients;
  readonly #connections: Connection[] = [];

  private constructor(emulator: EmulatedOciStreaming) {
    this.emulator = emulator;
    this.raw = new RawClients(emulator);
  }

  /** The limits of the service are the point of few tests. */
  static async start(options: EmulatedOciStreamingOptions = {}): Promise<OciWorld> {
    return new OciWorld(await startEmulatedOciStreaming({ getsPerSecond: Infinity, bytesPerSecond: Infinity, ...options }));
  }

  get options(): OciStreamingOptions {
    const { region, streamPool, endpoint, configFile, leases } = this.emulator;
    return { region, streamPool, endpoint, configFile, leases, pollMs: 50 };
  }

  async connect(
    options: Partial<OciStreamingOptions> = {},
    groups: Readonly<Record<string, string>> = {},
  ): Promise<Connection<OciCapability>> {
    const connection = await connect(ociStreaming({ ...this.options, ...options }), { groups });
    this.#connections.push(connection);
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close({ timeoutMs: 2_000 })));
    this.raw[Symbol.dispose]();
    await this.emulator.close();
  }
}
