import { performance } from "node:perf_hooks";
import { clearInterval, setInterval } from "node:timers";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../../../src/driver/index.ts";
import { type BrokerAddress, KafkaLostConnectionError } from "./kafka-client.ts";

type HostAndPort = Pick<BrokerAddress, "host" | "port">;

/** A request without an answer so far. */
export interface Unanswered {
  readonly sentAtMs: number;
  /** How long the server itself may wait before it answers. */
  readonly waitMs: number;
  /** The server may take long for reasons of its own, so that a late answer alone proves nothing. */
  readonly isPatient: boolean;
}

/** What the watch sees of a connection, and does with it. */
export interface WatchedConnection {
  /** Where a new connection is opened. */
  readonly address: HostAndPort;
  /** The server as the network names it: one server may have several addresses. */
  readonly peer: string;
  readonly isOpen: boolean;
  /** Grows with everything that arrives. */
  readonly bytesRead: number;
  /** The first request without an answer; a server answers in order. */
  readonly oldest: Unanswered | undefined;
  /** Sends a small request that a server answers at once. Never throws. */
  probe(): void;
  /** Gives the connection up: what waits for an answer is rejected. Never throws. */
  abandon(reason: Error): void;
}

export interface SilenceSettings {
  /** An answer that is late by this makes a connection suspect. */
  readonly suspectMs: number;
  /** How long an answer to a probe is waited for. */
  readonly probeMs: number;
  /** Opens another connection to the address, and closes it. @throws where that does not work */
  readonly reach: (address: HostAndPort, signal: AbortSignal) => Promise<void>;
  readonly report: Report;
}

interface Entry {
  bytesRead: number;
  heardAtMs: number;
}

const TICKS_PER_SUSPICION = 10;
/** A tick that is late by this factor: the process stood still, and answers may lie unread. */
const STOOD_STILL = 3;

/**
 * Finds connections whose other end is gone without a word, as behind a load balancer or a NAT that forgets them: a late answer
 * makes one suspect, and all are asked then. One that stays silent while a new connection to the same address is answered is dead.
 * A server that is slow or frozen answers no new connection either, so that nothing is given up because of it.
 */
export class SilenceWatch {
  readonly #settings: SilenceSettings;
  readonly #entries = new Map<WatchedConnection, Entry>();
  /** Servers of which a connection has proven dead by a request's time-out. */
  readonly #evidence = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;
  #restsUntilMs = 0;
  #examination: AbortController | undefined;

  constructor(settings: SilenceSettings) {
    this.#settings = settings;
  }

  add(connection: WatchedConnection): void {
    this.#entries.set(connection, { bytesRead: connection.bytesRead, heardAtMs: performance.now() });
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

  /** A request on it was not answered within its whole time: the others are asked at once. */
  timedOut(connection: WatchedConnection): void {
    this.#evidence.add(connection.peer);
    this.remove(connection);
    this.#examine();
  }

  get #tickMs(): number {
    return Math.max(10, this.#settings.suspectMs / TICKS_PER_SUSPICION);
  }

  #tick(): void {
    const nowMs = performance.now();
    const stoodStill = nowMs - this.#tickedAtMs > STOOD_STILL * this.#tickMs;
    this.#tickedAtMs = nowMs;
    for (const [connection, entry] of this.#entries) {
      if (!connection.isOpen) this.remove(connection);
      if (connection.bytesRead === entry.bytesRead && !stoodStill) continue;
      entry.bytesRead = connection.bytesRead;
      entry.heardAtMs = nowMs;
    }
    if (nowMs < this.#restsUntilMs) return;
    const isSuspect = ([{ oldest }, { heardAtMs }]: [WatchedConnection, Entry]): boolean => {
      if (oldest === undefined) return false;
      const allowedMs = (oldest.isPatient ? 0 : oldest.waitMs) + this.#settings.suspectMs;
      return nowMs - Math.max(oldest.sentAtMs, heardAtMs) > allowedMs;
    };
    if ([...this.#entries].some(isSuspect)) this.#examine();
  }

  #examine(): void {
    if (this.#examination !== undefined || this.#entries.size === 0) return;
    const examination = new AbortController();
    this.#examination = examination;
    this.#ask(examination.signal)
      // Cut short because nothing is open any more.
      .catch(() => undefined)
      .finally(() => {
        this.#examination = undefined;
        this.#evidence.clear();
        this.#restsUntilMs = performance.now() + this.#settings.suspectMs;
      });
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { probeMs } = this.#settings;
    const asked = [...this.#entries.keys()].filter(({ isOpen }) => isOpen);
    const before = new Map(asked.map((connection) => [connection, connection.bytesRead]));
    for (const connection of asked) if (connection.oldest === undefined) connection.probe();
    const longestWaitMs = Math.max(0, ...asked.map(({ oldest }) => (oldest === undefined || oldest.isPatient ? 0 : oldest.waitMs)));
    const [reached] = await Promise.all([this.#reachable(asked, signal), sleep(probeMs + longestWaitMs, undefined, { signal })]);
    // After a pause of the process timers come before what has arrived meanwhile.
    for (let turn = 0; turn < 2; turn += 1) await nextTurn(undefined, { signal });
    const silent = asked.filter((connection) => {
      const { isOpen, bytesRead, oldest, address } = connection;
      return isOpen && oldest !== undefined && bytesRead === before.get(connection) && reached.has(nameOf(address));
    });
    const dead = new Set([...this.#evidence, ...silent.filter(({ oldest }) => !oldest!.isPatient).map(({ peer }) => peer)]);
    for (const connection of silent) if (dead.has(connection.peer)) this.#abandon(connection);
  }

  async #reachable(asked: readonly WatchedConnection[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const addresses = new Map(asked.map(({ address }) => [nameOf(address), address]));
    const reached = new Set<string>();
    await Promise.all(
      [...addresses].map(async ([name, address]) => {
        try {
          await this.#settings.reach(address, signal);
          reached.add(name);
        } catch {
          // Then its silence is the server's.
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
      report({ kind: "warning", text: `a connection to ${name} was silent while a new one was answered: it is opened anew` });
  }
}

function nameOf({ host, port }: HostAndPort): string {
  return `${host}:${port}`;
}
