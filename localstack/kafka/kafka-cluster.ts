import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { javaProgram } from "./java-program.ts";
import { type KafkaBroker, KafkaBrokerProcess } from "./kafka-broker.ts";
import { kafkaClassPath } from "./kafka-jars.ts";
import { kafkaRequirements } from "./kafka-requirements.ts";
import { freeLoopbackPorts } from "./loopback-ports.ts";
import { startProcessGuard } from "./process-guard.ts";
import { runProgram } from "./program.ts";
import { type KafkaBrokerPorts, type KafkaProfile, type KafkaProperties, propertiesFile, serverProperties } from "./server-properties.ts";

export interface KafkaOptions {
  /** Default 1. Of three, every topic has three replicas and a write needs two. */
  readonly brokers?: 1 | 3 | undefined;
  /** Default "suite". */
  readonly profile?: KafkaProfile | undefined;
  /** Server properties that win over those of the starter: "log.retention.ms", "message.max.bytes", "num.partitions". */
  readonly properties?: KafkaProperties | undefined;
  /** Default 60,000: from the start of a broker until it serves groups. */
  readonly readyTimeoutMs?: number | undefined;
}

/** A real Apache Kafka on 127.0.0.1, gone without a trace after `stop` or with the process that started it. */
export interface KafkaCluster extends AsyncDisposable {
  /** For `connect`: the listener without security. */
  readonly url: string;
  readonly bootstrapServers: string;
  readonly brokers: readonly KafkaBroker[];
  /** Of Java, for tools of the same release. */
  readonly classPath: string;
  /** For files of tools; removed at the end. */
  readonly folder: string;
  stop(): Promise<void>;
}

const FORMAT_TIMEOUT_MS = 60_000;
const JAVA_LIMITS = ["-Xmx512m", "-XX:-UsePerfData", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];
/** Halves the time to start; a broker under measurement keeps the compiler that servers have. */
const QUICK_JAVA = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/**
 * Fetches Kafka where it is not cached, formats, starts and waits until groups are served.
 * @throws where Java or Maven is missing, with what to install; with the end of the log where a broker does not start
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const missing = kafkaRequirements();
  if (missing !== null) throw new Error(missing);
  const { brokers: count = 1, profile = "suite", properties = {}, readyTimeoutMs = 60_000 } = options;
  const classPath = await kafkaClassPath();
  const folder = await mkdtemp(join(tmpdir(), "streamport-kafka-"));
  const guard = startProcessGuard(folder);
  const ports = await brokerPorts(count);
  const clusterId = newClusterId();
  const brokers = await Promise.all(
    ports.map(async (broker) => {
      const home = join(folder, `broker-${broker.nodeId}`);
      const file = join(home, "server.properties");
      await mkdir(home);
      const settings = serverProperties({ broker, brokers: ports, logFolder: join(home, "log"), profile });
      await writeFile(file, propertiesFile({ ...settings, ...properties }));
      return new KafkaBrokerProcess({
        nodeId: broker.nodeId,
        port: broker.clientPorts.PLAINTEXT,
        javaArguments: [...JAVA_LIMITS, ...(profile === "suite" ? QUICK_JAVA : []), "-cp", classPath, "kafka.Kafka", file],
        logFile: join(home, "broker.log"),
        guard,
        readyTimeoutMs,
      });
    }),
  );
  const stop = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.kill()));
    await rm(folder, { recursive: true, force: true });
    guard.end();
  };
  try {
    await Promise.all(
      ports.map(({ nodeId }) => formatStorage(classPath, clusterId, join(folder, `broker-${nodeId}`, "server.properties"))),
    );
    await Promise.all(brokers.map((broker) => broker.startKnowing(brokers.map(({ nodeId }) => nodeId))));
  } catch (error) {
    await stop();
    throw error;
  }
  const bootstrapServers = brokers.map(({ address }) => address).join(",");
  return { url: `kafka://${bootstrapServers}`, bootstrapServers, brokers, classPath, folder, stop, [Symbol.asyncDispose]: stop };
}

type PlainBrokerPorts = KafkaBrokerPorts & { readonly clientPorts: { readonly PLAINTEXT: number } };

async function brokerPorts(count: number): Promise<readonly PlainBrokerPorts[]> {
  const ports = await freeLoopbackPorts(2 * count);
  return Array.from({ length: count }, (_, index) => ({
    nodeId: index + 1,
    controllerPort: portAt(ports, 2 * index),
    clientPorts: { PLAINTEXT: portAt(ports, 2 * index + 1) },
  }));
}

function portAt(ports: readonly number[], index: number): number {
  const port = ports[index];
  if (port === undefined) throw new Error(`there are ${ports.length} ports, none at ${index}`);
  return port;
}

async function formatStorage(classPath: string, clusterId: string, propertiesFile: string): Promise<void> {
  const format = ["format", "--cluster-id", clusterId, "--config", propertiesFile];
  await runProgram(javaProgram(), [...JAVA_LIMITS, ...QUICK_JAVA, "-cp", classPath, "kafka.tools.StorageTool", ...format], {
    timeoutMs: FORMAT_TIMEOUT_MS,
  });
}

/** 16 bytes as Kafka writes them; one that starts with "-" would be an option to its tools. */
function newClusterId(): string {
  const id = randomBytes(16).toString("base64url");
  return id.startsWith("-") ? newClusterId() : id;
}
