import { kafkaClassPath } from "../../../localstack/kafka/kafka-jars.ts";
import { type KAFKA_TOOLS, runKafkaTool } from "../../../localstack/kafka/kafka-tools.ts";
import { type Operation, type Target, operation, outcomeOf } from "./operation.ts";

/** The lines of its standard output. */
async function java(target: Target, tool: keyof typeof KAFKA_TOOLS, args: readonly string[], stdin?: string): Promise<readonly string[]> {
  const cluster = { bootstrapServers: target.bootstrapServers, classPath: await kafkaClassPath() };
  const { stdout } = await runKafkaTool(cluster, tool, args, { stdin, timeoutMs: 60_000 });
  return stdout
    .split("\n")
    .map((line) => line.replace(/TopicId: \S+/, "TopicId: …"))
    .filter((line) => line.trim() !== "");
}

const KEYED = ["--property", "parse.key=true", "--property", "key.separator=:"];
const LINES = "a:one\nb:two\nc:three\n";

async function consume(target: Target, topic: string, count: number, ...args: readonly string[]): Promise<readonly string[]> {
  const shown = ["print.key", "print.offset", "print.partition"].flatMap((what) => ["--property", `${what}=true`]);
  return java(target, "consoleConsumer", ["--topic", topic, "--max-messages", String(count), "--timeout-ms", "15000", ...shown, ...args]);
}

export const javaOperations: readonly Operation[] = [
  operation("Java: makes, changes and describes a topic", async (target) => {
    const topic = target.name("topic");
    const made = await java(target, "topics", ["--create", "--topic", topic, "--partitions", "2", "--config", "retention.ms=70000"]);
    const again = await outcomeOf(java(target, "topics", ["--create", "--topic", topic]));
    const grown = await java(target, "topics", ["--alter", "--topic", topic, "--partitions", "3"]);
    const altered = await java(target, "configs", ["--alter", "--topic", topic, "--add-config", "max.message.bytes=5000"]);
    const described = await java(target, "topics", ["--describe", "--topic", topic]);
    // The start of a real server sets the settings of its brokers.
    const withoutConfigs = described.map((line) => line.replace(/Configs: .*/, "Configs: …"));
    return { made, again, grown, altered, described: withoutConfigs };
  }),
  operation("Java: an idempotent producer, and a group that goes on", async (target) => {
    const topic = await target.topic("topic", 2);
    await java(target, "consoleProducer", ["--topic", topic, ...KEYED], LINES);
    const group = ["--group", target.name("group")];
    const first = await consume(target, topic, 3, "--from-beginning", ...group);
    await java(target, "consoleProducer", ["--topic", topic, ...KEYED], "a:four\n");
    return { first: first.toSorted(), next: await consume(target, topic, 1, ...group) };
  }),
  ...["gzip", "snappy", "lz4", "zstd"].map((codec) =>
    operation(`Java: compresses with ${codec}`, async (target) => {
      const topic = await target.topic("topic");
      await java(target, "consoleProducer", ["--topic", topic, "--compression-codec", codec, ...KEYED], LINES);
      return consume(target, topic, 3, "--from-beginning");
    }),
  ),
];
