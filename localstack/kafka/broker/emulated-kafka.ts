import type { Fault } from "../../../src/driver/index.ts";
import { StreamError } from "../../../src/errors.ts";
import { type DamageOptions, looksOf } from "../../damage-options.ts";
import type { EmulatorTopic } from "../../emulator.ts";
import { requireOpen } from "../../require-open.ts";
import { Cluster } from "./cluster.ts";
import { type ErrorAnswer, plannedAnswer, plannedFault } from "./faults/fault-effect.ts";
import { BrokerServers, type EmulatedBroker } from "./server/broker-servers.ts";
import { compactTopic, createTopic, damageLastBatch, moveLeader, truncateLog } from "./topics/topic-control.ts";

export interface EmulatedKafkaOptions {
  /** All of them have every topic, where nothing else is said. @default 1 */
  readonly brokers?: number | undefined;
  /** Of the first broker. @default a free one */
  readonly port?: number | undefined;
  /** An address of this machine that the brokers listen on; `0.0.0.0`: all of them. @default 127.0.0.1 */
  readonly host?: string | undefined;
  /** The name by which clients reach them: brokers send clients to each other by it. @default `host`; 127.0.0.1 where that is all addresses */
  readonly advertisedHost?: string | undefined;
  readonly topics?: Readonly<Record<string, EmulatorTopic>> | undefined;
  /** The broker's own settings by Kafka's names: `{ "group.initial.rebalance.delay.ms": "3000" }`. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** Where a kind of fault has several ways to show (README.md), they take turns; the first begins with this one. @default 0 */
  readonly firstFaultTurn?: number | undefined;
  /** Passwords by user name: then clients authenticate by SASL PLAIN. @default whoever comes is let in */
  readonly users?: Readonly<Record<string, string>> | undefined;
}

/** Brokers that speak Kafka's protocol, in this process and its memory. `README.md` says what they do not do. Closed, it is an error `closed`. */
export interface EmulatedKafka extends AsyncDisposable {
  /** For `connect`; with the first of the users. */
  readonly url: string;
  /** `host:port`, separated by commas. */
  readonly bootstrapServers: string;
  readonly brokers: readonly EmulatedBroker[];
  /** @param kafkaSettings by Kafka's own names: `{ "cleanup.policy": "compact" }`. Rejects with `already-exists`, `invalid-argument` */
  createTopic(topic: string, settings?: EmulatorTopic, kafkaSettings?: Readonly<Record<string, string>>): Promise<void>;
  /** Plans a fault of the vocabulary that all emulators share. @throws `invalid-argument` for a kind that is not of it */
  inject(fault: Fault): void;
  /** Withdraws what has not happened yet. */
  clearFaults(): void;
  /** Plans that requests of one kind are answered with an error code. */
  answerWith(answer: ErrorAnswer): void;
  /** Compacts the topic now and up to its end, as Kafka does after a while and not as far. @throws `not-found` */
  compact(topic: string): void;
  /** Damages the batch that was stored last in a partition. @throws `not-found` · `invalid-argument` for a partition that is not there, or empty */
  damage(topic: string, partition: string, options?: DamageOptions): void;
  /** To this broker, or to another one. @throws `not-found`, `conflict` where it cannot lead */
  moveLeader(topic: string, partition: number, nodeId?: number): void;
  /**
   * An unclean election: a replica that lacks the batch with this offset and all behind it leads the partition now, in a new
   * epoch, and what comes next takes their offsets. Of several replicas another one leads. @throws `not-found`, `conflict` where none is up
   */
  truncate(topic: string, partition: number, offset: bigint): void;
  /** All brokers go away and come back with what is stored; members have to join again. */
  restart(): Promise<void>;
  /** Never rejects. What was stored is gone. */
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";
/** To listen on; nobody can be sent there. */
const EVERY_ADDRESS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** @throws `configuration` for properties that have no effect here, or a port that is taken · `invalid-argument` for topics that cannot be */
export async function startEmulatedKafka(options: EmulatedKafkaOptions = {}): Promise<EmulatedKafka> {
  const { brokers = 1, port = 0, topics = {}, properties = {}, users, firstFaultTurn = 0, host = LOOPBACK } = options;
  const { advertisedHost = EVERY_ADDRESS.has(host) ? LOOPBACK : host } = options;
  const cluster = new Cluster({
    brokers,
    properties,
    users: users === undefined ? null : new Map(Object.entries(users)),
    firstFaultTurn,
    advertisedHost,
  });
  const servers = new BrokerServers(cluster, host);
  const close = (): Promise<void> => servers.close();
  try {
    await servers.start(port);
    for (const [topic, settings] of Object.entries(topics)) createTopic(cluster, topic, settings, {});
  } catch (error) {
    await close();
    throw error instanceof StreamError ? error : cannotListen(host, port, error);
  }
  const { bootstrapServers } = servers;
  const opened = (): Cluster => {
    requireOpen("kafka", servers.isClosed);
    return cluster;
  };
  return {
    url: urlOf(bootstrapServers, users),
    bootstrapServers,
    brokers: servers.brokers,
    createTopic: async (topic, settings = {}, kafkaSettings = {}) => createTopic(opened(), topic, settings, kafkaSettings),
    inject: (fault) => opened().faults.add(plannedFault(fault)),
    clearFaults: () => {
      const { faults, invalidRecords } = opened();
      faults.clear();
      invalidRecords.clear();
    },
    answerWith: (answer) => opened().faults.add(plannedAnswer(answer)),
    compact: (topic) => compactTopic(opened(), topic),
    damage: (topic, partition, damage) => damageLastBatch(opened(), topic, partition, looksOf(damage)),
    moveLeader: (topic, partition, nodeId) => moveLeader(opened(), topic, partition, nodeId),
    truncate: (topic, partition, offset) => truncateLog(opened(), topic, partition, offset),
    restart: async () => {
      opened();
      await servers.restart();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function urlOf(servers: string, users: EmulatedKafkaOptions["users"]): string {
  const [user] = Object.entries(users ?? {});
  if (user === undefined) return `kafka://${servers}`;
  const [name, password] = user.map(encodeURIComponent);
  return `kafka://${name}:${password}@${servers}?sasl.mechanism=plain`;
}

function cannotListen(host: string, port: number, cause: unknown): StreamError {
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  const text = `the emulated Kafka cannot listen on port ${port} of ${host}: ${code}`;
  return new StreamError("configuration", text, { provider: "kafka", cause });
}
