import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type TestContext, expect, test } from "vitest";
import { type EmulatedProvider, startEmulator } from "../../localstack/index.ts";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { Random } from "../../src/conformance/history/random.ts";
import { connect } from "../../src/index.ts";
import { type Side, copy, verify } from "../../src/migration/index.ts";
import { keysOf, messagesOf, produce, valuesByKey } from "../migration/two-topics.ts";
import type { CopierOptions } from "./copier-process.ts";

const KILLS = 20;
const KEYS = keysOf(40);
/** Messages of each key in a round: a copier is busy with them for more than a second. */
const EACH = 60;
/** What comes of a round has begun to be copied by then. */
const MOST_WAIT_MS = 600;

/** Longer than the session of a copier: others take over. */
const FROZEN_MS = 9_000;
const FREEZES = 6;

/** A provider that is emulated, or a real broker. */
type Service = EmulatedProvider | "Apache Kafka";

const missing = kafkaRequirements();
const emulated = [
  ["kafka", "kafka", 1],
  ["kafka", "kafka", 2],
  ["kafka", "kinesis", 1],
  ["kinesis", "kafka", 2],
] as const;
const real = [
  ["Apache Kafka", "Apache Kafka", 1],
  ["Apache Kafka", "Apache Kafka", 2],
] as const;
const pairs: readonly (readonly [from: Service, to: Service, processes: number])[] = missing === null ? [...emulated, ...real] : emulated;

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

test.for(pairs)(
  "a copy from %s to %s by %i processes, killed 20 times, loses and reorders nothing",
  { timeout: 900_000 },
  async ([from, to, processes], { onTestFinished }) => {
    const { random, sides, copiers, restart } = await startCopy([from, to], processes, onTestFinished);
    let underWay = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      await produce(sides[0], KEYS, EACH, kill * EACH);
      const victim = random.between(0, processes - 1);
      // While it copies, or after the session of its predecessor if others have taken over.
      await Promise.race([once(copiers[victim]!.stdout!, "data"), sleep(10_000)]);
      await sleep(random.between(0, MOST_WAIT_MS));
      await restart(victim);
      if ((await distinctValues(sides[1])) < KEYS.length * EACH * (kill + 1)) underWay += 1;
    }
    expect(underWay).toBeGreaterThanOrEqual(KILLS / 2);
    await expectCopied(sides, copiers, KILLS);
  },
);

test.for(pairs.filter(([, , processes]) => processes === 2))(
  "a copy from %s to %s by %i processes, one of which is stopped six times until the other has taken over, loses and reorders nothing",
  { timeout: 900_000 },
  async ([from, to, processes], { onTestFinished }) => {
    const { random, sides, copiers } = await startCopy([from, to], processes, onTestFinished);
    for (let freeze = 0; freeze < FREEZES; freeze += 1) {
      await produce(sides[0], KEYS, EACH, freeze * EACH);
      const victim = copiers[random.between(0, processes - 1)]!;
      await Promise.race([once(victim.stdout!, "data"), sleep(10_000)]);
      await sleep(random.between(0, MOST_WAIT_MS / 2));
      victim.kill("SIGSTOP");
      await sleep(FROZEN_MS);
      victim.kill("SIGCONT");
      await sleep(random.between(0, 2_000));
    }
    await expectCopied(sides, copiers, FREEZES);
  },
);

type Sides = readonly [Side, Side];

async function startCopy([from, to]: readonly [Service, Service], processes: number, finished: TestContext["onTestFinished"]) {
  const random = new Random(from.length * 31 + to.length * 7 + processes);
  const services = await startServices(from, to);
  finished(() => services.close());
  const sides: Sides = [
    { connection: await connect(services.sourceUrl), topic: "a" },
    { connection: await connect(services.targetUrl), topic: "b" },
  ];
  const state = await mkdtemp(join(tmpdir(), "streamport-kills-"));
  const { sourceUrl, targetUrl } = services;
  const options: CopierOptions = { sourceUrl, targetUrl, fromTopic: "a", toTopic: "b", state };
  const copiers = Array.from({ length: processes }, () => startCopier(options));
  finished(async () => {
    for (const copier of copiers) copier.kill("SIGKILL");
    for (const { connection } of sides) await connection.close({ timeoutMs: 500 });
    await rm(state, { recursive: true });
  });
  const restart = async (victim: number): Promise<void> => {
    await kill(copiers[victim]!);
    copiers[victim] = startCopier(options);
  };
  return { random, sides, copiers, restart };
}

interface Services {
  readonly sourceUrl: string;
  readonly targetUrl: string;
  close(): Promise<void>;
}

/** The topic `a` of four partitions, and the topic `b` of three. */
async function startServices(from: Service, to: Service): Promise<Services> {
  if (from !== "Apache Kafka" && to !== "Apache Kafka") {
    const source = await startEmulator(from, { topics: { a: { partitions: 4 } } });
    const target = await startEmulator(to, { topics: { b: { partitions: 3 } } });
    const close = async (): Promise<void> => void (await Promise.all([source.close(), target.close()]));
    return { sourceUrl: source.url, targetUrl: target.url, close };
  }
  const cluster = await startKafka();
  await using connection = await connect(cluster.url, { require: ["topicAdmin"] });
  await connection.admin.createTopic("a", { partitions: 4 });
  await connection.admin.createTopic("b", { partitions: 3 });
  return { sourceUrl: cluster.url, targetUrl: cluster.url, close: () => cluster.stop() };
}

async function distinctValues(side: Side): Promise<number> {
  return new Set((await messagesOf(side)).map(({ value }) => Buffer.from(value!).toString())).size;
}

async function kill(copier: ChildProcess): Promise<void> {
  const ended = once(copier, "exit");
  copier.kill("SIGKILL");
  await ended;
}

/** What the processes have left is copied, and both sides are compared. */
async function expectCopied(sides: Sides, copiers: readonly ChildProcess[], rounds: number): Promise<void> {
  for (const copier of copiers) {
    // A copier that ended by itself would be a failure that its successor hides.
    expect(copier.exitCode).toBeNull();
    await kill(copier);
  }
  await copy(...sides);
  const result = await verify(...sides);
  const messages = KEYS.length * EACH * rounds;
  expect(result).toMatchObject({ equal: true, sourceMessages: messages, targetMessages: messages, firstDifference: null });
  const values = valuesByKey(await messagesOf(sides[1]));
  const firsts = Object.fromEntries(Object.entries(values).map(([key, all]) => [key, [...new Set(all)]]));
  expect(firsts).toEqual(valuesByKey(await messagesOf(sides[0])));
  // What a killed or stopped process had under way may come after its successor has looked: such repeats are told.
  expect(Object.values(values).flat().length).toBe(result.targetMessages + result.duplicates);
}

function startCopier(options: CopierOptions): ChildProcess {
  const copier = spawn(process.execPath, [join(import.meta.dirname, "copier-process.ts"), JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // What it says while nobody waits for it is not kept.
  copier.stdout.resume();
  return copier;
}
