import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { javaProgram } from "./java-program.ts";
import { type KafkaBroker, KafkaBrokerProcess } from "./kafka-broker.ts";
import { kafkaClassPath } from "./kafka-jars.ts";
import { kafkaRequirements } from "./kafka-requirements.ts";
import { type KafkaSecurity, type KafkaSecurityOptions, createSecurityMaterial } from "./kafka-security.ts";
import { freeLoopbackPorts } from "./loopback-ports.ts";
import { startProcessGuard } from "./process-guard.ts";
import { runProgram } from "./program.ts";
import { scramArguments, securityProperties } from "./security-properties.ts";
import {
  CLIENT_LISTENERS,
  type KafkaBrokerPorts,
  type KafkaListener,
  type KafkaProfile,
  type KafkaProperties,
  propertiesFile,
  serverProperties,
} from "./server-properties.ts";

export type BrokerPorts = KafkaBrokerPorts & { readonly clientPorts: { readonly PLAINTEXT: number } };

export interface KafkaOptions {
  /** Default 1. Of three, every topic has three replicas and a write needs two. */
  readonly brokers?: 1 | 3 | undefined;
  /** Default "suite". */
  readonly profile?: KafkaProfile | undefined;
  /** Adds the listeners SSL, SASL_PLAINTEXT and SASL_SSL to the one without security, and access control lists. Needs openssl. */
  readonly security?: KafkaSecurityOptions | undefined;
  /** Server properties that replace those that `startKafka` sets: "log.retention.ms", "message.max.bytes", "num.partitions". */
  readonly properties?: KafkaProperties | undefined;
  /** Default 60,000: from the start of a broker until it serves groups. */
  readonly readyTimeoutMs?: number | undefined;
}

/** A real Apache Kafka on 127.0.0.1. It is removed completely by `stop`, or when the process that started it ends. */
export interface KafkaCluster extends AsyncDisposable {
  /** The URL for `connect`, of the listener without security. */
  readonly url: string;
  readonly bootstrapServers: string;
  readonly brokers: readonly KafkaBroker[];
  /** Present if `security` was given. */
  readonly security: KafkaSecurity | undefined;
  /** The class path for Java tools of the same release. */
  readonly classPath: string;
  /** A folder for files of tools. It is removed at the end. */
  readonly folder: string;
  stop(): Promise<void>;
}

const FORMAT_TIMEOUT_MS = 60_000;
const JAVA_LIMITS = ["-Xmx512m", "-XX:-UsePerfData", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];
/** This halves the time to start. A broker in a benchmark keeps the compiler that servers use. */
const QUICK_JAVA = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/**
 * Fetches Kafka if it is not cached, formats the storage, starts the brokers and waits until they serve groups.
 * @throws if Java or Maven is missing, with what to install; if a broker does not start, with the end of its log
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const missing = kafkaRequirements({ security: options.security !== undefined });
  if (missing !== null) throw new Error(missing);
  const { brokers: count = 1, profile = "suite", properties = {}, readyTimeoutMs = 60_000 } = options;
  const classPath = await kafkaClassPath();
  const folder = await mkdtemp(join(tmpdir(), "streamport-kafka-"));
  const guard = startProcessGuard(folder);
  const brokers: KafkaBrokerProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.kill()));
    await rm(folder, { recursive: true, force: true });
    guard.end();
  };
  try {
    const material = options.security === undefined ? undefined : await createSecurityMaterial(folder);
    const ports = await brokerPorts(count, material !== undefined);
    const formatting = ["--cluster-id", newClusterId(), ...(material === undefined ? [] : scramArguments(material))];
    const secured = material === undefined ? {} : securityProperties(material, options.security ?? {});
    await Promise.all(
      ports.map(async (broker) => {
        const home = join(folder, `broker-${broker.nodeId}`);
        const file = join(home, "server.properties");
        await mkdir(home);
        const settings = serverProperties({ broker, brokers: ports, logFolder: join(home, "log"), profile });
        await writeFile(file, propertiesFile({ ...settings, ...secured, ...properties }), { mode: 0o600 });
        await formatStorage(classPath, file, formatting);
      }),
    );
    for (const { nodeId, clientPorts } of ports) {
      const home = join(folder, `broker-${nodeId}`);
      const quick = profile === "suite" ? QUICK_JAVA : [];
      const javaArguments = [...JAVA_LIMITS, ...quick, "-cp", classPath, "kafka.Kafka", join(home, "server.properties")];
      const logFile = join(home, "broker.log");
      brokers.push(new KafkaBrokerProcess({ nodeId, port: clientPorts.PLAINTEXT, javaArguments, logFile, guard, readyTimeoutMs }));
    }
    await Promise.all(brokers.map((broker) => broker.startKnowing(brokers.map(({ nodeId }) => nodeId))));
    const servers = bootstrapServers(ports, "PLAINTEXT");
    return {
      url: `kafka://${servers}`,
      bootstrapServers: servers,
      brokers,
      security: material === undefined ? undefined : { ...material, bootstrapServers: listenersWithSecurity(ports) },
      classPath,
      folder,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function bootstrapServers(ports: readonly BrokerPorts[], listener: KafkaListener): string {
  return ports.map(({ clientPorts }) => `127.0.0.1:${clientPorts[listener]}`).join(",");
}

function listenersWithSecurity(ports: readonly BrokerPorts[]): KafkaSecurity["bootstrapServers"] {
  return {
    SSL: bootstrapServers(ports, "SSL"),
    SASL_PLAINTEXT: bootstrapServers(ports, "SASL_PLAINTEXT"),
    SASL_SSL: bootstrapServers(ports, "SASL_SSL"),
  };
}

async function formatStorage(classPath: string, propertiesFile: string, options: readonly string[]): Promise<void> {
  const format = ["format", "--config", propertiesFile, ...options];
  await runProgram(javaProgram(), [...JAVA_LIMITS, ...QUICK_JAVA, "-cp", classPath, "kafka.tools.StorageTool", ...format], {
    timeoutMs: FORMAT_TIMEOUT_MS,
  });
}

/** An id of 16 bytes in Kafka's text form. Kafka's tools would take an id that starts with "-" for an option. */
function newClusterId(): string {
  const id = randomBytes(16).toString("base64url");
  return id.startsWith("-") ? newClusterId() : id;
}

/** Free ports for the listeners of this many brokers. A broker keeps its ports when it restarts. */
export async function brokerPorts(brokers: number, security: boolean): Promise<readonly BrokerPorts[]> {
  const secured: readonly KafkaListener[] = security ? CLIENT_LISTENERS.filter((name) => name !== "PLAINTEXT") : [];
  const free = [...(await freeLoopbackPorts(brokers * (2 + secured.length)))];
  const next = (): number => {
    const port = free.pop();
    if (port === undefined) throw new Error("fewer ports were found than the brokers have listeners");
    return port;
  };
  return Array.from({ length: brokers }, (_, index) => ({
    nodeId: index + 1,
    controllerPort: next(),
    clientPorts: { PLAINTEXT: next(), ...Object.fromEntries(secured.map((name) => [name, next()])) },
  }));
}
