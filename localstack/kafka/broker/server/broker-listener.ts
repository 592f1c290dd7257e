import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import type { BrokerNode, Cluster } from "../cluster.ts";
import { ClientConnection } from "./client-connection.ts";
import { Dispatcher } from "./dispatcher.ts";

/** The listener of one broker. It can stop and start again on the same port. */
export class BrokerListener {
  readonly node: BrokerNode;
  readonly #host: string;
  readonly #cluster: Cluster;
  readonly #dispatcher: Dispatcher;
  readonly #connections = new Set<ClientConnection>();
  #server: Server | null = null;

  constructor(cluster: Cluster, node: BrokerNode, host: string, restart: () => void) {
    this.#host = host;
    this.#cluster = cluster;
    this.node = node;
    this.#dispatcher = new Dispatcher(cluster, node, restart);
  }

  /** @param port 0: a free one, which the broker keeps as long as the cluster lives. Rejects if the port is taken */
  async start(port = this.node.port): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer((socket) => this.#welcome(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, this.#host, () => resolve());
    });
    this.node.port = (server.address() as AddressInfo).port;
    this.node.isUp = true;
  }

  #welcome(socket: Socket): void {
    const session = { isAuthenticated: this.#cluster.users === null, mechanism: null };
    const largestBytes = this.#cluster.properties.number("socket.request.max.bytes");
    const connection = new ClientConnection(socket, session, largestBytes, (frame, from) => this.#dispatcher.answer(frame, from));
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
  }

  /** Closes the connections of all clients. Never rejects. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.node.isUp = false;
    for (const connection of this.#connections) connection.close();
    if (server === null) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  }
}
