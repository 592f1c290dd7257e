import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { bytes, connect } from "../../src/index.ts";
import { checkpointFiles, copy, verify } from "../../src/migration/index.ts";
import { PARTITIONS, workload } from "../bench/workload.ts";
import { heldBytes } from "./settled-heap.ts";
import { type SoakCheck, bytesCheck, countCheck } from "./soak-result.ts";

const MEBIBYTE = 1_048_576;
const BATCH = 5_000;
const VALUE_BYTES = 20;
const LOOK_EVERY_MS = 500;
/** By then everything has been used once. */
const WARM_SHARE = 0.1;
/** So much of the time at its beginning is compared with as much at its end. */
const COMPARED_SHARE = 0.4;
const ALLOWED_GROWTH_BYTES = 32 * MEBIBYTE;

/** Many messages are copied from a topic of a real broker to another one, and verified: what the process holds, garbage excluded. */
export async function migrationFlatMemory(messages: number, tell: (text: string) => void): Promise<readonly SoakCheck[]> {
  const state = await mkdtemp(join(tmpdir(), "streamport-flat-"));
  await using cluster = await startKafka({ profile: "default" });
  await using connection = await connect(cluster.url, { require: ["topicAdmin"] });
  for (const topic of ["a", "b"]) await connection.admin.createTopic(topic, { partitions: PARTITIONS });
  const producer = connection.topic("a", { codec: bytes() }).producer();
  const batch = workload(BATCH, VALUE_BYTES);
  for (let sent = 0; sent < messages; sent += BATCH) await producer.sendBatch(batch);
  await producer.close();
  tell(`Migration: ${messages.toLocaleString("en")} messages are there`);
  const [source, target] = [
    { connection, topic: "a" },
    { connection, topic: "b" },
  ];

  const copying = new HeldWatch();
  const { copied } = await copying.during(() => copy(source, target, { checkpoints: checkpointFiles(state) }));
  tell(`Migration: copied, ${copying.text}`);
  const verifying = new HeldWatch();
  const { equal, targetMessages } = await verifying.during(() => verify(source, target));
  tell(`Migration: verified, ${verifying.text}`);
  const map = await mapBytes(state);
  await rm(state, { recursive: true });
  return [
    countCheck("messages copied from Kafka to Kafka", copied, messages),
    countCheck("of them verified as equal", equal ? targetMessages : 0, messages),
    bytesCheck("growth of the least that a copy holds", copying.growth, ALLOWED_GROWTH_BYTES),
    bytesCheck("growth of the least that a verification holds", verifying.growth, ALLOWED_GROWTH_BYTES),
    bytesCheck("the map of positions", map, messages),
  ];
}

/**
 * What this process holds while something goes on. Up to the bound of a reader it is what is buffered, now more and now less: so the least of many looks is taken,
 * which whatever is kept for good would raise.
 */
class HeldWatch {
  readonly #held: number[] = [];

  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    const timer = setInterval(() => this.#held.push(heldBytes()), LOOK_EVERY_MS);
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }

  get growth(): number {
    const { length } = this.#held;
    if (length < 20) throw new Error("it was over too soon to say anything");
    const early = this.#held.slice(Math.ceil(length * WARM_SHARE), Math.ceil(length * COMPARED_SHARE));
    const late = this.#held.slice(-early.length);
    return Math.max(0, Math.min(...late) - Math.min(...early));
  }

  get text(): string {
    const shown = this.#held.map((held) => (held / MEBIBYTE).toFixed(0));
    return `${shown.join(", ")} MiB held`;
  }
}

async function mapBytes(state: string): Promise<number> {
  const files = (await readdir(state)).filter((file) => file.endsWith(".positions"));
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(state, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
