import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { type SecureContext, TLSSocket, createSecureContext } from "node:tls";
import type { Container } from "rhea";
import { ClientConnection } from "./amqp/client-connection.ts";
import { WebSocketStream } from "./amqp/web-socket-stream.ts";
import { BlobServer } from "./blobs/blob-server.ts";
import type { AmqpLibrary } from "./library.ts";
import type { Namespace } from "./namespace.ts";

/** How long the service is away during a restart. */
const AWAY_MS = 1_000;
const AMQP_HEADER = "A".charCodeAt(0);
/** The first byte of a handshake: https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
const TLS_HANDSHAKE = 0x16;

/** A key and a certificate, both as PEM. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
}

/**
 * One port for all: AMQP for the hubs, also in a WebSocket, and HTTP for the checkpoints; each of them also within TLS. The first byte of a
 * connection tells which one it is.
 */
export class PortServer {
  readonly #library: AmqpLibrary;
  readonly #container: Container;
  readonly #namespace: Namespace;
  readonly #host: string;
  readonly #blobs: BlobServer;
  /** `null`: without TLS. */
  readonly #secureContext: SecureContext | null;
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Set<ClientConnection>();
  #server: Server | null = null;
  #restarting: Promise<void> | null = null;
  #port = 0;
  #isClosed = false;

  /** @param certificate `null`: without TLS */
  constructor(library: AmqpLibrary, namespace: Namespace, host: string, certificate: ServerCertificate | null) {
    this.#library = library;
    this.#container = library.create_container({ id: "event-hubs-emulator" });
    this.#namespace = namespace;
    this.#host = host;
    this.#blobs = new BlobServer(
      namespace,
      () => this.#restartByFault(),
      (request, socket, head) => {
        const stream = WebSocketStream.accept(request, socket, head);
        if (stream !== null) this.#acceptClient(stream, () => socket.destroy());
      },
    );
    this.#secureContext = certificate === null ? null : createSecureContext({ ...certificate });
  }

  get port(): number {
    return this.#port;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @param port 0: a free one, which a restart keeps. Rejects if the port is taken */
  async start(port: number): Promise<void> {
    const server = createServer((socket) => this.#welcome(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, this.#host, () => resolve());
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#dispatch(socket, () => socket.resetAndDestroy());
  }

  #dispatch(stream: Duplex, reset: () => void): void {
    // Clients that end a connection in the middle are no error here.
    stream.on("error", () => undefined);
    stream.once("readable", () => {
      const start = stream.read() as Buffer | null;
      if (start === null) return;
      stream.unshift(start);
      if (start[0] === AMQP_HEADER) this.#acceptClient(stream, reset);
      else if (start[0] === TLS_HANDSHAKE && this.#secureContext !== null) {
        this.#dispatch(new TLSSocket(stream, { isServer: true, secureContext: this.#secureContext }), reset);
      } else this.#blobs.accept(stream);
    });
  }

  #acceptClient(stream: Duplex, reset: () => void): void {
    const client = new ClientConnection({
      library: this.#library,
      container: this.#container,
      namespace: this.#namespace,
      stream,
      reset,
      restart: () => this.#restartByFault(),
    });
    this.#clients.add(client);
    stream.once("close", () => this.#clients.delete(client));
  }

  /** As if the time of all tokens had run out. */
  expireTokens(): void {
    for (const client of this.#clients) client.expireTokens();
  }

  /** Ends all connections and is away for a moment. A call during a restart joins that restart. */
  async restart(): Promise<void> {
    this.#restarting ??= this.#awayAndBack().finally(() => {
      this.#restarting = null;
    });
    await this.#restarting;
  }

  #restartByFault(): void {
    this.restart().catch((error: unknown) => process.emitWarning(`an emulated Event Hubs did not start again: ${String(error)}`));
  }

  async #awayAndBack(): Promise<void> {
    await this.#stop();
    await delay(AWAY_MS);
    if (!this.#isClosed) await this.start(this.#port);
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#stop();
  }
}
