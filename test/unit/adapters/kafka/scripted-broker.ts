import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { WireReader } from "../../../../adapters/kafka/client/wire-reader.ts";
import { WireWriter } from "../../../../adapters/kafka/client/wire-writer.ts";

const API_VERSIONS = 18;
const METADATA = 3;

/** A broker's reaction to a request: it answers, does not answer, or closes the connection. */
type Manner = "answer" | "silence" | "hang up";

/** A broker for two requests, ApiVersions and Metadata (version 5) of no topic, with a scripted reaction to each. */
export class ScriptedBroker {
  /** The reactions to the next requests, in order. After them, it answers. */
  readonly toGreeting: Manner[] = [];
  readonly toMetadata: Manner[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => this.#serve(socket));
  }

  static async start(): Promise<ScriptedBroker> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ScriptedBroker(server);
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Closes all connections, like a broker that stops. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.end();
  }

  async stop(): Promise<void> {
    this.hangUp();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const length = received.readInt32BE(0);
        this.#answer(socket, new WireReader(received.subarray(4, 4 + length)));
        received = received.subarray(4 + length);
      }
    });
  }

  #answer(socket: Socket, request: WireReader): void {
    const apiKey = request.int16();
    request.int16();
    const manner = (apiKey === METADATA ? this.toMetadata : this.toGreeting).shift() ?? "answer";
    if (manner === "silence") return;
    if (manner === "hang up") {
      socket.end();
      return;
    }
    const writer = new WireWriter().int32(request.int32());
    if (apiKey === API_VERSIONS) writer.int16(0).array([API_VERSIONS, METADATA], (key) => writer.int16(key).int16(0).int16(5));
    else
      writer
        .int32(0)
        .array([], () => undefined)
        .string("cluster")
        .int32(-1)
        .array([], () => undefined);
    for (const piece of writer.frame()) socket.write(piece);
  }
}
