import { type AddressInfo, type Server, Socket, connect, createServer } from "node:net";

interface Flow {
  readonly client: Socket;
  readonly server: Socket;
  isForgotten: boolean;
}

/**
 * A network between a client and brokers on 127.0.0.1 that can drop its connections, like load balancers and NATs: data on them
 * is lost, neither end is notified, and new connections work.
 */
export class ForgetfulNetwork implements AsyncDisposable {
  readonly #routers = new Map<number, Promise<Server>>();
  readonly #flows = new Set<Flow>();
  /** The number of connections so far. */
  connections = 0;

  /** The socket factory for kafkajs. */
  readonly socketFactory = ({ port, onConnect }: { readonly port: number; readonly onConnect: () => void }): Socket => {
    const socket = new Socket();
    void this.#connectTo(port, socket, onConnect);
    return socket;
  };

  async #connectTo(port: number, socket: Socket, onConnect: () => void): Promise<void> {
    const { port: own } = (await this.#router(port)).address() as AddressInfo;
    if (!socket.destroyed) socket.connect(own, "127.0.0.1", onConnect);
  }

  #router(port: number): Promise<Server> {
    let router = this.#routers.get(port);
    if (router === undefined) {
      const server = createServer((client) => this.#route(client, port));
      router = new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
      this.#routers.set(port, router);
    }
    return router;
  }

  #route(client: Socket, port: number): void {
    this.connections += 1;
    const server = connect(port, "127.0.0.1");
    const flow: Flow = { client, server, isForgotten: false };
    this.#flows.add(flow);
    const end = (): void => {
      if (flow.isForgotten) return;
      this.#flows.delete(flow);
      client.destroy();
      server.destroy();
    };
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("data", (bytes) => {
        if (!flow.isForgotten) to.write(bytes);
      });
      from.on("error", () => undefined);
      from.on("close", end);
    }
  }

  /** Drops all present connections. @returns their number */
  forgetConnections(): number {
    const known = [...this.#flows].filter(({ isForgotten }) => !isForgotten);
    for (const flow of known) flow.isForgotten = true;
    return known.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, server } of this.#flows) {
      client.destroy();
      server.destroy();
    }
    for (const router of this.#routers.values()) (await router).close();
  }
}
