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
import { abortable } from "./waiting.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** kafkajs renews a SASL session this long before it ends; of a short session at a quarter of it. */
const RENEW_BEFORE_MS = 10_000;
/** An idle connection is asked for after so long, by the system: what a NAT forgets in silence is found, or kept. */
const KEEP_ALIVE_MS = 10_000;
/** The first bytes of a TLS alert: what a TLS port answers to a client that speaks plain text. */
const TLS_ALERT = 0x15;

/** Of a connection that has been complete. */
const REACHED = { wasReached: true, wasReachedBefore: true };

/** Where to connect to, and whether a connection to it has been complete before. */
export interface ConnectAddress {
  readonly host: string;
  readonly port: number;
  readonly wasReachedBefore: boolean;
  /** Nobody waits for the connection any longer. */
  readonly signal: AbortSignal;
}

/** One connection to one broker, opened and authenticated; when it breaks it is thrown away. */
export class BrokerConnection implements WatchedConnection {
  readonly address: { readonly host: string; readonly port: number };
  readonly #connection: SdkConnection;
  readonly #address: string;
  /** In the order in which they were sent. */
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
    const trouble = new AbortController();
    const giveUp = (): void => trouble.abort(signal.reason);
    signal.addEventListener("abort", giveUp);
    const watch = new SocketWatch((error) => trouble.abort(error));
    const createSocket = settings.socketFactory ?? sdk.createSocketFactory();
    const connection = new sdk.Connection({
      host,
      port,
      clientId: settings.clientId,
      logger: reportingLogger(report),
      socketFactory: (request) => watch.over(createSocket(withServerName(request))),
      ssl: settings.tls,
      // kafkajs notes the mechanism's code in the object.
      sasl: settings.sasl === null ? null : { ...settings.sasl },
      connectionTimeout: settings.connectionTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      enforceRequestTimeout: true,
    });
    watch.connection = connection;
    mendThrottleCheck(connection);
    const opened = new BrokerConnection(connection, address, settings, report);
    const timer = setTimeout(() => trouble.abort(lateError(settings.handshakeTimeoutMs)), settings.handshakeTimeoutMs);
    let step: KafkaConnectError["step"] = "connect";
    try {
      await abortable(connection.connect(), trouble.signal);
      step = "api-versions";
      opened.#versions = await abortable(opened.#exchange(apiVersionsApi, null, 0), trouble.signal);
      connection.setVersions(forSdk(opened.#versions));
      connection.setSupportAuthenticationProtocol(opened.#versions.has(36));
      step = "authenticate";
      await abortable(opened.#authenticate(), trouble.signal);
      // A server that wants SASL greets everybody, and hangs up at the first request.
      if (settings.sasl === null && !wasReachedBefore) {
        step = "first-request";
        await abortable(opened.#request(metadataApi, []), trouble.signal);
      }
      return opened;
    } catch (cause) {
      const reason = new Error("the connection could not be opened");
      // kafkajs goes on with what it began until the socket fails: a timer, and with one that connects after all, one without an end.
      connection.socket?.destroy(reason);
      opened.close(reason);
      const found = { answeredInTls: watch.sawTlsAlert, wasReached: watch.wasConnected, wasReachedBefore, inTls: settings.tls !== null };
      throw new KafkaConnectError(`${host}:${port}`, step, found, cause);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      watch.opened();
    }
  }

  get isOpen(): boolean {
    // kafkajs does not notice that a socket was destroyed on our side.
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

  /** From now on its silence is noticed, and that of the others when it dies. */
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

  /** One request and its answer. @throws `KafkaLostConnectionError` where the connection failed */
  async call<Request, Answer>(api: Api<Request, Answer>, request: Request): Promise<Answer> {
    try {
      return await this.#request(api, request);
    } catch (error) {
      if (!isLostAnswer(error)) throw error;
      const lost = new KafkaLostConnectionError(this.#address, error);
      if (isLateAnswer(error)) {
        // A server that does not answer may never do so again: the next request takes another connection.
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
    if (sasl !== null && !this.#connection.isAuthenticated()) await this.#renew();
    return this.#exchange(api, request, version);
  }

  /** The session ends soon: authenticates again, with new credentials where they come from a provider. */
  async #renew(): Promise<void> {
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

  /** Past kafkajs's `send`, which copies every request three times. */
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
    // What the server may wait, and what an answer takes.
    const waitMs = api.waitMs?.(request) ?? 0;
    const unanswered = { sentAtMs: startedAtMs, waitMs, isPatient: api.isPatient ?? false };
    const { payload } = await new Promise<{ payload: Buffer; size: number }>((resolve, reject) => {
      connection.requestQueue.push({
        entry: { apiKey: api.key, apiName: api.name, apiVersion: version, correlationId, resolve, reject },
        expectResponse: true,
        requestTimeout: waitMs + this.#settings.requestTimeoutMs,
        // Later than now while the server throttles.
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

  /** The other end is gone: nothing that is still to be written is waited for. */
  abandon(reason: Error): void {
    this.close(reason);
    this.#connection.socket?.destroy();
  }

  /** What waits for an answer is rejected with `reason`. Never throws. */
  close(reason: Error): void {
    const connection = this.#connection;
    connection.rejectRequests(reason);
    // Nothing is pending any more, so that this ends in the same turn; a socket that lingers would keep the process alive.
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

/** kafkajs gives the host of the address for TLS unless it is told a name, but not where that is an IP address. */
function withServerName(request: SdkSocketRequest): SdkSocketRequest {
  if (request.ssl === null || isIP(request.host) !== 0 || "servername" in request.ssl) return request;
  return { ...request, ssl: { ...request.ssl, servername: request.host } };
}

/** As kafkajs keeps them. */
function forSdk(versions: ApiVersions): Record<number, { minVersion: number; maxVersion: number }> {
  return Object.fromEntries([...versions].map(([key, { oldest, newest }]) => [key, { minVersion: oldest, maxVersion: newest }]));
}

/**
 * kafkajs 2.2.4 starts a timer of negative length after every answer, which Node 24 warns about (tulios/kafkajs#1751). A timer is
 * needed only where requests wait for the end of a throttling.
 */
function mendThrottleCheck(connection: SdkConnection): void {
  const queue = connection.requestQueue;
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.throttledUntil = 0;
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule();
  };
}

/**
 * kafkajs never settles `connect` where the server hangs up before TLS stands, and forgets requests of a socket that closes
 * without an end. Here every way a socket can go is seen.
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

  over(socket: Socket): Socket {
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
