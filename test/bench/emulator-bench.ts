import { startEmulator } from "../../localstack/index.ts";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { connect } from "../../src/index.ts";
import { memoryOfFlights, memoryOfWorkload } from "./emulator-memory.ts";
import { startEmulatorProcess } from "./emulator-process.ts";
import { emulatorStartMilliseconds } from "./emulator-start.ts";
import { EMULATOR_PAIRS, compareBatches, compareGroups } from "./emulator-throughput.ts";
import { worstControl } from "./paired.ts";
import { type Bar, type BenchResult, isWithinControl, rounded } from "./result.ts";

/**
 * The emulated Kafka against a real one: our client on both, the emulator in a process of its own as the real one is, and in that of
 * the client, where both share one processor.
 * @param tell progress, for people
 */
export async function benchEmulator(tell: (text: string) => void): Promise<BenchResult> {
  const once = { better: "lower", pairs: 1 } as const;
  const startMs = await emulatorStartMilliseconds();
  const bars: Bar[] = [
    { name: "ready, topics told: ms", value: rounded(startMs), must: 100, aim: 20, ...once },
    { name: "200,000 messages of 100 B: MB of its process", value: rounded(await memoryOfWorkload()), must: 200, aim: 100, ...once },
    { name: "200,000 flights of the demo: MB of its process", value: rounded(await memoryOfFlights()), must: 200, aim: 100, ...once },
  ];

  // The server's own settings but for the three seconds that every new group waits for more members.
  await using cluster = await startKafka({ profile: "default", properties: { "group.initial.rebalance.delay.ms": "0" } });
  await using process = await startEmulatorProcess("kafka");
  await using emulator = await startEmulator("kafka");
  await using real = await connect(cluster.url, { require: ["topicAdmin"] });
  await using ownProcess = await connect(process.url, { require: ["topicAdmin"] });
  await using inProcess = await connect(emulator.url, { require: ["topicAdmin"] });
  const brokers = { real, ownProcess, inProcess };
  const comparisons = { publish: await compareBatches(brokers), consume: await compareGroups(brokers) };
  for (const [what, { figures, raw, control }] of Object.entries(comparisons)) {
    const { ownProcess: own, inProcess: shared } = figures;
    tell(
      `${what}: real ${raw.microseconds.toFixed(2)} µs a message, own process ${own.challenger.microseconds.toFixed(2)}, in process ${shared.challenger.microseconds.toFixed(2)}; control ${control.toFixed(3)}`,
    );
    const half = { better: "higher", must: 0.5, aim: 1, pairs: EMULATOR_PAIRS.pairs } as const;
    bars.push(
      { name: `${what} in batches, own process / real Kafka`, value: rounded(own.speed), ...half },
      { name: `${what} in batches, in the client's process / real Kafka`, value: rounded(shared.speed), ...half },
    );
  }
  const control = worstControl(Object.values(comparisons));
  return { provider: "kafka-emulator", control: rounded(control), void: !isWithinControl(control), bars };
}
