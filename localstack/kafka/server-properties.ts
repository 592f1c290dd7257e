/** The group settings of the brokers: quick ones for a suite, or the server's own for figures as users would see them. */
export type KafkaProfile = "suite" | "default";

/** The listeners have the names of Kafka's security protocols. */
export const CLIENT_LISTENERS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] as const;
export type KafkaListener = (typeof CLIENT_LISTENERS)[number];

/** The ports of one broker, which is also a controller. */
export interface KafkaBrokerPorts {
  readonly nodeId: number;
  readonly controllerPort: number;
  readonly clientPorts: Readonly<Partial<Record<KafkaListener, number>>>;
}

export type KafkaProperties = Readonly<Record<string, string>>;

export interface ServerPropertiesOptions {
  readonly broker: KafkaBrokerPorts;
  /** All brokers of the cluster, including this one. */
  readonly brokers: readonly KafkaBrokerPorts[];
  readonly logFolder: string;
  readonly profile: KafkaProfile;
}

const SUITE_GROUPS: KafkaProperties = {
  "group.initial.rebalance.delay.ms": "0",
  "group.min.session.timeout.ms": "500",
  "offsets.topic.num.partitions": "1",
  "transaction.state.log.num.partitions": "1",
  "share.coordinator.state.topic.num.partitions": "1",
};

/**
 * The cluster notices a dead broker after 3 s instead of 9. Until then its partitions have no leader, and the cluster refuses it after
 * `kill -9`. With 9 s, tests that kill brokers would mostly wait.
 */
const QUICK_FAILOVER: KafkaProperties = {
  "broker.heartbeat.interval.ms": "500",
  "broker.session.timeout.ms": "3000",
};

/** The settings of one broker, without those for security and those of the caller. */
export function serverProperties({ broker, brokers, logFolder, profile }: ServerPropertiesOptions): KafkaProperties {
  const replicas = String(brokers.length);
  const inSync = String(Math.max(1, brokers.length - 1));
  const clientListeners = CLIENT_LISTENERS.flatMap((name) => {
    const port = broker.clientPorts[name];
    return port === undefined ? [] : [`${name}://127.0.0.1:${port}`];
  });
  return {
    "process.roles": "broker,controller",
    "node.id": String(broker.nodeId),
    "controller.quorum.voters": brokers.map(({ nodeId, controllerPort }) => `${nodeId}@127.0.0.1:${controllerPort}`).join(","),
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": ["CONTROLLER:PLAINTEXT", ...CLIENT_LISTENERS.map((name) => `${name}:${name}`)].join(","),
    listeners: [...clientListeners, `CONTROLLER://127.0.0.1:${broker.controllerPort}`].join(","),
    "advertised.listeners": clientListeners.join(","),
    "log.dirs": logFolder,
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "default.replication.factor": replicas,
    "min.insync.replicas": inSync,
    "offsets.topic.replication.factor": replicas,
    "transaction.state.log.replication.factor": replicas,
    "transaction.state.log.min.isr": inSync,
    "share.coordinator.state.topic.replication.factor": replicas,
    "share.coordinator.state.topic.min.isr": inSync,
    ...QUICK_FAILOVER,
    ...(profile === "suite" ? SUITE_GROUPS : {}),
  };
}

/** The text of a file that `java.util.Properties` reads back to the same values. */
export function propertiesFile(properties: KafkaProperties): string {
  const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${escaped(value)}\n`)
    .join("");
}
