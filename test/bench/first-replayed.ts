import { memory } from "../../adapters/memory/index.ts";
import { bytes, connect } from "../../src/index.ts";
import { median } from "./result.ts";
import { PARTITIONS, workload } from "./workload.ts";

const OPENINGS = 11;

/** Milliseconds from opening a reader to its first message: the median of several. */
export async function firstReplayedMilliseconds(): Promise<number> {
  const connection = await connect(memory({ topics: { bench: { partitions: PARTITIONS } } }));
  const topic = connection.topic("bench", { codec: bytes() });
  await topic.producer().sendBatch(workload(10_000));
  const taken: number[] = [];
  for (let opening = 0; opening < OPENINGS; opening += 1) {
    const startedAt = performance.now();
    for await (const _ of topic.reader({ until: "now" })) break;
    taken.push(performance.now() - startedAt);
  }
  await connection.close();
  return median(taken);
}
