import { memory } from "../../adapters/memory/index.ts";
import { type Topic, bytes, connect } from "../../src/index.ts";
import { median } from "./result.ts";
import { PARTITIONS, workload } from "./workload.ts";

const OPENINGS = 11;
const MESSAGES = 10_000;

/** On `memory:`. */
export async function firstReplayedMilliseconds(): Promise<number> {
  const connection = await connect(memory({ topics: { bench: { partitions: PARTITIONS } } }));
  const milliseconds = await firstReplayedOf(connection.topic("bench", { codec: bytes() }));
  await connection.close();
  return milliseconds;
}

/** Milliseconds from opening a reader of this topic to its first message: the median of several. */
export async function firstReplayedOf(topic: Topic<Uint8Array>): Promise<number> {
  await topic.producer().sendBatch(workload(MESSAGES));
  const taken: number[] = [];
  for (let opening = 0; opening < OPENINGS; opening += 1) {
    const startedAt = performance.now();
    for await (const _ of topic.reader({ until: "now" })) break;
    taken.push(performance.now() - startedAt);
  }
  return median(taken);
}
