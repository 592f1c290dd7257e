import { runKcat } from "../../../localstack/kafka/kafka-tools.ts";
import { type Operation, type Target, operation, outcomeOf } from "./operation.ts";

/** The lines of its standard output. */
async function kcat(target: Target, args: readonly string[], stdin?: string): Promise<readonly string[]> {
  const { stdout } = await runKcat(target, [...args, "-q"], { stdin, timeoutMs: 30_000 });
  return stdout.split("\n").filter((line) => line !== "");
}

const SHOWN = ["-f", "%p %o %k=%s %h\\n"];
const LINES = "a:one\nb:two\nc:three\n";

/** All records, from the beginning. */
function readAll(target: Target, topic: string): Promise<readonly string[]> {
  return kcat(target, ["-C", "-t", topic, "-o", "beginning", "-e", "-Z", ...SHOWN]);
}

function producing(name: string, args: readonly string[], settings: Readonly<Record<string, string>> = {}): Operation {
  return operation(`kcat: ${name}`, async (target) => {
    const topic = await target.topic("topic", 1, settings);
    await kcat(target, ["-P", "-t", topic, "-K:", ...args], LINES);
    return readAll(target, topic);
  });
}

export const kcatOperations: readonly Operation[] = [
  producing("produces", []),
  producing("headers", ["-H", "one=1", "-H", "two=2", "-H", "one=3"]),
  operation("kcat: tombstones", async (target) => {
    const topic = await target.topic("topic");
    await kcat(target, ["-P", "-t", topic, "-K:", "-Z"], "a:one\na:\n");
    return readAll(target, topic);
  }),
  ...["gzip", "snappy", "lz4", "zstd"].map((codec) => producing(`compresses with ${codec}`, ["-z", codec])),
  ...["gzip", "snappy", "lz4", "zstd", "uncompressed"].map((codec) =>
    producing(`a topic that is kept in ${codec}`, ["-z", "gzip"], { "compression.type": codec }),
  ),
  producing("an idempotent producer", ["-X", "enable.idempotence=true"]),
  producing("an acknowledgement of the leader only", ["-X", "acks=1"]),
  producing("no acknowledgement", ["-X", "acks=0"]),
  operation("kcat: its description of a topic", async (target) => {
    const topic = await target.topic("topic", 3);
    const [line] = await kcat(target, ["-L", "-J", "-t", topic]);
    const { topics, brokers } = JSON.parse(line!) as { readonly topics: unknown; readonly brokers: readonly { readonly id: number }[] };
    return { topics, brokers: brokers.map(({ id }) => id) };
  }),
  operation("kcat: offsets by time", async (target) => {
    const topic = await target.topic("topic");
    await kcat(target, ["-P", "-t", topic, "-K:"], LINES);
    const outcomes: unknown[] = [];
    for (const time of ["0", "-1", "-2", "32503680000000"]) outcomes.push(await kcat(target, ["-Q", "-t", `${topic}:0:${time}`]));
    return outcomes;
  }),
  operation("kcat: reads from the middle, from the end, before the end", async (target) => {
    const topic = await target.topic("topic");
    await kcat(target, ["-P", "-t", topic, "-K:"], LINES);
    const outcomes: unknown[] = [];
    for (const offset of ["1", "end", "-1", "99", "s@0"])
      outcomes.push(await outcomeOf(kcat(target, ["-C", "-t", topic, "-o", offset, "-e", ...SHOWN])));
    return outcomes;
  }),
  operation("kcat: a group", async (target) => {
    const topic = await target.topic("topic", 1);
    const group = target.name("group");
    await kcat(target, ["-P", "-t", topic, "-K:"], LINES);
    const read = (): Promise<readonly string[]> => kcat(target, ["-G", group, "-X", "auto.offset.reset=earliest", "-e", ...SHOWN, topic]);
    const first = await read();
    await kcat(target, ["-P", "-t", topic, "-K:"], "d:four\n");
    return [first, await read()];
  }),
  operation("kcat: a topic that does not exist", async (target) => {
    const topic = target.name("missing");
    return [
      await outcomeOf(kcat(target, ["-C", "-t", topic, "-e"])),
      await outcomeOf(kcat(target, ["-P", "-t", topic, "-X", "message.timeout.ms=3000"], "x\n")),
    ];
  }),
  operation("kcat: what kafkajs may not see: only what is committed", async (target) => {
    const topic = await target.topic("topic");
    const producer = target.kafkajs().producer({ transactionalId: target.name("transactional"), idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (const isCommitted of [true, false, true]) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ key: "k", value: isCommitted ? "committed" : "aborted" }] });
      await (isCommitted ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    const read = (isolation: string): Promise<readonly string[]> =>
      kcat(target, ["-C", "-t", topic, "-o", "beginning", "-e", "-X", `isolation.level=${isolation}`, ...SHOWN]);
    return { committed: await read("read_committed"), uncommitted: await read("read_uncommitted") };
  }),
];
