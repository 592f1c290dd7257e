import { type KafkaCluster } from "../../localstack/kafka/kafka-cluster.ts";
import { runKafkaTool, runKcat } from "../../localstack/kafka/kafka-tools.ts";
import { type Connection, bytes } from "../../src/index.ts";

/** A stored record, in terms that all clients have. */
export interface SeenRecord {
  readonly partition: string;
  readonly timestampMs: number;
  /** In order, with repeats. */
  readonly headers: readonly (readonly [name: string, value: string | null])[];
  readonly key: string | null;
  readonly value: string | null;
}

/** Java's consumer prints this for null. No record in these tests contains it. */
const NULL = "(null)";
const JAVA_PROPERTIES = [
  "print.timestamp=true",
  "print.partition=true",
  "print.headers=true",
  "print.key=true",
  `null.literal=${NULL}`,
  "headers.separator=;",
];

/** All records of a topic as streamport reads them, by partition and in log order. */
export async function seenByStreamport(connection: Connection, topic: string): Promise<SeenRecord[]> {
  const seen: SeenRecord[] = [];
  const utf8 = (part: Uint8Array | null): string | null => (part === null ? null : Buffer.from(part).toString());
  for await (const { partition, timestamp, raw } of connection
    .topic(topic, { codec: bytes(), tombstones: true })
    .reader({ until: "now" })) {
    const headers = raw.headers.map(([name, value]) => [name, utf8(value)] as const);
    seen.push({ partition, timestampMs: timestamp.getTime(), headers, key: utf8(raw.key), value: utf8(raw.value) });
  }
  return byPartition(seen);
}

/** All records as Java's console consumer reads them. @param count the number of records: without it, the consumer ends only after a time-out */
export async function seenByJava(cluster: KafkaCluster, topic: string, count: number): Promise<SeenRecord[]> {
  const shown = JAVA_PROPERTIES.flatMap((property) => ["--property", property]);
  const args = ["--topic", topic, "--from-beginning", "--max-messages", String(count), "--timeout-ms", "20000", ...shown];
  const { stdout } = await runKafkaTool(cluster, "consoleConsumer", args);
  return byPartition(stdout.replace(/\n$/, "").split("\n").map(ofJavaLine));
}

function ofJavaLine(line: string): SeenRecord {
  const [time = "", partition = "", headers = "", key = "", value = ""] = line.split("\t");
  return {
    partition: partition.replace("Partition:", ""),
    timestampMs: Number(time.replace("CreateTime:", "")),
    headers: headers === "NO_HEADERS" ? [] : headers.split(";").map((header) => [header.split(":")[0]!, header.split(":")[1]!] as const),
    key: key === NULL ? null : key,
    value: value === NULL ? null : value,
  };
}

interface KcatLine {
  readonly partition: number;
  readonly ts: number;
  /** Alternately names and values. */
  readonly headers?: readonly string[];
  readonly key: string | null;
  readonly payload: string | null;
}

/** All records as kcat reads them. */
export async function seenByKcat(cluster: KafkaCluster, topic: string): Promise<SeenRecord[]> {
  const { stdout } = await runKcat(cluster, ["-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J"]);
  const lines = stdout.trimEnd().split("\n");
  return byPartition(lines.map((line) => ofKcatLine(JSON.parse(line) as KcatLine)));
}

function ofKcatLine({ partition, ts, headers = [], key, payload }: KcatLine): SeenRecord {
  const pairs = headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]!] as const] : []));
  return { partition: String(partition), timestampMs: ts, headers: pairs, key, value: payload };
}

function byPartition(seen: readonly SeenRecord[]): SeenRecord[] {
  return seen.toSorted((a, b) => Number(a.partition) - Number(b.partition));
}
