import { type AddressInfo, type Socket, createServer, type Server as SocketServer } from "node:net";
import type { ConnectionInjector } from "@grpc/grpc-js";

/** The port of the emulator. It knows its connections, so that one of them can break. */
export class Listener {
  readonly #injector: ConnectionInjector;
  readonly #host: string;
  readonly #connections = new Map<string, Socket>();
  #server: SocketServer | null = null;
  #port = 0;

  constructor(injector: ConnectionInjector, host: string) {
    this.#injector = injector;
    this.#host = host;
  }

  get port(): number {
    return this.#port;
  }

  /** Rejects if the port is taken. */
  async listen(port: number): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#connected(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, host: this.#host }, () => {
        server.removeListener("error", reject);
        resolve();
      });
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Breaks the connection of a call, whose peer is `address:port`. */
  break(peer: string): void {
    this.#connections.get(peer)?.destroy();
  }

  /** Breaks all connections. New ones are accepted. */
  breakAll(): void {
    for (const socket of this.#connections.values()) socket.destroy();
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.breakAll();
    if (server === null) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  }

  #connected(socket: Socket): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#connections.set(peer, socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#connections.delete(peer));
    this.#injector.injectConnection(socket);
  }
}
