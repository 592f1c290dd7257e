import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";

/** The way to one server on 127.0.0.1, which can be lost without a word, as behind load balancers and NATs, or be closed. */
export class BreakableRoad implements AsyncDisposable {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  /** Its own end on 127.0.0.1. */
  port = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = this.#listener();
  }

  static async to(target: number): Promise<BreakableRoad> {
    const road = new BreakableRoad(target);
    await road.#listen();
    return road;
  }

  #listener(): Server {
    return createServer((client) => {
      const service = connect(this.#target, "127.0.0.1");
      const end = (): void => {
        for (const socket of [client, service]) {
          socket.destroy();
          this.#sockets.delete(socket);
        }
      };
      for (const socket of [client, service]) {
        this.#sockets.add(socket);
        socket.on("error", end);
        socket.on("close", end);
      }
      client.pipe(service);
      service.pipe(client);
    });
  }

  async #listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(this.port, "127.0.0.1", resolve);
    await promise;
    this.port = (this.#server.address() as AddressInfo).port;
  }

  /** What is on the present connections is lost, and neither end learns of it. New connections work. @returns their number */
  forget(): number {
    const lost = this.#sockets.size / 2;
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.removeAllListeners("close");
      socket.resume();
    }
    return lost;
  }

  /** Ends all connections, and refuses new ones until `open`. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    await promise;
  }

  async open(): Promise<void> {
    this.#server = this.#listener();
    await this.#listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
