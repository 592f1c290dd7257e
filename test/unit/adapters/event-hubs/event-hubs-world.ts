import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import type { EventHubsCapability } from "../../../../adapters/event-hubs/driver.ts";
import { eventHubs } from "../../../../adapters/event-hubs/index.ts";
import {
  type EmulatedEventHubs,
  type EmulatedEventHubsOptions,
  startEmulatedEventHubs,
} from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { type Connection, connect } from "../../../../src/index.ts";

export const GENEROUS = { timeout: 60_000 };

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
