import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../../../src/driver/index.ts";
import { isFirstEnd, isWrongHost } from "../errors.ts";
import type { ConnectionPurpose } from "./api.ts";
import { BrokerConnection, type ConnectAddress } from "./broker-connection.ts";
import type { ClientSettings } from "./client-settings.ts";
import { type BrokerAddress, KafkaConnectError } from "./kafka-client.ts";
import { type Sdk, loadSdk } from "./sdk.ts";
import { SilenceWatch } from "./silence-watch.ts";

const FIRST_END_RETRY_MS = 200;

/** Instead of a broker's number: any broker, the first one that answers. */
export const ANY_BROKER = -1;

type HostAndPort = Pick<BrokerAddress, "host" | "port">;

/** Shared by all clients of one driver: settings, addresses of brokers, and the watch of all connections. */
export class ClusterAddresses {
  readonly settings: ClientSettings;
  readonly report: Report;
  readonly watch: SilenceWatch;
  readonly #known = new Map<number, BrokerAddress>();
  readonly #reached = new Set<string>();
  #sdk: Promise<Sdk> | undefined;
  #turn = 0;

  constructor(settings: ClientSettings, report: Report) {
    this.settings = settings;
    this.report = report;
    const { suspectMs, probeMs } = settings;
    this.watch = new SilenceWatch({ suspectMs, probeMs, report, reach: (address, signal) => this.#reach(address, signal) });
  }

  /** @throws if a new connection cannot be opened */
  async #reach(address: HostAndPort, signal: AbortSignal): Promise<void> {
    const connection = await BrokerConnection.open(await this.sdk(), this.settings, this.report, {
      ...address,
      wasReachedBefore: true,
      signal,
    });
    connection.close(closedError());
  }

  addBrokers(brokers: readonly BrokerAddress[]): void {
    for (const broker of brokers) this.#known.set(broker.brokerId, broker);
  }

  /** Notes that a connection to the address was complete. */
  reached({ host, port }: HostAndPort): void {
    this.#reached.add(`${host}:${port}`);
  }

  hasReached({ host, port }: HostAndPort): boolean {
    return this.#reached.has(`${host}:${port}`);
  }

  sdk(): Promise<Sdk> {
    this.#sdk ??= loadSdk();
    return this.#sdk;
  }

  /** The addresses to try: the one of the broker, or all known ones for any broker, with a different first one at each call. */
  of(brokerId: number): readonly HostAndPort[] {
    if (brokerId !== ANY_BROKER) {
      const broker = this.#known.get(brokerId);
      return broker === undefined ? [] : [broker];
    }
    const { brokers } = this.settings;
    const first = this.#turn++ % brokers.length;
    const given = [...brokers.slice(first), ...brokers.slice(0, first)];
    return [...given, ...[...this.#known.values()].filter((broker) => !this.isGiven(broker))];
  }

  /** Is it one of the addresses in the options? */
  isGiven({ host, port }: HostAndPort): boolean {
    return this.settings.brokers.some((broker) => broker.host === host && broker.port === port);
  }
}

/** The connections of one client. They are opened when they are needed, and again after a failure. */
export class Connections {
  readonly #cluster: ClusterAddresses;
  readonly #open = new Map<string, Promise<BrokerConnection>>();
  readonly #closing = new AbortController();

  constructor(cluster: ClusterAddresses) {
    this.#cluster = cluster;
  }

  /** @throws `KafkaConnectError` */
  async of(brokerId: number, purpose: ConnectionPurpose): Promise<BrokerConnection> {
    const name = `${brokerId} ${purpose}`;
    for (;;) {
      const opening = this.#open.get(name);
      if (opening === undefined) break;
      const connection = await opening;
      if (connection.isOpen) return connection;
      if (this.#open.get(name) === opening) this.#open.delete(name);
    }
    const opening = this.#connect(brokerId);
    this.#open.set(name, opening);
    try {
      return await opening;
    } catch (error) {
      if (this.#open.get(name) === opening) this.#open.delete(name);
      throw error;
    }
  }

  async #connect(brokerId: number): Promise<BrokerConnection> {
    const sdk = await this.#cluster.sdk();
    let failure: unknown;
    const failures: KafkaConnectError[] = [];
    for (const { host, port } of this.#cluster.of(brokerId)) {
      const { signal } = this.#closing;
      signal.throwIfAborted();
      try {
        const wasReachedBefore = this.#cluster.hasReached({ host, port });
        const connection = await this.#openWithRetry(sdk, { host, port, wasReachedBefore, signal });
        if (signal.aborted) {
          connection.close(closedError());
          signal.throwIfAborted();
        }
        this.#cluster.reached({ host, port });
        connection.watchedBy(this.#cluster.watch);
        return connection;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof KafkaConnectError) {
          if (!this.#cluster.isGiven({ host, port })) error.addressAdvertised();
          failures.push(error);
        }
        // One of several addresses may be wrong. The failure of another address says more.
        if (failure === undefined || !isWrongHost(error)) failure = error;
        // All brokers refuse the same credentials.
        if (error instanceof KafkaConnectError && error.step === "authenticate") break;
      }
    }
    failure ??= new KafkaConnectError(`broker ${brokerId}, which the cluster does not name`, "connect", {}, null);
    if (failure instanceof KafkaConnectError) failure.triedOthers(failures.filter((other) => other !== failure));
    throw failure;
  }

  /** A server that closes a first connection may be stopping. Only a second time shows that it refuses this client. */
  async #openWithRetry(sdk: Sdk, address: ConnectAddress): Promise<BrokerConnection> {
    const { settings, report } = this.#cluster;
    try {
      return await BrokerConnection.open(sdk, settings, report, address);
    } catch (error) {
      if (!isFirstEnd(error)) throw error;
      await sleep(FIRST_END_RETRY_MS, undefined, { signal: address.signal });
      return await BrokerConnection.open(sdk, settings, report, address);
    }
  }

  /** Also ends connections that are being opened. Never rejects. */
  async close(): Promise<void> {
    this.#closing.abort(closedError());
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const opening of all) {
      opening.then(
        (connection) => connection.close(closedError()),
        // It never opened, so there is nothing to close. Its callers receive the failure.
        () => undefined,
      );
    }
    await Promise.resolve();
  }
}

function closedError(): Error {
  return new Error("the client was closed");
}
