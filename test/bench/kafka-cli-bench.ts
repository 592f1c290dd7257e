import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createReadStream, openSync, closeSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kcatRequirements } from "../../localstack/kafka/kafka-tools.ts";
import { type Connection, bytes, connect } from "../../src/index.ts";
import { type Contestant, compare, worstControl } from "./paired.ts";
import { type Bar, type BenchResult, isWithinControl, rounded } from "./result.ts";
import { PARTITIONS } from "./workload.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const FLIGHTS = join(ROOT, "localstack", "demo", "flights-20k.jsonl");
const COPIES = 50;
const PAIRS = { pairs: 11, warmUp: 1 };
const SEPARATOR = "\t";

/** The same flights for both: as values with a field that is the key, and with the key before each. */
interface Input {
  readonly values: string;
  readonly keyed: string;
  readonly count: number;
  readonly bytes: number;
}

/**
 * The command line against kcat: what a user waits for, the start of the program included, when a million flights are stored, and when
 * they are printed. Both take and give files.
 * @throws without kcat
 */
export async function benchKafkaCli(tell: (text: string) => void): Promise<BenchResult> {
  const missing = kcatRequirements();
  if (missing !== null) throw new Error(missing);
  // What is installed is the built program; that of the sources takes longer to start.
  execFileSync("npm", ["run", "--silent", "build"], { cwd: ROOT, stdio: "inherit" });
  const folder = await mkdtemp(join(tmpdir(), "streamport-bench-"));
  try {
    await using cluster = await startKafka({ profile: "default" });
    await using connection = await connect(cluster.url, { require: ["topicAdmin"] });
    const input = await writeInput(folder);
    const produce = await compare(
      { ours: producing(cluster, connection, input, oursProduces) },
      producing(cluster, connection, input, kcatProduces),
      PAIRS,
    );
    tell(
      `produce: ${secondsOf(produce.figures.ours.challenger, input)}; kcat ${secondsOf(produce.raw, input)}; control ${produce.control.toFixed(3)}`,
    );
    const topic = await newTopic(connection);
    await run(oursProduces(cluster, topic, input), null);
    const output = join(folder, "output");
    const read = await compare(
      { ours: reading(oursReads(cluster, topic), output, input) },
      reading(kcatReads(cluster, topic), output, input),
      PAIRS,
    );
    tell(`read: ${secondsOf(read.figures.ours.challenger, input)}; kcat ${secondsOf(read.raw, input)}; control ${read.control.toFixed(3)}`);
    const control = worstControl([produce, read]);
    const bar = { better: "higher", must: 0.33, aim: 0.5, pairs: PAIRS.pairs } as const;
    const bars: readonly Bar[] = [
      { name: "produce 1,000,000 flights / kcat", value: rounded(produce.figures.ours.speed), ...bar },
      { name: "read 1,000,000 flights / kcat", value: rounded(read.figures.ours.speed), ...bar },
    ];
    return { provider: "kafka-cli", control: rounded(control), void: !isWithinControl(control), bars };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeInput(folder: string): Promise<Input> {
  const lines = (await readFile(FLIGHTS, "utf8")).trimEnd().split("\n");
  const keyed = lines.map((line) => `${(JSON.parse(line) as { origin: string }).origin}${SEPARATOR}${line}`);
  const input = { values: join(folder, "values"), keyed: join(folder, "keyed"), count: lines.length * COPIES };
  const text = `${lines.join("\n")}\n`;
  await writeFile(input.values, text.repeat(COPIES));
  await writeFile(input.keyed, `${keyed.join("\n")}\n`.repeat(COPIES));
  return { ...input, bytes: (Buffer.byteLength(text) - lines.length) * COPIES };
}

async function newTopic(connection: Connection<"topicAdmin">): Promise<string> {
  const topic = `flights-${randomUUID()}`;
  await connection.admin.createTopic(topic, { partitions: PARTITIONS });
  return topic;
}

/** A program, its arguments, and the file that is its standard input. */
type CommandLine = readonly [file: string, args: readonly string[], stdin?: string];

const PROGRAM = join(ROOT, "dist", "src", "cli", "main.js");

function oursProduces({ url }: KafkaCluster, topic: string, { values }: Input): CommandLine {
  return [process.execPath, [PROGRAM, "produce", url, "--topic", topic, "--key-field", "origin"], values];
}

function kcatProduces({ bootstrapServers }: KafkaCluster, topic: string, { keyed }: Input): CommandLine {
  return ["kcat", ["-P", "-b", bootstrapServers, "-t", topic, "-K", SEPARATOR, "-l", keyed]];
}

function oursReads({ url }: KafkaCluster, topic: string): CommandLine {
  return [process.execPath, [PROGRAM, "read", url, "--topic", topic]];
}

function kcatReads({ bootstrapServers }: KafkaCluster, topic: string): CommandLine {
  return ["kcat", ["-C", "-b", bootstrapServers, "-t", topic, "-o", "beginning", "-e", "-q"]];
}

/** Into a topic of its own each time, which is counted afterwards. */
function producing(
  cluster: KafkaCluster,
  connection: Connection<"topicAdmin">,
  input: Input,
  command: (cluster: KafkaCluster, topic: string, input: Input) => CommandLine,
): Contestant {
  return async () => {
    const topic = await newTopic(connection);
    const milliseconds = await run(command(cluster, topic, input), null);
    let count = 0;
    let size = 0;
    for await (const messages of connection.topic(topic, { codec: bytes() }).reader({ until: "now" }).batches()) {
      count += messages.length;
      for (const { value } of messages) size += value.length;
    }
    requireAll(`produce by ${command.name}`, input, count, size);
    await connection.admin.deleteTopic(topic);
    return sampleOf(milliseconds, input);
  };
}

function reading(command: CommandLine, output: string, input: Input): Contestant {
  return async () => {
    const milliseconds = await run(command, output);
    let count = 0;
    for await (const chunk of createReadStream(output)) for (const byte of chunk as Buffer) if (byte === 0x0a) count += 1;
    requireAll(`read by ${command[0]}`, input, count, input.bytes);
    return sampleOf(milliseconds, input);
  };
}

/** Its time from start to end. Rejects where it fails. */
async function run([file, args, stdin]: CommandLine, output: string | null): Promise<number> {
  const files = [stdin === undefined ? null : openSync(stdin, "r"), output === null ? null : openSync(output, "w")] as const;
  const startedAtMs = performance.now();
  const child = spawn(file, args, { stdio: [files[0] ?? "ignore", files[1] ?? "ignore", "ignore"] });
  const [exitCode] = (await once(child, "exit")) as [number | null];
  const milliseconds = performance.now() - startedAtMs;
  for (const opened of files) if (opened !== null) closeSync(opened);
  if (exitCode !== 0) throw new Error(`${file} ${args[0]} ended with ${exitCode}`);
  return milliseconds;
}

function requireAll(what: string, input: Input, count: number, size: number): void {
  if (count !== input.count || size !== input.bytes)
    throw new Error(`${what}: ${count} of ${input.count} flights, ${size} of ${input.bytes} bytes`);
}

/** What another process uses of the CPU is not known here. */
function sampleOf(milliseconds: number, { count }: Input): Awaited<ReturnType<Contestant>> {
  return { microseconds: (milliseconds * 1_000) / count, cpuMicroseconds: Number.NaN };
}

function secondsOf({ microseconds }: Awaited<ReturnType<Contestant>>, { count }: Input): string {
  return `${((microseconds * count) / 1_000_000).toFixed(2)} s`;
}
