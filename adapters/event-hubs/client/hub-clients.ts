import { clearTimeout, setTimeout } from "node:timers";
import type { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import { abortable } from "../../../src/adapter-kit/index.ts";
import type { EventHubsOptions } from "../options.ts";
import type { ConnectionWatch } from "./connection-watch.ts";
import { Credentials } from "./credentials.ts";
import { type NamespaceAddress, addressOf } from "./namespace-address.ts";
import { OpenClient } from "./open-client.ts";
import { loadSdk } from "./sdk.ts";

/** The core and this adapter repeat requests; the SDK tries each once, and answers within this time. */
const REQUEST_MS = 15_000;
const LONGEST_CLOSE_MS = 2_000;

/** A client that reads at most one link of each partition: the SDK allows no more. */
interface ConsumerSlot {
  readonly made: Promise<OpenClient<EventHubConsumerClient>>;
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
  readonly #producers = new Map<string, Promise<OpenClient<EventHubProducerClient>>>();
  readonly #consumers = new Map<string, ConsumerSlot[]>();
  #isClosed = false;

  constructor(options: EventHubsOptions) {
    this.address = addressOf(options);
    this.credentials = new Credentials("credential" in options ? options.credential : undefined);
    this.#webSockets = options.webSockets ?? false;
  }

  /** @throws what the SDK says, as `not-found` of the hub · the signal's reason */
  async producer(hub: string, signal: AbortSignal): Promise<OpenClient<EventHubProducerClient>> {
    const made = this.#producers.get(hub) ?? this.#newProducer(hub).then((client) => new OpenClient(client));
    this.#producers.set(hub, made);
    try {
      const open = await abortable(made, signal);
      await abortable(open.opened(), signal);
      return open;
    } catch (error) {
      signal.throwIfAborted();
      this.#drop(hub, made);
      throw error;
    }
  }

  /** Another client is made for the hub. */
  async dropProducer(hub: string, client: OpenClient<EventHubProducerClient>): Promise<void> {
    const made = this.#producers.get(hub);
    if (made !== undefined && (await made) === client) this.#drop(hub, made);
  }

  #drop(hub: string, made: Promise<OpenClient<EventHubProducerClient>>): void {
    if (this.#producers.get(hub) !== made) return;
    this.#producers.delete(hub);
    endWhenMade(made);
  }

  async #newProducer(hub: string): Promise<EventHubProducerClient> {
    const { EventHubProducerClient: Client } = await loadSdk();
    const { connectionString, host } = this.address;
    const options = this.#clientOptions();
    if (connectionString !== null) return new Client(connectionString, hub, options);
    return new Client(host, hub, await this.credentials.forNamespace(host), options);
  }

  /**
   * @param isShared with other partitions: its connection, and what ends it
   * @throws what the SDK says, as `not-found` of the hub · the signal's reason
   */
  async consumer(hub: string, group: string, partition: string, signal: AbortSignal, isShared = true): Promise<BorrowedConsumer> {
    const key = `${hub}/${group}`;
    const slots = this.#consumers.get(key) ?? [];
    this.#consumers.set(key, slots);
    let slot = isShared ? slots.find(({ busy }) => !busy.has(partition)) : undefined;
    if (slot === undefined) {
      slot = { made: this.#newConsumer(hub, group).then((client) => new OpenClient(client)), busy: new Set() };
      if (isShared) slots.push(slot);
    }
    const { made, busy } = slot;
    busy.add(partition);
    const retire = (): void => {
      const index = slots.indexOf(slot);
      if (index !== -1) slots.splice(index, 1);
    };
    const giveBack = (): void => {
      busy.delete(partition);
      if (busy.size === 0 && !slots.includes(slot)) endWhenMade(made);
    };
    try {
      const open = await abortable(made, signal);
      if (this.#isClosed) await endOf(open);
      await abortable(open.opened(), signal);
      return { client: open.client, watch: open.watch, retire, giveBack };
    } catch (error) {
      if (!signal.aborted) retire();
      giveBack();
      throw error;
    }
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
    const slots = [...this.#consumers.values()].flat();
    const made = [...this.#producers.values(), ...slots.map((slot) => slot.made)];
    await Promise.allSettled(made.map(async (one) => endOf(await one)));
  }
}

/** Never rejects. */
function endWhenMade(made: Promise<OpenClient<EventHubProducerClient | EventHubConsumerClient>>): void {
  made.then(
    (client) => endOf(client),
    () => undefined,
  );
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
