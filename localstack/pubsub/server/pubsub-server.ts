import type { Server } from "@grpc/grpc-js";
import type { PubSubLibrary } from "../library.ts";
import { LIMITS } from "../limits.ts";
import { Encoding } from "../wire/encoding.ts";
import { type CoreOptions, EmulatorCore } from "./emulator-core.ts";
import { withoutPassedDeadlines } from "./far-deadlines.ts";
import { GrpcService } from "./grpc-service.ts";
import { Listener } from "./listener.ts";

/** Larger than every limit of the service, which refuses a request with a reason. */
const LARGEST_REQUEST = 64 * 1_024 * 1_024;
const WINDOW_BYTES = 4 * 1_024 * 1_024;

/** The emulator on its port. */
export class PubSubServer {
  readonly core: EmulatorCore;
  readonly #server: Server;
  readonly #listener: Listener;

  constructor(library: PubSubLibrary, host: string, options: Omit<CoreOptions, "codec" | "breakAll">) {
    const { grpc } = library;
    const encoding = new Encoding(library);
    this.core = new EmulatorCore({ ...options, codec: encoding, breakAll: () => this.#listener.breakAll() });
    this.#server = new grpc.Server({
      "grpc.max_concurrent_streams": LIMITS.streams,
      "grpc.max_receive_message_length": LARGEST_REQUEST,
      "grpc.max_send_message_length": -1,
      "grpc.enable_channelz": 0,
      "grpc-node.flow_control_window": WINDOW_BYTES,
      interceptors: [withoutPassedDeadlines],
    });
    this.#listener = new Listener(this.#server.createConnectionInjector(grpc.ServerCredentials.createInsecure()), host);
    new GrpcService(library, encoding, {
      core: this.core,
      break: (peer) => this.#listener.break(peer),
      trailers: () => {
        const trailers = new library.grpc.Metadata();
        trailers.set("server", "streamport-emulator");
        return trailers;
      },
    }).addTo(this.#server);
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Rejects if the port is taken. */
  async listen(port: number): Promise<void> {
    await this.#listener.listen(port);
  }

  async close(): Promise<void> {
    this.core.close();
    await this.#listener.close();
    this.#server.forceShutdown();
  }
}
