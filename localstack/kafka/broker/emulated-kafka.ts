import { setTimeout as delay } from "node:timers/promises";
import type { TopicSettings } from "../../../src/admin/admin-types.ts";
import type { Fault } from "../../../src/driver/index.ts";
import { StreamError } from "../../../src/errors.ts";
import { Cluster } from "./cluster.ts";
import { ErrorCode, Refusal } from "./error-code.ts";
import { type ErrorAnswer, plannedAnswer, plannedTrouble } from "./faults/trouble.ts";
import { BrokerListener } from "./server/broker-listener.ts";

export interface EmulatedKafkaOptions {
  /** @default 1 */
  readonly brokers?: number | undefined;
  /** Of the first broker. @default a free one */
  readonly port?: number | undefined;
  readonly topics?: Readonly<Record<string, TopicSettings>> | undefined;
  /** The broker's own settings by Kafka's names: `{ "group.initial.rebalance.delay.ms": "3000" }`. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** Passwords by user name: then clients authenticate by SASL PLAIN. @default whoever comes is let in */
  readonly users?: Readonly<Record<string, string>> | undefined;
}

/** One broker of an emulated cluster. */
interface EmulatedBroker {
  readonly nodeId: number;
  readonly port: number;
  /** Hangs up and listens no more; its partitions go to other replicas, where there are any. */
  stop(): Promise<void>;
  /** On the same port again. */
  start(): Promise<void>;
}

/** Brokers that speak Kafka's protocol, in this process and its memory. See README.md for what they do not do. */
export interface EmulatedKafka extends AsyncDisposable {
  /** For `connect`. */
  readonly url: string;
  readonly bootstrapServers: string;
  readonly brokers: readonly EmulatedBroker[];
  /** Kafka's own settings by their names, beside those of streamport: `{ "cleanup.policy": "compact" }`. */
  createTopic(topic: string, settings?: TopicSettings, kafkaSettings?: Readonly<Record<string, string>>): Promise<void>;
  /** Plans a fault of the shared vocabulary. @throws `invalid-argument` for a kind or partition that there cannot be */
  inject(fault: Fault): void;
  /** Plans that requests of one kind are answered with an error code. */
  answerWith(answer: ErrorAnswer): void;
  /** To the broker, or to the next replica that is up. @throws `not-found`, `conflict` */
  moveLeader(topic: string, partition: number, nodeId?: number): void;
  /** All brokers go away and come back with what is stored; members have to join again. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** How long a restart keeps the brokers away. */
const AWAY_MS = 50;

/** @throws `configuration`, `invalid-argument` · rejects where the port is taken */
export async function startEmulatedKafka(options: EmulatedKafkaOptions = {}): Promise<EmulatedKafka> {
  const { brokers = 1, port = 0, topics = {}, properties = {}, users } = options;
  const cluster = new Cluster({ brokers, properties, users: users === undefined ? null : new Map(Object.entries(users)) });
  let isClosed = false;

  const start = async (listener: BrokerListener, at?: number): Promise<void> => {
    if (isClosed) return;
    await listener.start(at);
    cluster.electLeaders();
  };
  const stop = async (listener: BrokerListener): Promise<void> => {
    const stopped = listener.stop();
    cluster.electLeaders();
    await stopped;
  };
  const restart = async (): Promise<void> => {
    cluster.groups.forgetMembers();
    await Promise.all(listeners.map((listener) => listener.stop()));
    await delay(AWAY_MS);
    await Promise.all(listeners.map((listener) => start(listener)));
  };
  const listeners = cluster.nodes.map((node) => new BrokerListener(cluster, node, () => void restart()));

  const close = async (): Promise<void> => {
    isClosed = true;
    await Promise.all(listeners.map((listener) => listener.stop()));
    cluster.close();
  };
  try {
    await Promise.all(listeners.map((listener, index) => start(listener, index === 0 ? port : 0)));
  } catch (error) {
    await close();
    throw error;
  }
  const bootstrapServers = cluster.nodes.map((node) => `${node.host}:${node.port}`).join(",");
  const kafka: EmulatedKafka = {
    url: urlOf(bootstrapServers, users),
    bootstrapServers,
    brokers: listeners.map((listener) => ({
      nodeId: listener.node.nodeId,
      port: listener.node.port,
      stop: () => stop(listener),
      start: () => start(listener),
    })),
    async createTopic(topic, settings = {}, kafkaSettings = {}) {
      createTopic(cluster, topic, settings, kafkaSettings);
    },
    inject: (fault) => cluster.faults.add(plannedTrouble(fault)),
    answerWith: (answer) => cluster.faults.add(plannedAnswer(answer)),
    moveLeader: (topic, partition, nodeId) => moveLeader(cluster, topic, partition, nodeId),
    restart,
    close,
    [Symbol.asyncDispose]: close,
  };
  try {
    for (const [topic, settings] of Object.entries(topics)) await kafka.createTopic(topic, settings);
  } catch (error) {
    await close();
    throw error;
  }
  return kafka;
}

/** Whoever has the URL needs nothing else. */
function urlOf(servers: string, users: Readonly<Record<string, string>> | undefined): string {
  const [user] = Object.entries(users ?? {});
  if (user === undefined) return `kafka://${servers}`;
  const [name, password] = user.map(encodeURIComponent);
  return `kafka://${name}:${password}@${servers}?sasl.mechanism=plain`;
}

function createTopic(
  cluster: Cluster,
  name: string,
  { partitions = null, retentionMs }: { readonly partitions?: number | null | undefined; readonly retentionMs?: number | undefined },
  kafkaSettings: Readonly<Record<string, string>>,
): void {
  const settings = new Map(Object.entries(kafkaSettings));
  if (retentionMs !== undefined) settings.set("retention.ms", String(retentionMs));
  try {
    cluster.topics.create({ name, partitions, replicationFactor: null, assignment: null, settings }, Date.now());
    cluster.electLeaders();
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    const code = cause.errorCode === ErrorCode.topicAlreadyExists ? "already-exists" : "invalid-argument";
    throw new StreamError(code, `the emulated Kafka refuses to create topic ${JSON.stringify(name)}: ${cause.message}`, {
      provider: "kafka",
      topic: name,
      cause,
    });
  }
}

function moveLeader(cluster: Cluster, topic: string, index: number, nodeId: number | undefined): void {
  const partition = cluster.topics.get(topic)?.partitions[index];
  if (partition === undefined)
    throw new StreamError("not-found", `there is no partition ${index} of topic ${topic}`, { provider: "kafka", topic });
  const candidates = cluster.inSyncReplicas(partition).filter((replica) => replica !== partition.leaderId);
  const next = nodeId ?? candidates[0];
  if (next === undefined || !cluster.inSyncReplicas(partition).includes(next)) {
    const allowed = `its replicas that are up are ${cluster.inSyncReplicas(partition).join(", ")}`;
    throw new StreamError("conflict", `broker ${next ?? "none"} cannot lead partition ${index} of topic ${topic}: ${allowed}`, {
      provider: "kafka",
      topic,
    });
  }
  partition.lead(next);
}
