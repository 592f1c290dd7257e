import { abortable } from "../../../src/adapter-kit/index.ts";
import { type Socket, isIP } from "node:net";
import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import type { Report } from "../../../src/driver/index.ts";
import { isLateAnswer, isLostAnswer } from "../errors.ts";
import { type Api, type ApiVersions, apiVersionsApi, commonVersion } from "./api.ts";
import type { ClientSettings } from "./client-settings.ts";
import { KafkaConnectError, KafkaLostConnectionError, KafkaUnsupportedError } from "./kafka-client.ts";
import { metadataApi } from "./metadata-api.ts";
import { reportingLogger } from "./reporting-logger.ts";
import type { Sdk, SdkConnection, SdkSocketRequest } from "./sdk.ts";
import type { SilenceWatch, Unanswered, WatchedConnection } from "./silence-watch.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** kafkajs authenticates a SASL session again this long before it ends. For a short session it is a quarter of its lifetime. */
const RENEW_BEFORE_MS = 10_000;
/** The system sends TCP keep-alives on connections that have been idle for this time. They keep a NAT entry, or show that it is gone. */
const KEEP_ALIVE_MS = 10_000;
/** The first byte of a TLS alert. A TLS port answers with it to plain text. */
const TLS_ALERT = 0x15;

/** For a connection that was complete. */
const REACHED = { wasReached: true, wasReachedBefore: true };

/** An address to connect to. */
export interface ConnectAddress {
  readonly host: string;
  readonly port: number;
  /** An earlier connection to it was complete. */
  readonly wasReachedBefore: boolean;
  /** Aborts when the connection is no longer needed. */
  readonly signal: AbortSignal;
}

/** One opened and authenticated connection to one broker. After a failure it is not used again. */
export class BrokerConnection implements WatchedConnection {
  readonly address: { readonly host: string; readonly port: number };
  readonly #connection: SdkConnection;
  readonly #address: string;
  /** Requests in flight, in the order of sending. */
  readonly #unanswered = new Set<Unanswered>();
  #watch: SilenceWatch | undefined;
  readonly #settings: ClientSettings;
  readonly #report: Report;
  #versions: ApiVersions = new Map([[apiVersionsApi.key, { oldest: 0, newest: 0 }]]);

  private constructor(connection: SdkConnection, address: ConnectAddress, settings: ClientSettings, report: Report) {
    this.#connection = connection;
    this.address = { host: address.host, port: address.port };
    this.#address = `${address.host}:${address.port}`;
    this.#settings = settings;
    this.#report = report;
  }

  /** @throws `KafkaConnectError` */
  static async open(sdk: Sdk, settings: ClientSettings, report: Report, address: ConnectAddress): Promise<BrokerConnection> {
    const { host, port, wasReachedBefore, signal } = address;
    const failure = new AbortController();
    const abortOpening = (): void => failure.abort(signal.reason);
    signal.addEventListener("abort", abortOpening);
    const watch = new SocketWatch((error) => failure.abort(error));
    const createSocket = settings.socketFactory ?? sdk.createSocketFactory();
    const connection = new sdk.Connection({
      host,
      port,
      clientId: settings.clientId,
      logger: reportingLogger(report),
      socketFactory: (request) => watch.attach(createSocket(withServerName(request))),
      ssl: settings.tls,
      // A copy: kafkajs writes the code of the mechanism into the object.
      sasl: settings.sasl === null ? null : { ...settings.sasl },
      connectionTimeout: settings.connectionTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      enforceRequestTimeout: true,
    });
    watch.connection = connection;
    fixThrottleCheck(connection);
    const opened = new BrokerConnection(connection, address, settings, report);
    const timer = setTimeout(() => failure.abort(lateError(settings.handshakeTimeoutMs)), settings.handshakeTimeoutMs);
    let step: KafkaConnectError["step"] = "connect";
    try {
      await abortable(connection.connect(), failure.signal);
      step = "api-versions";
      opened.#versions = await abortable(opened.#exchange(apiVersionsApi, null, 0), failure.signal);
      connection.setVersions(forSdk(opened.#versions));
      connection.setSupportAuthenticationProtocol(opened.#versions.has(36));
      step = "authenticate";
      await abortable(opened.#authenticate(), failure.signal);
      // A server that requires SASL answers ApiVersions to every client, and closes the connection at the first other request.
      if (settings.sasl === null && !wasReachedBefore) {
        step = "first-request";
        await abortable(opened.#request(metadataApi, []), failure.signal);
      }
      return opened;
    } catch (cause) {
      const reason = new Error("the connection could not be opened");
      // Without this, kafkajs keeps its timers until the socket fails, and for ever if the socket connects after all.
      connection.socket?.destroy(reason);
      opened.close(reason);
      const found = { answeredInTls: watch.sawTlsAlert, wasReached: watch.wasConnected, wasReachedBefore, inTls: settings.tls !== null };
      throw new KafkaConnectError(`${host}:${port}`, step, found, cause);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abortOpening);
      watch.opened();
    }
  }

  get isOpen(): boolean {
    // kafkajs does not notice when this side destroys the socket.
    return this.#connection.isConnected() && this.#connection.socket?.destroyed === false;
  }

  get peer(): string {
    const { remoteAddress, remotePort } = this.#connection.socket ?? {};
    return `${remoteAddress} ${remotePort}`;
  }

  get bytesRead(): number {
    return this.#connection.socket?.bytesRead ?? 0;
  }

  get oldest(): Unanswered | undefined {
    return this.#unanswered.values().next().value;
  }

  probe(): void {
    this.#exchange(apiVersionsApi, null, 0).catch(() => undefined);
  }

  /** The watch now notices if the server stops answering, and checks the other connections if this one fails. */
  watchedBy(watch: SilenceWatch): void {
    const { socket } = this.#connection;
    if (socket === undefined || !this.isOpen) return;
    this.#watch = watch;
    watch.add(this);
    socket.once("close", () => watch.remove(this));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ETIMEDOUT") watch.timedOut(this);
    });
  }

  /** Sends one request. @returns its answer. @throws `KafkaLostConnectionError` if the connection failed */
  async call<Request, Answer>(api: Api<Request, Answer>, request: Request): Promise<Answer> {
    try {
      return await this.#request(api, request);
    } catch (error) {
      if (!isLostAnswer(error)) throw error;
      const lost = new KafkaLostConnectionError(this.#address, error);
      if (isLateAnswer(error)) {
        // The server may never answer on this connection again: the next request uses a new one.
        this.abandon(lost);
        this.#watch?.timedOut(this);
      }
      throw lost;
    }
  }

  async #request<Request, Answer>(api: Api<Request, Answer>, request: Request): Promise<Answer> {
    const version = commonVersion(api, request, this.#versions);
    if (version === null) throw new KafkaUnsupportedError(api.name, api.versions);
    const { sasl } = this.#connection;
    if (sasl !== null && !this.#connection.isAuthenticated()) await this.#reauthenticate();
    return this.#exchange(api, request, version);
  }

  /** Authenticates again before the session ends. A credentials provider is asked for new credentials. */
  async #reauthenticate(): Promise<void> {
    const { handshakeTimeoutMs } = this.#settings;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(lateError(handshakeTimeoutMs)), handshakeTimeoutMs);
    try {
      await abortable(this.#authenticate(), late.signal);
    } catch (cause) {
      const error = new KafkaConnectError(this.#address, "authenticate", REACHED, cause);
      this.close(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #authenticate(): Promise<void> {
    const connection = this.#connection;
    await connection.authenticate();
    const lifetimeMs = Number(connection.sessionLifetime.toString());
    if (lifetimeMs > 0) {
      connection.reauthenticationThreshold = Math.min(
        this.#settings.reauthenticationThresholdMs ?? RENEW_BEFORE_MS,
        Math.floor(lifetimeMs / 4),
      );
    }
  }

  /** Does not use kafkajs's `send`, which copies every request three times. */
  async #exchange<Request, Answer>(api: Api<Request, Answer>, request: Request, version: number): Promise<Answer> {
    const connection = this.#connection;
    const isFlexible = version >= (api.flexibleFrom ?? Infinity);
    const correlationId = connection.nextCorrelationId();
    const writer = new WireWriter().int16(api.key).int16(version).int32(correlationId).string(this.#settings.clientId);
    if (isFlexible) writer.noTags();
    api.write(request, writer, version);
    const frame = writer.frame();
    const startedAtMs = performance.now();
    const socket = connection.socket;
    if (socket === undefined || !connection.isConnected()) throw new KafkaConnectError(this.#address, "connect", REACHED, null);
    const waitMs = api.waitMs?.(request) ?? 0;
    const unanswered = { sentAtMs: startedAtMs, waitMs, isPatient: api.isPatient ?? false };
    const { payload } = await new Promise<{ payload: Buffer; size: number }>((resolve, reject) => {
      connection.requestQueue.push({
        entry: { apiKey: api.key, apiName: api.name, apiVersion: version, correlationId, resolve, reject },
        expectResponse: true,
        requestTimeout: waitMs + this.#settings.requestTimeoutMs,
        // kafkajs calls this later than now while the server throttles.
        sendRequest: () => {
          unanswered.sentAtMs = performance.now();
          this.#unanswered.add(unanswered);
          writeFrame(socket, frame);
        },
      });
    }).finally(() => this.#unanswered.delete(unanswered));
    if (this.#report.wants("call")) this.#reportCall(api, request, frame, payload.length, performance.now() - startedAtMs);
    const reader = new WireReader(payload);
    if (isFlexible) reader.skipTags();
    const answer = api.read(reader, version, request);
    if (reader.throttleMs > 0) {
      connection.requestQueue.maybeThrottle(reader.throttleMs);
      this.#report({ kind: "throttle", operation: api.name, delayMs: reader.throttleMs });
    }
    return answer;
  }

  #reportCall<Request>(
    api: Api<Request, unknown>,
    request: Request,
    frame: readonly Uint8Array[],
    answerBytes: number,
    durationMs: number,
  ) {
    const topic = typeof request === "object" && request !== null && "topic" in request ? String(request.topic) : undefined;
    const bytes = frame.reduce((sum, piece) => sum + piece.byteLength, answerBytes);
    this.#report({ kind: "call", operation: api.name, topic, bytes, durationMs });
  }

  /** Closes the connection without waiting for unsent data, because the other end is gone. Never throws. */
  abandon(reason: Error): void {
    this.close(reason);
    this.#connection.socket?.destroy();
  }

  /** Rejects requests in flight with `reason`. Never throws. */
  close(reason: Error): void {
    const connection = this.#connection;
    connection.rejectRequests(reason);
    // No request is pending, so this ends in the same turn. An open socket would keep the process alive.
    connection.disconnect().then(
      () => connection.socket?.destroySoon(),
      () => connection.socket?.destroy(),
    );
  }
}

function writeFrame(socket: Socket, frame: readonly Uint8Array[]): void {
  socket.cork();
  for (const piece of frame) socket.write(piece);
  socket.uncork();
}

function lateError(handshakeTimeoutMs: number): Error {
  return new Error(`no complete handshake within ${handshakeTimeoutMs} ms`);
}

/** Sets the TLS server name to the host of the address, unless a name is set or the host is an IP address. */
function withServerName(request: SdkSocketRequest): SdkSocketRequest {
  if (request.ssl === null || isIP(request.host) !== 0 || "servername" in request.ssl) return request;
  return { ...request, ssl: { ...request.ssl, servername: request.host } };
}

/** The form that kafkajs uses. */
function forSdk(versions: ApiVersions): Record<number, { minVersion: number; maxVersion: number }> {
  return Object.fromEntries([...versions].map(([key, { oldest, newest }]) => [key, { minVersion: oldest, maxVersion: newest }]));
}

/**
 * kafkajs 2.2.4 starts a timer of negative length after every answer, which Node 24 warns about (tulios/kafkajs#1751). A timer is
 * needed only while requests wait for the end of a throttling.
 */
function fixThrottleCheck(connection: SdkConnection): void {
  const queue = connection.requestQueue;
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.throttledUntil = 0;
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule();
  };
}

/**
 * kafkajs never settles `connect` if the server closes the connection during the TLS handshake, and never settles requests if a socket
 * closes without an `end` event. This class notices every way in which a socket can close.
 */
class SocketWatch {
  connection: SdkConnection | undefined;
  sawTlsAlert = false;
  wasConnected = false;
  readonly #onFailure: (error: Error) => void;
  #isOpening = true;

  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  attach(socket: Socket): Socket {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.once("connect", () => {
      this.wasConnected = true;
    });
    socket.once("data", (first: Buffer) => {
      this.sawTlsAlert = this.#isOpening && first[0] === TLS_ALERT;
      if (this.sawTlsAlert) socket.destroy(new Error("the server answered in TLS"));
    });
    socket.once("close", () => {
      const error = new Error("the server closed the connection");
      this.#onFailure(error);
      if (this.connection?.socket === socket) this.connection.rejectRequests(error);
    });
    return socket;
  }

  opened(): void {
    this.#isOpening = false;
  }
}
