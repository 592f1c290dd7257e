import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "../cluster.ts";
import { requireOpen } from "../../../require-open.ts";
import { BrokerListener } from "./broker-listener.ts";

/** How long a restart keeps the brokers away. */
const AWAY_MS = 50;

/** One broker of an emulated cluster. */
export interface EmulatedBroker {
  readonly nodeId: number;
  readonly port: number;
  /** Hangs up and listens no more; its partitions go to other replicas, where there are any. */
  stop(): Promise<void>;
  /** On the same port again. Rejects with `closed`. */
  start(): Promise<void>;
}

/** The listeners of all brokers, and who leads what while some are away. */
export class BrokerServers {
  readonly #cluster: Cluster;
  readonly #listeners: readonly BrokerListener[];
  #restarting: Promise<void> | null = null;
  #isClosed = false;

  /** @param host an address of this machine to listen on */
  constructor(cluster: Cluster, host: string) {
    this.#cluster = cluster;
    const restart = (): void => {
      this.restart().catch((error: unknown) => process.emitWarning(`an emulated Kafka did not come back: ${String(error)}`));
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

  /** @param port of the first; the others take free ones. Rejects where it is taken */
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

  /** All go away together and come back; a second one meanwhile is the same. */
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
