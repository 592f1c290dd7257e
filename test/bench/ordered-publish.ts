import { type Connection, type OutgoingMessage, bytes } from "../../src/index.ts";
import { type BatchTarget, oneOfEachKey, retriedAtTheEnd, retriedAtTheFront } from "./batch-strategies.ts";
import { type Comparison, type Pairs, comparisonText } from "./paired.ts";
import { comparePublishing } from "./publish-comparison.ts";
import { type Bar, rounded } from "./result.ts";
import { ArrivalCheck, VALUE_BYTES, workload } from "./workload.ts";

const KEYS = 50;
const EACH = 2_000;
/** Raw sends one of each key after the other: what a message takes is the same, however many follow. */
const EACH_RAW = 100;
const ORDERED_PAIRS: Pairs = { pairs: 11, warmUp: 1 };

/** The raw client, on a service that refuses single entries of a call. */
export interface OrderedPublish<Entry> {
  readonly connection: Connection<"topicAdmin">;
  readonly partitions: number;
  readonly entryOf: (message: OutgoingMessage<Uint8Array>) => Entry;
  readonly target: (topic: string) => BatchTarget<Entry>;
}

export interface OrderedResult {
  readonly comparison: Comparison<"ours">;
  /** Messages that were stored behind a later one of their key. */
  readonly inversions: { readonly ours: number; readonly atTheEnd: number; readonly atTheFront: number };
  /** Microseconds of a message by raw batches, whose retries come at the end. */
  readonly batchMicroseconds: number;
}

/**
 * 50 keys × 2,000 messages of 100 B: ours against the raw strategy that keeps the order of keys; and how often raw batches do not.
 * @throws where anything is lost
 */
export async function compareOrdered<Entry>({ connection, partitions, entryOf, target }: OrderedPublish<Entry>): Promise<OrderedResult> {
  const messages = workload(KEYS * EACH, VALUE_BYTES, KEYS);
  const few = messages.slice(0, KEYS * EACH_RAW);
  const keys = new Map(messages.map((message) => [entryOf(message), message.key!]));
  const entries = [...keys.keys()];
  const producer = connection.topic("ordered.ours", { codec: bytes() }).producer();
  const comparison = await comparePublishing(
    {
      ours: { connection, topic: "ordered.ours", messages, publish: () => producer.sendBatch(messages) },
      raw: {
        connection,
        topic: "ordered.raw",
        messages: few,
        publish: () => oneOfEachKey(entries.slice(0, few.length), (entry) => keys.get(entry) as string, target("ordered.raw")),
      },
    },
    { ...ORDERED_PAIRS, partitions },
  );
  await producer.close();

  const inversionsBy = async (topic: string, publish: () => Promise<unknown>): Promise<number> => {
    await connection.admin.createTopic(topic, { partitions });
    await publish();
    const check = new ArrivalCheck(messages.length);
    for await (const message of connection.topic(topic, { codec: bytes() }).reader({ until: "now" })) check.add(message);
    if (check.arrived !== messages.length) throw new Error(`${topic}: ${check.arrived} of ${messages.length} messages were stored`);
    return check.inversions;
  };
  const again = connection.topic("inversions.ours", { codec: bytes() }).producer();
  const ours = await inversionsBy("inversions.ours", () => again.sendBatch(messages));
  await again.close();
  const startedAtMs = performance.now();
  let batchMicroseconds = 0;
  const atTheEnd = await inversionsBy("inversions.end", async () => {
    await retriedAtTheEnd(entries, target("inversions.end"));
    batchMicroseconds = ((performance.now() - startedAtMs) * 1_000) / messages.length;
  });
  const atTheFront = await inversionsBy("inversions.front", () => retriedAtTheFront(entries, target("inversions.front")));
  return { comparison, inversions: { ours, atTheEnd, atTheFront }, batchMicroseconds };
}

/** @param tell progress, for people */
export function orderedBars(
  { comparison, inversions, batchMicroseconds }: OrderedResult,
  mostEntries: number,
  tell: (text: string) => void,
): readonly Bar[] {
  tell(`in order: ${comparisonText(comparison, "raw, one of each key")}`);
  tell(`  raw batches of ${mostEntries}, in disorder: ${batchMicroseconds.toFixed(2)} µs a message`);
  const rawInversions = `raw batches: ${inversions.atTheEnd} retried at the end, ${inversions.atTheFront} at the front`;
  tell(`  inversions: ours ${inversions.ours}; ${rawInversions}`);
  return [
    {
      name: "20 ms, 2 % throttled: sendBatch / raw, one of each key",
      value: rounded(comparison.figures.ours.speed),
      better: "higher",
      must: 30,
      aim: 60,
      pairs: ORDERED_PAIRS.pairs,
    },
    { name: `the same: key inversions (${rawInversions})`, value: inversions.ours, better: "lower", must: 0, aim: 0, pairs: 1 },
  ];
}
