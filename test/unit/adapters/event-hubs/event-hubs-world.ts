import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import type { EventHubsCapability } from "../../../../adapters/event-hubs/driver.ts";
import { eventHubs } from "../../../../adapters/event-hubs/index.ts";
import {
  type EmulatedEventHubs,
  type EmulatedEventHubsOptions,
  startEmulatedEventHubs,
} from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { type Connection, connect } from "../../../../src/index.ts";

/** Frozen, because the runner writes into the options of a concurrent test that it is one: all tests with the same options would be. */
export const GENEROUS = Object.freeze({ timeout: 60_000 });

/** For tests that share nothing. They take `expect` from their context, as `expect.poll` needs to know whose it is. */
export const BESIDE_OTHERS = { ...GENEROUS, concurrent: true };

/** An emulated Event Hubs, with what a test opens on it. */
export class EventHubsWorld implements AsyncDisposable {
  readonly emulator: EmulatedEventHubs;
  readonly #connections: Connection[] = [];

  private constructor(emulator: EmulatedEventHubs) {
    this.emulator = emulator;
  }

  static async start(options: EmulatedEventHubsOptions = {}): Promise<EventHubsWorld> {
    const topics = { flights: { partitions: 1, groups: ["delays", "replays"] } };
    return new EventHubsWorld(await startEmulatedEventHubs({ topics, ...options }));
  }

  get container(): ContainerClient {
    const url = new URL(this.emulator.checkpoints);
    const key = new StorageSharedKeyCredential(url.username, decodeURIComponent(url.password));
    return new ContainerClient(`${url.origin}${url.pathname}`, key);
  }

  async connect(
    options: { readonly checkpoints?: string; readonly connectionString?: string } = {},
  ): Promise<Connection<EventHubsCapability>> {
    const { connectionString, checkpoints } = this.emulator;
    const connection = await connect(eventHubs({ connectionString, checkpoints, developmentEmulator: true, ...options }));
    this.#connections.push(connection);
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close({ timeoutMs: 2_000 })));
    await this.emulator.close();
  }
}
