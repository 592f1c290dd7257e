import { performance } from "node:perf_hooks";
import { clearInterval, setInterval } from "node:timers";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../../../src/driver/index.ts";
import { type BrokerAddress, KafkaLostConnectionError } from "./kafka-client.ts";

type HostAndPort = Pick<BrokerAddress, "host" | "port">;

/** A request in flight. */
export interface Unanswered {
  readonly sentAtMs: number;
  /** The time that the server itself may wait before it answers. */
  readonly waitMs: number;
  /** The server may need much time for the answer, so a late answer alone proves nothing. */
  readonly isPatient: boolean;
}

/** The part of a connection that the watch uses. */
export interface WatchedConnection {
  /** The address for a new connection. */
  readonly address: HostAndPort;
  /** The remote IP address and port. One server may have several host names. */
  readonly peer: string;
  readonly isOpen: boolean;
  /** The number of bytes received so far. */
  readonly bytesRead: number;
  /** The oldest request in flight. A server answers in order. */
  readonly oldest: Unanswered | undefined;
  /** Sends a small request that a live server answers at once. Never throws. */
  probe(): void;
  /** Closes the connection and rejects its requests in flight. Never throws. */
  abandon(reason: Error): void;
}

export interface SilenceSettings {
  /** A connection is suspect when an answer is late by this time. */
  readonly suspectMs: number;
  /** The time limit for the answer to a probe. */
  readonly probeMs: number;
  /** Opens another connection to the address, and closes it. @throws if the connection fails */
  readonly reach: (address: HostAndPort, signal: AbortSignal) => Promise<void>;
  readonly report: Report;
}

interface Entry {
  bytesRead: number;
  receivedAtMs: number;
}

const TICKS_PER_SUSPICION = 10;
/** If a tick is late by this factor, the process was stopped, and answers may have arrived that are not read yet. */
const STOPPED_FACTOR = 3;

/**
 * Finds connections that a load balancer or a NAT has dropped without a notice. A late answer makes a connection suspect, and then all
 * connections are probed. A connection is dead if it receives nothing while a new connection to the same address is answered. A slow
 * or frozen server does not answer a new connection either, so its connections are kept.
 */
export class SilenceWatch {
  readonly #settings: SilenceSettings;
  readonly #entries = new Map<WatchedConnection, Entry>();
  /** Servers with a connection on which a request has timed out. */
  readonly #timedOutPeers = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;
  #quietUntilMs = 0;
  #examination: AbortController | undefined;

  constructor(settings: SilenceSettings) {
    this.#settings = settings;
  }

  add(connection: WatchedConnection): void {
    this.#entries.set(connection, { bytesRead: connection.bytesRead, receivedAtMs: performance.now() });
    if (this.#timer !== undefined) return;
    this.#tickedAtMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.#tickMs).unref();
  }

  remove(connection: WatchedConnection): void {
    if (!this.#entries.delete(connection) || this.#entries.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#examination?.abort();
  }

  /** A request on the connection has timed out. The other connections are probed at once. */
  timedOut(connection: WatchedConnection): void {
    this.#timedOutPeers.add(connection.peer);
    this.remove(connection);
    this.#examine();
  }

  get #tickMs(): number {
    return Math.max(10, this.#settings.suspectMs / TICKS_PER_SUSPICION);
  }

  #tick(): void {
    const nowMs = performance.now();
    const wasStopped = nowMs - this.#tickedAtMs > STOPPED_FACTOR * this.#tickMs;
    this.#tickedAtMs = nowMs;
    for (const [connection, entry] of this.#entries) {
      if (!connection.isOpen) this.remove(connection);
      if (connection.bytesRead === entry.bytesRead && !wasStopped) continue;
      entry.bytesRead = connection.bytesRead;
      entry.receivedAtMs = nowMs;
    }
    if (nowMs < this.#quietUntilMs) return;
    const isSuspect = ([{ oldest }, { receivedAtMs }]: [WatchedConnection, Entry]): boolean => {
      if (oldest === undefined) return false;
      const allowedMs = (oldest.isPatient ? 0 : oldest.waitMs) + this.#settings.suspectMs;
      return nowMs - Math.max(oldest.sentAtMs, receivedAtMs) > allowedMs;
    };
    if ([...this.#entries].some(isSuspect)) this.#examine();
  }

  #examine(): void {
    if (this.#examination !== undefined || this.#entries.size === 0) return;
    const examination = new AbortController();
    this.#examination = examination;
    this.#probeAll(examination.signal)
      // It is aborted when the last connection closes.
      .catch(() => undefined)
      .finally(() => {
        this.#examination = undefined;
        this.#timedOutPeers.clear();
        this.#quietUntilMs = performance.now() + this.#settings.suspectMs;
      });
  }

  async #probeAll(signal: AbortSignal): Promise<void> {
    const { probeMs } = this.#settings;
    const probed = [...this.#entries.keys()].filter(({ isOpen }) => isOpen);
    const before = new Map(probed.map((connection) => [connection, connection.bytesRead]));
    for (const connection of probed) if (connection.oldest === undefined) connection.probe();
    const longestWaitMs = Math.max(0, ...probed.map(({ oldest }) => (oldest === undefined || oldest.isPatient ? 0 : oldest.waitMs)));
    const [reached] = await Promise.all([this.#reachable(probed, signal), sleep(probeMs + longestWaitMs, undefined, { signal })]);
    // After a stop of the process, timers run before the data that has arrived meanwhile.
    for (let turn = 0; turn < 2; turn += 1) await nextTurn(undefined, { signal });
    const silent = probed.filter((connection) => {
      const { isOpen, bytesRead, oldest, address } = connection;
      return isOpen && oldest !== undefined && bytesRead === before.get(connection) && reached.has(nameOf(address));
    });
    const dead = new Set([...this.#timedOutPeers, ...silent.filter(({ oldest }) => !oldest!.isPatient).map(({ peer }) => peer)]);
    for (const connection of silent) if (dead.has(connection.peer)) this.#abandon(connection);
  }

  async #reachable(probed: readonly WatchedConnection[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const addresses = new Map(probed.map(({ address }) => [nameOf(address), address]));
    const reached = new Set<string>();
    await Promise.all(
      [...addresses].map(async ([name, address]) => {
        try {
          await this.#settings.reach(address, signal);
          reached.add(name);
        } catch {
          // The server answers no new connection either, so the connection is kept.
        }
      }),
    );
    return reached;
  }

  #abandon(connection: WatchedConnection): void {
    const { report } = this.#settings;
    const name = nameOf(connection.address);
    this.remove(connection);
    connection.abandon(new KafkaLostConnectionError(name, new Error("the connection was silent while a new one was answered")));
    if (report.wants("warning"))
      report({ kind: "warning", text: `a connection to ${name} was silent while a new one was answered: it is opened again` });
  }
}

function nameOf({ host, port }: HostAndPort): string {
  return `${host}:${port}`;
}
