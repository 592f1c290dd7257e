import { randomUUID } from "node:crypto";
import { type IncomingMessage, type Server as HttpServer, type ServerResponse, createServer } from "node:http";
import { type AddressInfo, type Server, type Socket, createServer as createNetServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceClock } from "../service-clock.ts";
import type { Answered } from "./carry-out.ts";
import type { HttpAnswer, HttpCall } from "./http-call.ts";
import { refuseHttp2 } from "./refuse-http2.ts";

/** More than the largest request of the service in base64. */
const LARGEST_BODY_BYTES = 20 * 1_048_576;
/** How long the service is away during a restart: long enough for a client that renews leases every second to notice. */
const AWAY_MS = 1_200;
const HTTP_2_PREFACE = "PRI * HTTP/2.0";

export type AnswerCall = (call: HttpCall, gone: AbortSignal) => Promise<Answered>;

/** The port of the service. It can go away and come back. */
export class Listener {
  readonly #host: string;
  readonly #clock: () => ServiceClock;
  readonly #answer: AnswerCall;
  readonly #http: HttpServer;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;
  #restarting: Promise<void> | null = null;
  #isClosed = false;

  constructor(host: string, clock: () => ServiceClock, answer: AnswerCall) {
    this.#host = host;
    this.#clock = clock;
    this.#answer = answer;
    // Clients close idle connections, not the service: a request on a connection that is being closed would fail without a fault.
    this.#http = createServer(
      { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 },
      (request, response) => void this.#serve(request, response),
    );
  }

  get port(): number {
    return this.#port;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @param port 0: a free one. Rejects if the port is taken */
  async listen(port: number): Promise<void> {
    const server = createNetServer((socket) => this.#welcome(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, this.#host, resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.once("data", (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      if (first.toString("latin1", 0, HTTP_2_PREFACE.length) === HTTP_2_PREFACE) return void refuseHttp2(socket);
      this.#http.emit("connection", socket);
      process.nextTick(() => socket.resume());
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) gone.abort();
    });
    try {
      const body = await readBody(request);
      if (body === null) return await this.#send(response, TOO_LARGE, gone.signal);
      const { method = "", url = "/", headers } = request;
      const answered = await this.#answer({ method, url, headers, body }, gone.signal);
      if (answered === "hang up") request.socket.destroy();
      else await this.#send(response, answered, gone.signal);
    } catch {
      // The client is gone.
      request.socket.destroy();
    }
  }

  async #send(response: ServerResponse, { status, contentType, body, stallMs = 0 }: HttpAnswer, gone: AbortSignal): Promise<void> {
    const bytes = Buffer.from(body);
    const date = new Date(this.#clock().nowMs()).toUTCString();
    response.sendDate = false;
    response.writeHead(status, { date, "content-type": contentType, "content-length": bytes.length, "x-amzn-requestid": randomUUID() });
    if (stallMs > 0) {
      response.write(bytes.subarray(0, bytes.length >> 1));
      await delay(stallMs, undefined, { signal: gone });
      response.end(bytes.subarray(bytes.length >> 1));
    } else response.end(bytes);
  }

  /** Closes all connections, and listens again on the same port a moment later. A call during a restart joins it. */
  async restart(): Promise<void> {
    this.#restarting ??= this.#awayAndBack().finally(() => {
      this.#restarting = null;
    });
    await this.#restarting;
  }

  async #awayAndBack(): Promise<void> {
    await this.#stop();
    await delay(AWAY_MS);
    if (!this.#isClosed) await this.listen(this.#port);
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== null) await new Promise<void>((resolve) => void server.close(() => resolve()));
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#restarting?.catch(() => undefined);
    await this.#stop();
    this.#http.close();
  }
}

const TOO_LARGE: HttpAnswer = { status: 413, contentType: "text/plain", body: "" };

/** @returns null if it is too large */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= LARGEST_BODY_BYTES) chunks.push(chunk);
  }
  if (length > LARGEST_BODY_BYTES) return null;
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
