import type { Fault, FaultKind } from "../../../src/driver/index.ts";
import { type DamageOptions, damagedReadsOf } from "../../damage-options.ts";
import type { EmulatorTopic } from "../../emulator.ts";
import { cannotListen, listeningAddress } from "../../listening-address.ts";
import { requireOpen } from "../../require-open.ts";
import { Cluster } from "./cluster.ts";
import { type ErrorAnswer, plannedAnswer } from "./faults/fault-effect.ts";
import { BrokerServers, type EmulatedBroker } from "./server/broker-servers.ts";
import { compactTopic, createTopic, damageLastBatch, expireTopic, moveLeader, truncateLog } from "./topics/topic-control.ts";

export interface EmulatedKafkaOptions {
  /** How many brokers. Each has a replica of every topic, unless a setting says otherwise. @default 1 */
  readonly brokers?: number | undefined;
  /** Port of the first broker. @default a free one */
  readonly port?: number | undefined;
  /** The address of this machine on which the brokers listen; `0.0.0.0`: all addresses. @default 127.0.0.1 */
  readonly host?: string | undefined;
  /** The name by which clients reach the brokers. Brokers send clients to each other by it. @default `host`; 127.0.0.1 if `host` is all addresses */
  readonly advertisedHost?: string | undefined;
  readonly topics?: Readonly<Record<string, EmulatorTopic>> | undefined;
  /** The broker settings, by Kafka's names: `{ "group.initial.rebalance.delay.ms": "3000" }`. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** If a kind of fault has several variants (README.md), they take turns. The first fault of a kind begins with this one. @default 0 */
  readonly firstFaultTurn?: number | undefined;
  /** Passwords by user name. If given, clients must authenticate by SASL PLAIN. @default clients need not authenticate */
  readonly users?: Readonly<Record<string, string>> | undefined;
}

/** Brokers that speak Kafka's protocol, in this process and its memory. `README.md` lists what they do not do. After `close`, methods fail with `closed`. */
export interface EmulatedKafka extends AsyncDisposable {
  /** The URL for `connect`. It includes the first of the users. */
  readonly url: string;
  /** `host:port` of each broker, separated by commas. */
  readonly bootstrapServers: string;
  readonly brokers: readonly EmulatedBroker[];
  /** @param kafkaSettings by Kafka's own names: `{ "cleanup.policy": "compact" }`. Rejects with `already-exists`, `invalid-argument` */
  createTopic(topic: string, settings?: EmulatorTopic, kafkaSettings?: Readonly<Record<string, string>>): Promise<void>;
  readonly faultKinds: readonly FaultKind[];
  /** Plans a fault of the vocabulary that all emulators share. @throws `invalid-argument` for an unknown kind · `unsupported` for an operation that its calls are not of */
  inject(fault: Fault): void;
  /** Withdraws the faults that have not been applied yet. */
  clearFaults(): void;
  /** Plans an error code as the answer to requests of one kind. */
  answerWith(answer: ErrorAnswer): void;
  /** Compacts the topic at once and up to its end. Kafka compacts later, and never the newest segment. Rejects with `not-found` */
  compact(topic: string): Promise<void>;
  /** Deletes everything that is stored now, as retention does once it has passed. Rejects with `not-found` */
  expire(topic: string): Promise<void>;
  /** Damages the batch that was stored last in a partition. @throws `not-found` · `invalid-argument` for a partition that does not exist or is empty */
  damage(topic: string, partition: string, options?: DamageOptions): void;
  /** Moves the leadership to this broker; without an id, to another replica. @throws `not-found`, `conflict` if it cannot lead */
  moveLeader(topic: string, partition: number, nodeId?: number): void;
  /**
   * Makes an unclean election: the new leader lacks the batch with this offset and all later ones. It leads in a new epoch, and the next
   * records take the same offsets. If the partition has several replicas, another one leads. @throws `not-found`, `conflict` if none is up
   */
  truncate(topic: string, partition: number, offset: bigint): void;
  /** Stops all brokers and starts them again with their logs. Members have to join again. */
  restart(): Promise<void>;
  /** Ends all brokers and drops their logs. Never rejects. */
  close(): Promise<void>;
}

/** @throws `configuration` for properties that have no effect here, or a port that is taken · `invalid-argument` for invalid topics */
export async function startEmulatedKafka(options: EmulatedKafkaOptions = {}): Promise<EmulatedKafka> {
  const { brokers = 1, port = 0, topics = {}, properties = {}, users, firstFaultTurn = 0 } = options;
  const { host, advertisedHost } = listeningAddress(options);
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
    throw cannotListen("kafka", "the emulated Kafka", { host, port }, error);
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
    faultKinds: cluster.faults.kinds,
    inject: (fault) => opened().faults.inject(fault),
    clearFaults: () => {
      const { faults, invalidRecords } = opened();
      faults.clear();
      invalidRecords.clear();
    },
    answerWith: (answer) => opened().faults.plan(plannedAnswer(answer)),
    compact: async (topic) => compactTopic(opened(), topic),
    expire: async (topic) => expireTopic(opened(), topic),
    damage: (topic, partition, damage) => damageLastBatch(opened(), topic, partition, damagedReadsOf(damage)),
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
