import { setTimeout as sleep } from "node:timers/promises";
import { ConfigFileAuthenticationDetailsProvider, NoRetryConfigurationDetails } from "oci-common";
import { StreamAdminClient, StreamClient } from "oci-streaming";
import { type Connection, type OutgoingMessage, type Topic, bytes, connect } from "../../src/index.ts";
import type { BatchTarget } from "./batch-strategies.ts";
import { type Blocking, compareBlocks } from "./blocked-loop.ts";
import { type Consuming, byRun, byRunBatches, compareConsuming, fillTopic } from "./consume-comparison.ts";
import { type EmulatorProcess, startEmulatorProcess } from "./emulator-process.ts";
import { compareOrdered, orderedBars } from "./ordered-publish.ts";
import { type Comparison, type Pairs, comparisonText, worstControl } from "./paired.ts";
import { providerBars } from "./provider-bars.ts";
import { type Bar, type BenchResult, isWithinControl, rounded } from "./result.ts";
import { PARTITIONS, workload } from "./workload.ts";

const LATENCY_MS = 20;
const THROTTLED_PART = 0.02;
/** As many as take no longer to encode than others. */
const MOST_ENTRIES = 500;
const BLOCK_PAIRS: Pairs = { pairs: 21, warmUp: 2 };
const BLOCK_MESSAGES = 1_000;
const BLOCK_VALUE_BYTES = 1_000;
const CONSUME_PAIRS: Pairs = { pairs: 11, warmUp: 2 };
const CONSUMED = 200_000;
const EMPTY_PAUSE_MS = 200;
/** JSON has no Infinity. */
const UNLIMITED = 1_000_000_000;
const LIMITS = { getsPerSecond: UNLIMITED, bytesPerSecond: UNLIMITED };

interface RawMessage {
  key: string;
  value: string;
}

/** The emulator in a process of its own, with what a raw program needs to use it. */
interface Target extends AsyncDisposable {
  readonly emulator: EmulatorProcess;
  readonly raw: RawStreams;
  /** Of `connection`. */
  readonly url: string;
  readonly connection: Connection<"topicAdmin">;
}

/** @param envelope of what ours writes and reads */
async function startTarget(options: object, envelope: "frame" | "raw"): Promise<Target> {
  const emulator = await startEmulatorProcess("oci-streaming", { ...LIMITS, ...options });
  const url = new URL(emulator.url);
  // Raw reads as fast as the service answers, and behind an empty page it pauses. Ours does so where it may pause for less than the real service wants.
  url.searchParams.set("pollMs", String(EMPTY_PAUSE_MS - 1));
  url.searchParams.set("envelope", envelope);
  const connection = await connect(url.href, { require: ["topicAdmin"] });
  const raw = new RawStreams(emulator.environment, url.pathname.slice(1));
  return {
    emulator,
    raw,
    url: url.href,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      raw.close();
      await emulator[Symbol.asyncDispose]();
    },
  };
}

/** The SDK, as its documentation says to use it. */
class RawStreams {
  readonly #admin: StreamAdminClient;
  readonly #messages: StreamClient;
  readonly #streamPoolId: string;
  readonly #ids = new Map<string, string>();

  constructor({ OCI_CONFIG_FILE, OCI_CLI_ENDPOINT = "" }: Readonly<Record<string, string>>, streamPoolId: string) {
    const authenticationDetailsProvider = new ConfigFileAuthenticationDetailsProvider(OCI_CONFIG_FILE);
    // Where an entry is refused the program itself sends it again.
    const configuration = { retryConfiguration: NoRetryConfigurationDetails };
    this.#admin = new StreamAdminClient({ authenticationDetailsProvider }, configuration);
    this.#admin.endpoint = OCI_CLI_ENDPOINT;
    this.#messages = new StreamClient({ authenticationDetailsProvider }, configuration);
    this.#streamPoolId = streamPoolId;
  }

  /** The client sends to the endpoint that the stream tells. */
  async #idOf(name: string): Promise<string> {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const { items } = await this.#admin.listStreams({ streamPoolId: this.#streamPoolId, name });
    const [{ id, messagesEndpoint }] = items as [(typeof items)[0]];
    this.#messages.endpoint = messagesEndpoint;
    this.#ids.set(name, id);
    return id;
  }

  /** @returns the indexes of the messages that were refused */
  async put(name: string, messages: readonly RawMessage[]): Promise<readonly number[]> {
    const streamId = await this.#idOf(name);
    const { putMessagesResult } = await this.#messages.putMessages({ streamId, putMessagesDetails: { messages: [...messages] } });
    const { failures, entries } = putMessagesResult;
    if (failures === 0) return [];
    return entries.flatMap(({ error }, index) => ((error ?? null) === null ? [] : [index]));
  }

  /** All partitions at once, each from one page to the next. */
  read(name: string): Consuming {
    return (read) => {
      let isOver = false;
      const readPartition = async (streamId: string, partition: string): Promise<void> => {
        const createCursorDetails = { partition, type: "TRIM_HORIZON" as never };
        const { cursor: start } = await this.#messages.createCursor({ streamId, createCursorDetails });
        for (let cursor = start.value; !isOver;) {
          const { items, opcNextCursor } = await this.#messages.getMessages({ streamId, cursor });
          for (const { value } of items) read(Buffer.from(value, "base64"));
          cursor = opcNextCursor;
          if (items.length === 0) await sleep(EMPTY_PAUSE_MS);
        }
      };
      const running = (async () => {
        const streamId = await this.#idOf(name);
        await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => readPartition(streamId, String(partition))));
      })();
      return async () => {
        isOver = true;
        await running;
      };
    };
  }

  close(): void {
    this.#admin.close();
    this.#messages.close();
  }
}

function entryOf({ key, value }: OutgoingMessage<Uint8Array>): RawMessage {
  return { key: Buffer.from(key as string).toString("base64"), value: Buffer.from(value).toString("base64") };
}

/** With 20 ms to each call and 2 % of the entries throttled. */
async function ordered(tell: (text: string) => void): Promise<{ readonly bars: readonly Bar[]; readonly comparison: Comparison<"ours"> }> {
  await using target = await startTarget({ latencyMs: LATENCY_MS, throttledShare: THROTTLED_PART }, "frame");
  const { connection, raw } = target;
  const targetOf = (topic: string): BatchTarget<RawMessage> => ({
    mostEntries: MOST_ENTRIES,
    put: (entries) => raw.put(topic, entries),
  });
  const result = await compareOrdered({ connection, partitions: PARTITIONS, entryOf, target: targetOf });
  return { comparison: result.comparison, bars: orderedBars(result, MOST_ENTRIES, tell) };
}

/** A megabyte in one call of raw, each message with a key of its own. */
async function blocked({ connection, raw }: Target): Promise<Blocking> {
  for (const name of ["block.ours", "block.raw"]) await connection.admin.createTopic(name, { partitions: PARTITIONS });
  const messages = workload(BLOCK_MESSAGES, BLOCK_VALUE_BYTES, BLOCK_MESSAGES);
  const producer = connection.topic("block.ours", { codec: bytes() }).producer();
  const blocking = await compareBlocks(
    () => producer.sendBatch(messages),
    () => raw.put("block.raw", messages.map(entryOf)),
    BLOCK_PAIRS,
  );
  await producer.close();
  return blocking;
}

/** A connection keeps to so many reads a second of each partition, whoever reads: each run has one of its own, so that none pays for the run before it. */
function onOwnConnection(url: string, way: (topic: Topic<Uint8Array>) => Consuming): Consuming {
  return (read) => {
    const connecting = connect(url);
    const starting = connecting.then((connection) => way(connection.topic("consume", { codec: bytes() }))(read));
    return async () => {
      const end = await starting;
      await end();
      await (await connecting).close();
    };
  };
}

async function consume({ url, connection, raw }: Target): Promise<Comparison<"run" | "runBatches">> {
  await connection.admin.createTopic("consume", { partitions: PARTITIONS });
  const topic = connection.topic("consume", { codec: bytes() });
  const values = await fillTopic(topic, workload(CONSUMED));
  const ways = { run: onOwnConnection(url, byRun), runBatches: onOwnConnection(url, byRunBatches), raw: raw.read("consume") };
  return compareConsuming(values, ways, CONSUME_PAIRS);
}

/**
 * Against Oracle's SDK, on the emulator in a process of its own: both pay for the same service.
 * @param tell progress, for people
 */
export async function benchOciStreaming(tell: (text: string) => void): Promise<BenchResult> {
  const inOrder = await ordered(tell);
  await using target = await startTarget({}, "raw");
  const blocking = await blocked(target);
  tell(
    `1,000 messages of 1 KB block: ours ${blocking.oursMs.toFixed(1)} ms, raw ${blocking.rawMs.toFixed(1)} ms; control ${blocking.control.toFixed(3)}`,
  );
  const consumed = await consume(target);
  const { run, runBatches } = consumed.figures;
  tell(`consume: ${comparisonText(consumed, "raw getMessages")}`);

  await using framed = await startTarget({}, "frame");
  const topic = async (name: string) => {
    await framed.connection.admin.createTopic(name, { partitions: PARTITIONS });
    return framed.connection.topic(name, { codec: bytes() });
  };
  const common = await providerBars(framed.emulator, topic);

  const { pairs } = CONSUME_PAIRS;
  const bars: readonly Bar[] = [
    ...inOrder.bars,
    {
      name: "event loop blocked by 1,000 × 1 KB: sendBatch / putMessages",
      value: rounded(blocking.ratio),
      better: "lower",
      must: 0.1,
      aim: 0.05,
      pairs: BLOCK_PAIRS.pairs,
    },
    { name: "runBatches / getMessages loop", value: rounded(runBatches.speed), better: "higher", must: 0.9, aim: 1, pairs },
    { name: "run / getMessages loop", value: rounded(run.speed), better: "higher", must: 0.9, aim: 1, pairs },
    ...common,
  ];
  const control = worstControl([inOrder.comparison, blocking, consumed]);
  return { provider: "oci-streaming", control: rounded(control), void: !isWithinControl(control), bars };
}
