import { memory } from "../../adapters/memory/index.ts";
import { type OutgoingMessage, bytes, connect } from "../../src/index.ts";
import { calibrationFactor, hashNanoseconds } from "./calibration.ts";
import { cpuMicroseconds } from "./cpu.ts";
import { median, worstRatio } from "./result.ts";
import { PARTITIONS, batchesOf, workload } from "./workload.ts";

/** Of one fill of a topic. A sample is several, so that a collection more or less does not decide it. */
const MESSAGES = 100_000;
const FILLS = 2;
const BATCH = 1_000;
const WARM_UP = 3;
export const PAIRS = 41;

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
  const calibrated = async (): Promise<Sample> => {
    const before = hashNanoseconds();
    const { publish, handle } = await sample(batches);
    const nanoseconds = (before + hashNanoseconds()) / 2;
    hashes.push(nanoseconds);
    const factor = calibrationFactor(nanoseconds);
    return { publish: publish * factor, handle: handle * factor };
  };
  for (let pair = 0; pair < PAIRS; pair += 1) {
    // Who goes first takes turns too: a machine that grows slower meets both alike.
    const order = pair % 2 === 0 ? [firsts, seconds] : [seconds, firsts];
    for (const samples of order) samples.push(await calibrated());
  }
  const figure = (step: keyof Sample): number => median([...firsts, ...seconds].map((taken) => taken[step]));
  const ratio = (step: keyof Sample): number => median(firsts.map((first, pair) => first[step] / seconds[pair]![step]));
  return {
    publish: figure("publish"),
    handle: figure("handle"),
    control: worstRatio([ratio("publish"), ratio("handle")]),
    hashNanoseconds: median(hashes),
  };
}

/** The mean of several fills. */
async function sample(batches: readonly (readonly OutgoingMessage<Uint8Array>[])[]): Promise<Sample> {
  const fills: Sample[] = [];
  for (let index = 0; index < FILLS; index += 1) fills.push(await fill(batches));
  const mean = (step: keyof Sample): number => fills.reduce((sum, taken) => sum + taken[step], 0) / FILLS;
  return { publish: mean("publish"), handle: mean("handle") };
}

/** One topic, filled and handled to its end. */
async function fill(batches: readonly (readonly OutgoingMessage<Uint8Array>[])[]): Promise<Sample> {
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
