import { type Socket, connect } from "node:net";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WireReader } from "../../../localstack/kafka/broker/wire/wire-reader.ts";
import { WireWriter } from "../../../localstack/kafka/broker/wire/wire-writer.ts";
import type { Api } from "../../../localstack/kafka/broker/wire/api.ts";

const CLIENT_ID = "raw";
const TIME_LIMIT_MS = 10_000;
const API_VERSIONS = 18;

/** The server closed the connection instead of answering. */
export class HungUp extends Error {}

/** One connection that sends exactly the given request, and returns the whole answer. */
export class RawClient implements AsyncDisposable {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #correlationId = 0;
  #hasEnded = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    // A failure shows at the next read.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#hasEnded = true;
    });
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
  }

  static async open(address: string): Promise<RawClient> {
    const [host, port] = address.split(":");
    const socket = connect(Number(port), host);
    const client = new RawClient(socket);
    await once(socket, "connect");
    return client;
  }

  /** @throws HungUp */
  async call<Given, Answer>(api: Api<unknown, never, Given, Answer>, version: number, request: Given): Promise<Answer> {
    this.send(api, version, request);
    return this.answer(api, version);
  }

  send<Given>(api: Api<unknown, never, Given>, version: number, request: Given): void {
    const isFlexible = version >= api.flexibleFrom;
    const writer = new WireWriter(version, isFlexible);
    writer.int16(api.key);
    writer.int16(version);
    writer.int32((this.#correlationId += 1));
    const header = new WireWriter(version, false);
    header.string(CLIENT_ID);
    const body = new WireWriter(version, isFlexible);
    if (isFlexible) body.unsignedVarint(0);
    api.request.write(body, request);
    this.sendFrame(Buffer.concat([...writer.finish(), ...header.finish(), ...body.finish()]));
  }

  /** Sends any bytes after their length. */
  sendFrame(frame: Buffer): void {
    const size = Buffer.alloc(4);
    size.writeInt32BE(frame.length);
    this.#socket.write(Buffer.concat([size, frame]));
  }

  /** The answer to the oldest request without one. @throws HungUp */
  async answer<Answer>(api: Api<unknown, never, never, Answer>, version: number): Promise<Answer> {
    const frame = await this.frame();
    const isFlexible = version >= api.flexibleFrom;
    const hasTags = isFlexible && api.key !== API_VERSIONS;
    return api.answer.read(new WireReader(frame, version, isFlexible, hasTags ? 5 : 4));
  }

  /** @throws HungUp */
  async frame(): Promise<Buffer> {
    const endsAtMs = performance.now() + TIME_LIMIT_MS;
    while (this.#received.length < 4 || this.#received.length < 4 + this.#received.readInt32BE(0)) {
      if (this.#hasEnded) throw new HungUp("the server hung up");
      if (performance.now() > endsAtMs) throw new Error(`no answer within ${TIME_LIMIT_MS} ms`);
      await delay(2);
    }
    const end = 4 + this.#received.readInt32BE(0);
    const frame = this.#received.subarray(4, end);
    this.#received = this.#received.subarray(end);
    return frame;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}
