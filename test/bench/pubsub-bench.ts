import { randomUUID } from "node:crypto";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { type Message as RawMessage, PubSub, type Topic as RawTopic, v1 } from "@google-cloud/pubsub";
import { type Connection, type OutgoingMessage, type Receipt, bytes, connect } from "../../src/index.ts";
import { type Consuming, byRun, byRunBatches, compareConsuming, fillTopic } from "./consume-comparison.ts";
import { type EmulatorProcess, startEmulatorProcess } from "./emulator-process.ts";
import { type Comparison, type Pairs, comparisonText, worstControl } from "./paired.ts";
import { providerBars } from "./provider-bars.ts";
import { comparePublishing } from "./publish-comparison.ts";
import { type Bar, type BenchResult, isWithinControl, rounded } from "./result.ts";
import { ArrivalCheck, workload } from "./workload.ts";
import { heldBytes, settledBytes } from "../long/settled-heap.ts";

const VALUE_BYTES = 1_000;
const ORDERED_KEYS = 32;
const PUBLISH_PAIRS: Pairs = { pairs: 11, warmUp: 2 };
const PUBLISHED = 16_000;
/** The most that Google's client and the service take. */
const MOST_MESSAGES = 1_000;
const CONSUME_PAIRS: Pairs = { pairs: 11, warmUp: 2 };
const CONSUMED = 12_000;
/** Handlers that take from 0 to so long. */
const HANDLER_MS = 4;
const HANDLED = 3_000;
const KEYS_OF_THEIR_OWN = 1_000_000;
const KEYS_OF_A_BATCH = 1_000;
/** So that a batch that ends does not leave the connection without calls. */
const BATCHES_AT_ONCE = 2;
const STALLED_VALUE_BYTES = 16_384;
const STALLED_SENDS = 16_384;
const MEBIBYTE = 1_048_576;

/** The emulator in a process of its own, with Google's clients. */
interface Target extends AsyncDisposable {
  readonly emulator: EmulatorProcess;
  readonly raw: PubSub;
  readonly seeker: v1.SubscriberClient;
  readonly project: string;
  readonly connection: Connection<"topicAdmin">;
}

async function startTarget(): Promise<Target> {
  const emulator = await startEmulatorProcess("pubsub");
  const { PUBSUB_EMULATOR_HOST: apiEndpoint = "", GOOGLE_CLOUD_PROJECT: project = "" } = emulator.environment;
  const connection = await connect(emulator.url, { require: ["topicAdmin"] });
  const raw = new PubSub({ projectId: project, apiEndpoint, emulatorMode: true });
  const [host, port] = apiEndpoint.split(":");
  // Google's own client cuts the time of a seek; what a round reads is the same for all.
  const seeker = new v1.SubscriberClient({ ...raw.options, apiEndpoint: host, port: Number(port) } as never);
  return {
    emulator,
    raw,
    seeker,
    project,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await seeker.close();
      await raw.close();
      await emulator[Symbol.asyncDispose]();
    },
  };
}

/** Batches as large as they may be: a call then has as many messages of a key as have come meanwhile. */
function rawTopic(raw: PubSub, name: string): RawTopic {
  return raw.topic(name, { messageOrdering: true, batching: { maxMessages: MOST_MESSAGES, maxBytes: 9 * MEBIBYTE, maxMilliseconds: 1 } });
}

async function publish({ connection, raw }: Target): Promise<Comparison<"ours">> {
  const messages = workload(PUBLISHED, VALUE_BYTES, ORDERED_KEYS);
  const producer = connection.topic("publish.ours", { codec: bytes() }).producer();
  const topic = rawTopic(raw, "publish.raw");
  const forRaw = messages.map(({ key, value }) => ({ data: value, orderingKey: key as string }));
  const comparison = await comparePublishing(
    {
      ours: { connection, topic: "publish.ours", messages, publish: () => producer.sendBatch(messages) },
      raw: {
        connection,
        topic: "publish.raw",
        messages,
        publish: () => Promise.all(forRaw.map((message) => topic.publishMessage(message))),
      },
    },
    { ...PUBLISH_PAIRS, partitions: 1 },
  );
  await producer.close();
  return comparison;
}

/** An ordered subscription that stands at the beginning, and Google's client with its defaults. */
function bySubscription({ raw, seeker, project }: Target, topic: string, listen: (message: RawMessage) => void): () => Promise<void> {
  const name = `raw-${randomUUID()}`;
  const opened = (async () => {
    const [subscription] = await raw.topic(topic).createSubscription(name, { enableMessageOrdering: true });
    await seeker.seek({ subscription: `projects/${project}/subscriptions/${name}`, time: { seconds: 0 } });
    subscription.on("message", listen);
    return subscription;
  })();
  return async () => {
    const subscription = await opened;
    await subscription.close();
    await subscription.delete();
  };
}

async function consume(target: Target): Promise<Comparison<"run" | "runBatches">> {
  const { connection } = target;
  await connection.admin.createTopic("consume");
  const topic = connection.topic("consume", { codec: bytes() });
  const values = await fillTopic(topic, workload(CONSUMED, VALUE_BYTES, ORDERED_KEYS));
  const raw: Consuming = (read) =>
    bySubscription(target, "consume", (message) => {
      read(message.data);
      message.ack();
    });
  return compareConsuming(values, { run: byRun(topic), runBatches: byRunBatches(topic), raw }, CONSUME_PAIRS);
}

/** Messages whose handling ended before that of an earlier one of their key, where handlers take their time. */
async function handledOutOfOrder(target: Target): Promise<{ readonly ours: number; readonly raw: number }> {
  const { connection } = target;
  await connection.admin.createTopic("handle");
  const topic = connection.topic("handle", { codec: bytes() });
  await fillTopic(topic, workload(HANDLED, VALUE_BYTES, ORDERED_KEYS));
  const checked = async (consumeWith: (handle: (key: string | null, value: Uint8Array) => Promise<void>) => () => Promise<unknown>) => {
    const check = new ArrivalCheck(HANDLED);
    const done = Promise.withResolvers<void>();
    const end = consumeWith(async (key, value) => {
      const number = Buffer.from(value.buffer, value.byteOffset, 4).readUInt32BE(0);
      await sleep(number % (HANDLER_MS + 1));
      check.add({ key, value } as never);
      if (check.arrived === HANDLED) done.resolve();
    });
    await done.promise;
    await end();
    return check.inversions;
  };
  const ours = await checked((handle) => {
    const consumer = topic.consumer({ group: randomUUID(), concurrency: ORDERED_KEYS });
    const running = consumer.run(({ key, value }) => handle(key, value));
    return async () => {
      await consumer.close();
      await running;
    };
  });
  const raw = await checked((handle) =>
    bySubscription(target, "handle", (message) => void handle(message.orderingKey ?? null, message.data).then(() => message.ack())),
  );
  return { ours, raw };
}

/** What keys that never come again leave in the producer, and how long they take: each of them is a request of its own. */
async function heldByKeys({ connection, raw, project }: Target): Promise<{ readonly bytes: number; readonly seconds: number }> {
  // Without retention: the emulator has nothing to keep.
  await raw.createTopic(`projects/${project}/topics/keys`);
  const producer = connection.topic("keys", { codec: bytes() }).producer();
  const value = Buffer.alloc(100);
  const send = async (count: number, keyOf: (number: number) => string): Promise<void> => {
    let sent = 0;
    const sendInTurn = async (): Promise<void> => {
      while (sent < count) {
        const from = sent;
        sent += KEYS_OF_A_BATCH;
        await producer.sendBatch(Array.from({ length: KEYS_OF_A_BATCH }, (_, index) => ({ key: keyOf(from + index), value })));
      }
    };
    await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, sendInTurn));
  };
  await send(20_000, (number) => `before-${number}`);
  const before = await settledBytes();
  const startedAt = performance.now();
  await send(KEYS_OF_THEIR_OWN, (number) => `key-${number}`);
  const seconds = (performance.now() - startedAt) / 1_000;
  const left = (await settledBytes()) - before;
  await producer.close();
  return { bytes: left, seconds };
}

/** @returns bytes that are held when all of these were offered to a service that does not answer */
async function heldWhileStalled(target: Target): Promise<{ readonly ours: number; readonly raw: number }> {
  const { connection, emulator, raw } = target;
  const held = async (topic: string, offer: (message: OutgoingMessage<Uint8Array>) => Promise<unknown>): Promise<number> => {
    await connection.admin.createTopic(topic);
    await offer({ key: "first", value: Buffer.alloc(1) });
    await emulator.inject({ kind: "stall", topic, operation: "publish", times: 1_000_000, durationMs: 5_000 });
    const before = heldBytes();
    const offered: Promise<unknown>[] = [];
    for (let index = 0; index < STALLED_SENDS; index += 1) {
      offered.push(offer({ key: `key-${index % ORDERED_KEYS}`, value: Buffer.alloc(STALLED_VALUE_BYTES, 1) }).catch(() => undefined));
      if (index % 64 === 0) await turn();
    }
    await sleep(100);
    const bytesHeld = heldBytes() - before;
    await emulator.clearFaults();
    await Promise.all(offered);
    return bytesHeld;
  };
  const producer = connection.topic("stalled.ours", { codec: bytes() }).producer();
  const topic = rawTopic(raw, "stalled.raw");
  const ours = await held("stalled.ours", (message): Promise<Receipt> => producer.send(message));
  const theirs = await held("stalled.raw", ({ key, value }) => topic.publishMessage({ data: value, orderingKey: key as string }));
  await producer.close();
  return { ours, raw: theirs };
}

const megabytes = (held: number): number => rounded(Math.max(0, held) / MEBIBYTE);

/**
 * Against Google's client, on the emulator in a process of its own: both pay for the same service.
 * @param tell progress, for people
 */
export async function benchPubSub(tell: (text: string) => void): Promise<BenchResult> {
  await using target = await startTarget();
  const { connection, emulator } = target;
  const published = await publish(target);
  tell(`publish in order: ${comparisonText(published)}`);
  const consumed = await consume(target);
  const { run, runBatches } = consumed.figures;
  tell(`consume in order: ${comparisonText(consumed)}`);
  const disorder = await handledOutOfOrder(target);
  tell(`handled out of order, of ${HANDLED}: ours ${disorder.ours}, raw ${disorder.raw}`);

  const topic = async (name: string) => {
    await connection.admin.createTopic(name);
    return connection.topic(name, { codec: bytes() });
  };
  const common = await providerBars(emulator, topic);
  const stalled = await heldWhileStalled(target);
  tell(`held while the service stalls: ours ${megabytes(stalled.ours)} MiB, raw ${megabytes(stalled.raw)} MiB`);
  const keys = await heldByKeys(target);
  tell(`1,000,000 keys in ${keys.seconds.toFixed(0)} s: ${megabytes(keys.bytes)} MiB are left in this process`);

  const { pairs } = CONSUME_PAIRS;
  const once = { better: "lower", pairs: 1 } as const;
  const bars: readonly Bar[] = [
    {
      name: "publish, 32 keys, 1 KB / raw",
      value: rounded(published.figures.ours.speed),
      better: "higher",
      must: 0.95,
      aim: 1.2,
      pairs: PUBLISH_PAIRS.pairs,
    },
    { name: "run, in order / raw", value: rounded(run.speed), better: "higher", must: 0.85, aim: 1, pairs },
    { name: "runBatches, in order / raw", value: rounded(runBatches.speed), better: "higher", must: 0.85, aim: 1, pairs },
    { name: `handled out of order (raw: ${disorder.raw} of ${HANDLED})`, value: disorder.ours, must: 0, aim: 0, ...once },
    ...common,
    {
      name: `held of 256 MiB while the service stalls: MiB (raw: ${megabytes(stalled.raw)})`,
      value: megabytes(stalled.ours),
      must: 96,
      aim: 72,
      ...once,
    },
    { name: "1,000,000 ordering keys: s", value: rounded(keys.seconds), must: 300, aim: 150, ...once },
    { name: "left by 1,000,000 ordering keys: MiB", value: megabytes(keys.bytes), must: 16, aim: 4, ...once },
  ];
  const control = worstControl([published, consumed]);
  return { provider: "pubsub", control: rounded(control), void: !isWithinControl(control), bars };
}
