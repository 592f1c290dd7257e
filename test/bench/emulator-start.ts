import { startEmulator } from "../../localstack/index.ts";
import { connect } from "../../src/index.ts";
import { median } from "./result.ts";

const TIMES = 21;

/** From the call of `startEmulator` to the first answer about topics, its code loaded: milliseconds. */
export async function emulatorStartMilliseconds(): Promise<number> {
  const durationsMs: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const startedAt = performance.now();
    await using emulator = await startEmulator("kafka", { topics: { flights: { partitions: 8 } } });
    await using connection = await connect(emulator.url, { require: ["topicListing"] });
    const topics = await connection.admin.listTopics();
    durationsMs.push(performance.now() - startedAt);
    if (topics.length !== 1) throw new Error(`there are ${topics.length} topics where one was created`);
  }
  return median(durationsMs.slice(1));
}
