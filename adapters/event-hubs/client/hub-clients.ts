import { clearTimeout, setTimeout } from "node:timers";
import type { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import type { EventHubsOptions } from "../options.ts";
import { ConnectionWatch } from "./connection-watch.ts";
import { Credentials } from "./credentials.ts";
import { type NamespaceAddress, addressOf } from "./namespace-address.ts";
import { loadSdk } from "./sdk.ts";

/** The core and this adapter repeat requests; the SDK tries each once, and answers within this time. */
const REQUEST_MS = 15_000;
const LONGEST_CLOSE_MS = 2_000;

/** A client that reads at most one link of each partition: the SDK allows no more. */
interface ConsumerSlot {
  readonly client: EventHubConsumerClient;
  readonly watch: ConnectionWatch;
  readonly busy: Set<string>;
}

/** A consumer client for one partition, until it is given back. */
export interface BorrowedConsumer {
  readonly client: EventHubConsumerClient;
  readonly watch: ConnectionWatch;
  /** It is lent to nobody else, and closed with its last borrower. */
  retire(): void;
  giveBack(): void;
}

/** The clients of one connection: a producer for each hub, which also asks for properties, and consumers for each consumer group. */
export class HubClients {
  readonly address: NamespaceAddress;
  readonly credentials: Credentials;
  readonly #webSockets: boolean;
  readonly #producers = new Map<string, Promise<EventHubProducerClient>>();
  readonly #watches = new WeakMap<EventHubProducerClient, ConnectionWatch>();
  readonly #retired: EventHubProducerClient[] = [];
  readonly #consumers = new Map<string, ConsumerSlot[]>();
  #isClosed = false;

  constructor(options: EventHubsOptions) {
    this.address = addressOf(options);
    this.credentials = new Credentials("credential" in options ? options.credential : undefined);
    this.#webSockets = options.webSockets ?? false;
  }

  producer(hub: string): Promise<EventHubProducerClient> {
    const known = this.#producers.get(hub);
    if (known !== undefined) return known;
    const made = this.#newProducer(hub);
    this.#producers.set(hub, made);
    made.catch(() => this.#producers.delete(hub));
    return made;
  }

  /** Another client is made for the hub. This one goes on with the links that it has, until the connection is closed. */
  async retireProducer(hub: string, producer: EventHubProducerClient): Promise<void> {
    const known = this.#producers.get(hub);
    if (known === undefined || (await known.catch(() => null)) !== producer || this.#producers.get(hub) !== known) return;
    this.#producers.delete(hub);
    this.#retired.push(producer);
  }

  watchOf(producer: EventHubProducerClient): ConnectionWatch {
    const known = this.#watches.get(producer);
    if (known !== undefined) return known;
    const watch = new ConnectionWatch(producer);
    this.#watches.set(producer, watch);
    return watch;
  }

  async #newProducer(hub: string): Promise<EventHubProducerClient> {
    const { EventHubProducerClient: Client } = await loadSdk();
    const { connectionString, host } = this.address;
    const options = this.#clientOptions();
    if (connectionString !== null) return new Client(connectionString, hub, options);
    return new Client(host, hub, await this.credentials.forNamespace(host), options);
  }

  async consumer(hub: string, group: string, partition: string): Promise<BorrowedConsumer> {
    const key = `${hub}/${group}`;
    const slots = this.#consumers.get(key) ?? [];
    this.#consumers.set(key, slots);
    let slot = slots.find(({ busy }) => !busy.has(partition));
    if (slot === undefined) {
      const made = await this.#newConsumer(hub, group);
      slot = { client: made, watch: new ConnectionWatch(made), busy: new Set() };
      slots.push(slot);
      if (this.#isClosed) await endOf(slot.client);
    }
    const { client, watch, busy } = slot;
    busy.add(partition);
    const retire = (): void => {
      const index = slots.indexOf(slot);
      if (index !== -1) slots.splice(index, 1);
    };
    const giveBack = (): void => {
      busy.delete(partition);
      if (busy.size === 0 && !slots.includes(slot)) void endOf(client);
    };
    return { client, watch, retire, giveBack };
  }

  async #newConsumer(hub: string, group: string): Promise<EventHubConsumerClient> {
    const { EventHubConsumerClient: Client } = await loadSdk();
    const { connectionString, host } = this.address;
    const options = this.#clientOptions();
    if (connectionString !== null) return new Client(group, connectionString, hub, options);
    return new Client(group, host, hub, await this.credentials.forNamespace(host), options);
  }

  /** A new object each time: the SDK changes it. */
  #clientOptions() {
    return {
      retryOptions: { maxRetries: 0, retryDelayInMs: 0, timeoutInMs: REQUEST_MS },
      ...(this.#webSockets ? { webSocketOptions: { webSocket: globalThis.WebSocket } } : {}),
    };
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const producers = [...this.#producers.values()].map(async (client) => endOf(await client));
    const consumers = [...this.#consumers.values()].flat().map(({ client }) => endOf(client));
    const retired = this.#retired.map((client) => endOf(client));
    await Promise.allSettled([...producers, ...consumers, ...retired]);
  }
}

/** A service that does not answer must not hold up a close. */
async function endOf(client: { close(): Promise<void> }): Promise<void> {
  await closedInTime(client.close().catch(() => undefined));
}

/** Waits no longer than a close may take. */
export async function closedInTime(closed: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LONGEST_CLOSE_MS)));
  await Promise.race([closed, late]);
  clearTimeout(timer);
}
