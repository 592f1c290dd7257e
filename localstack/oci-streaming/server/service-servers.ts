import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { ThrowAwayIdentity } from "../signature/throw-away-identity.ts";
import type { StreamingService } from "../streaming-service.ts";
import type { Operation } from "./call.ts";
import { Dispatcher } from "./dispatcher.ts";

/** How long the servers are away during a restart. */
const AWAY_MS = 1_000;
/** Longer than clients keep idle connections: a server that closes first would break calls by chance. */
const KEEP_ALIVE_MS = 600_000;

const ENDPOINTS = ["admin", "messages"] as const;

/** The two servers: for the administration and objects, and for messages. */
export class ServiceServers {
  readonly #dispatcher: Dispatcher;
  readonly #host: string;
  readonly #ports = new Map<Operation["endpoint"], number>();
  #servers: readonly Server[] = [];
  #restarting: Promise<void> | null = null;
  #isClosed = false;

  /** @param host an address of this machine to listen on */
  constructor(service: StreamingService, identity: ThrowAwayIdentity, host: string) {
    this.#host = host;
    this.#dispatcher = new Dispatcher(service, identity, () => {
      this.restart().catch((error: unknown) => process.emitWarning(`the emulated OCI Streaming did not start again: ${String(error)}`));
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Valid once the servers have started; they keep their ports. */
  port(endpoint: Operation["endpoint"]): number {
    return this.#ports.get(endpoint)!;
  }

  /** @param port of the administration; messages have the next one. 0: free ones. Rejects if a port is taken */
  async start(port: number): Promise<void> {
    ENDPOINTS.forEach((endpoint, index) => this.#ports.set(endpoint, port === 0 ? 0 : port + index));
    await this.#listen();
  }

  async #listen(): Promise<void> {
    const servers = ENDPOINTS.map((endpoint) => {
      const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, (request, response) => {
        void this.#dispatcher.answer(endpoint, request, response);
      });
      return { endpoint, server };
    });
    this.#servers = servers.map(({ server }) => server);
    await Promise.all(
      servers.map(async ({ endpoint, server }) => {
        await new Promise<void>((resolve, reject) => {
          server.once("error", reject);
          server.listen(this.#ports.get(endpoint), this.#host, resolve);
        });
        this.#ports.set(endpoint, (server.address() as AddressInfo).port);
      }),
    );
  }

  /** Breaks all connections and comes back on the same ports. A call during a restart joins that restart. */
  async restart(): Promise<void> {
    this.#restarting ??= this.#awayAndBack().finally(() => {
      this.#restarting = null;
    });
    await this.#restarting;
  }

  async #awayAndBack(): Promise<void> {
    await this.#stop();
    await delay(AWAY_MS);
    if (!this.#isClosed) await this.#listen();
  }

  async #stop(): Promise<void> {
    await Promise.all(
      this.#servers.map(async (server) => {
        const closed = new Promise<void>((resolve) => {
          server.close(() => resolve());
        });
        server.closeAllConnections();
        await closed;
      }),
    );
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#restarting?.catch(() => undefined);
    await this.#stop();
  }
}
