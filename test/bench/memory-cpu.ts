import { memory } from "../../adapters/memory/index.ts";
import { type OutgoingMessage, bytes, connect } from "../../src/index.ts";
import { calibrationFactor, hashNanoseconds } from "./calibration.ts";
import { cpuMicroseconds } from "./cpu.ts";
import { median, worstRatio } from "./result.ts";
import { PARTITIONS, batchesOf, workload } from "./workload.ts";

/** Of one fill of a topic. */
const MESSAGES = 100_000;
const BATCH = 1_000;
const WARM_UP = 3;
export const PAIRS = 101;

/** Calibrated microseconds of one message. */
export interface CpuFigures {
  readonly publish: number;
  readonly handle: number;
  readonly control: number;
  readonly hashNanoseconds: number;
}

interface Sample {
  readonly publish: number;
  readonly handle: number;
}

/**
 * Processor time per message, the driver's included: published in batches of 1,000, and handled by `run` with a synchronous
 * handler. The garbage collector stays on the main thread (`--single-threaded-gc`): its work is counted, not the waiting of
 * its helpers for each other. The yardstick is taken before and behind each sample, since a shared machine changes its pace.
 * Each pair measures the same thing twice, in turns; the ratio of the two is the control.
 */
export async function measureCpu(): Promise<CpuFigures> {
  const batches = batchesOf(workload(MESSAGES), BATCH);
  for (let index = 0; index < WARM_UP; index += 1) await sample(batches);
  const firsts: Sample[] = [];
  const seconds: Sample[] = [];
  const hashes: number[] = [];
  const all: Sample[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    // Who goes first is left to chance: in turns it would meet every other collection of garbage, always the same ones.
    const order = Math.random() < 0.5 ? [firsts, seconds] : [seconds, firsts];
    for (const samples of order) {
      const before = hashNanoseconds();
      const taken = await sample(batches);
      const nanoseconds = (before + hashNanoseconds()) / 2;
      const factor = calibrationFactor(nanoseconds);
      hashes.push(nanoseconds);
      samples.push(taken);
      all.push({ publish: taken.publish * factor, handle: taken.handle * factor });
    }
  }
  const figure = (step: keyof Sample): number => median(all.map((taken) => taken[step]));
  const ratio = (step: keyof Sample): number => median(firsts.map((first, pair) => first[step] / seconds[pair]![step]));
  return {
    publish: figure("publish"),
    handle: figure("handle"),
    control: worstRatio([ratio("publish"), ratio("handle")]),
    hashNanoseconds: median(hashes),
  };
}

/** One topic, filled and handled to its end. */
async function sample(batches: readonly (readonly OutgoingMessage<Uint8Array>[])[]): Promise<Sample> {
  const connection = await connect(memory({ topics: { bench: { partitions: PARTITIONS } } }));
  const topic = connection.topic("bench", { codec: bytes() });
  const producer = topic.producer();
  await producer.flush();
  const publish = await cpuMicroseconds(async () => {
    for (const batch of batches) await producer.sendBatch(batch);
  });
  const consumer = topic.consumer({ group: "bench" });
  let handled = 0;
  const handle = await cpuMicroseconds(async () => {
    const done = Promise.withResolvers<void>();
    const running = consumer.run(() => {
      handled += 1;
      if (handled === MESSAGES) done.resolve();
    });
    await done.promise;
    await consumer.close();
    await running;
  });
  await connection.close();
  if (handled !== MESSAGES) throw new Error(`${handled} of ${MESSAGES} messages were handled`);
  return { publish: publish / MESSAGES, handle: handle / MESSAGES };
}
