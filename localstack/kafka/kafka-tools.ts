import { javaProgram } from "./java-program.ts";
import type { KafkaCluster } from "./kafka-cluster.ts";
import { type ProgramOutput, programSays, runProgram } from "./program.ts";

/** The main classes of Kafka's own command-line tools, which include the Java clients. */
export const KAFKA_TOOLS = {
  acls: "org.apache.kafka.tools.AclCommand",
  configs: "kafka.admin.ConfigCommand",
  consoleConsumer: "org.apache.kafka.tools.consumer.ConsoleConsumer",
  consoleProducer: "org.apache.kafka.tools.ConsoleProducer",
  consumerGroups: "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
  topics: "org.apache.kafka.tools.TopicCommand",
} as const;

export interface ForeignToolOptions {
  readonly stdin?: string | Uint8Array | undefined;
  /** Default 60,000. When the time is over, the tool is killed and the call rejects. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const QUICK_JAVA = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"];
const QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error";

/**
 * Runs a tool of the cluster's own release against it until it ends. A consumer only ends with `--max-messages` or `--timeout-ms`.
 * @param args without `--bootstrap-server`
 */
export async function runKafkaTool(
  cluster: Pick<KafkaCluster, "bootstrapServers" | "classPath">,
  tool: keyof typeof KAFKA_TOOLS,
  args: readonly string[],
  { stdin, timeoutMs = 60_000, signal }: ForeignToolOptions = {},
): Promise<ProgramOutput> {
  const java = [...QUICK_JAVA, QUIET, "-cp", cluster.classPath, KAFKA_TOOLS[tool], "--bootstrap-server", cluster.bootstrapServers];
  return runProgram(javaProgram(), [...java, ...args], { stdin, timeoutMs, signal });
}

/** Why `runKcat` cannot work on this machine, or null. */
export function kcatRequirements(): string | null {
  return programSays("kcat", ["-V"]) === null ? "kcat is not installed (Debian and Ubuntu: apt-get install kcat)" : null;
}

/**
 * Runs kcat, the command-line tool of librdkafka, until it ends. A consumer only ends with `-e` or `-c`.
 * @param args without `-b`
 */
export async function runKcat(
  cluster: Pick<KafkaCluster, "bootstrapServers">,
  args: readonly string[],
  { stdin, timeoutMs = 60_000, signal }: ForeignToolOptions = {},
): Promise<ProgramOutput> {
  const missing = kcatRequirements();
  if (missing !== null) throw new Error(missing);
  return runProgram("kcat", ["-b", cluster.bootstrapServers, ...args], { stdin, timeoutMs, signal });
}
