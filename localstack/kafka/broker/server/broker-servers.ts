import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "../cluster.ts";
import { requireOpen } from "../../../require-open.ts";
import { BrokerListener } from "./broker-listener.ts";

/** How long the brokers are stopped during a restart. */
const AWAY_MS = 50;

/** One broker of an emulated cluster. */
export interface EmulatedBroker {
  readonly nodeId: number;
  readonly port: number;
  /** Closes its connections and its listener. Other replicas become the leaders of its partitions, if they have any. */
  stop(): Promise<void>;
  /** Listens again on the same port. Rejects with `closed`. */
  start(): Promise<void>;
}

/** The listeners of all brokers. It elects leaders when brokers stop and start. */
export class BrokerServers {
  readonly #cluster: Cluster;
  readonly #listeners: readonly BrokerListener[];
  #restarting: Promise<void> | null = null;
  #isClosed = false;

  /** @param host an address of this machine to listen on */
  constructor(cluster: Cluster, host: string) {
    this.#cluster = cluster;
    const restart = (): void => {
      this.restart().catch((error: unknown) => process.emitWarning(`an emulated Kafka did not start again: ${String(error)}`));
    };
    this.#listeners = cluster.nodes.map((node) => new BrokerListener(cluster, node, host, restart));
  }

  get bootstrapServers(): string {
    return this.#cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(",");
  }

  get brokers(): readonly EmulatedBroker[] {
    return this.#listeners.map((listener) => ({
      nodeId: listener.node.nodeId,
      port: listener.node.port,
      stop: () => this.#stop(listener),
      start: async () => {
        requireOpen("kafka", this.#isClosed);
        await this.#start(listener);
      },
    }));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @param port the port of the first broker; the others take free ones. Rejects if the port is taken */
  async start(port: number): Promise<void> {
    await Promise.all(this.#listeners.map((listener, index) => this.#start(listener, index === 0 ? port : 0)));
  }

  async #start(listener: BrokerListener, port?: number): Promise<void> {
    if (this.#isClosed) return;
    await listener.start(port);
    this.#cluster.electLeaders();
  }

  async #stop(listener: BrokerListener): Promise<void> {
    const stopped = listener.stop();
    this.#cluster.electLeaders();
    await stopped;
  }

  /** Stops all brokers and starts them again. A call during a restart joins that restart. */
  async restart(): Promise<void> {
    this.#restarting ??= this.#awayAndBack().finally(() => {
      this.#restarting = null;
    });
    await this.#restarting;
  }

  async #awayAndBack(): Promise<void> {
    this.#cluster.groups.forgetMembers();
    await Promise.all(this.#listeners.map((listener) => listener.stop()));
    await delay(AWAY_MS);
    await Promise.all(this.#listeners.map((listener) => this.#start(listener)));
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#listeners.map((listener) => listener.stop()));
    this.#cluster.close();
  }
}
