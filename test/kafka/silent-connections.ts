import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { kafka } from "../../adapters/kafka/index.ts";
import { type Connection, connect, text } from "../../src/index.ts";
import { ForgetfulNetwork } from "./forgetful-network.ts";
import { GroupWatch, until } from "./group-watch.ts";

const PARTITIONS = 6;

export interface SilenceFigures {
  /** The time from the cut until a later send has resolved. */
  readonly sendMs: number;
  /** The time from the cut until the group has handled a later message. */
  readonly groupMs: number;
  /** The time from the cut until a reader without an end has read a later message. */
  readonly readerMs: number;
}

interface AtWork extends AsyncDisposable {
  readonly topic: string;
  readonly network: ForgetfulNetwork;
  readonly connection: Connection<"topicAdmin">;
}

async function connectThroughNetwork(url: string, kafkajs: Readonly<Record<string, unknown>>): Promise<AtWork> {
  const network = new ForgetfulNetwork();
  const brokers = url.replace(/^kafka:\/\//, "").split(",");
  const driver = kafka({ brokers, kafkajs: { ...kafkajs, socketFactory: network.socketFactory } });
  const connection = await connect(driver, { require: ["topicAdmin"] });
  const topic = `parcels-${randomUUID()}`;
  await connection.admin.createTopic(topic, { partitions: PARTITIONS });
  return {
    topic,
    network,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await network[Symbol.asyncDispose]();
    },
  };
}

/** Sends one message to each partition, so that every leader gets a request. */
function sendTo(connection: Connection, topic: string): (key: string) => Promise<void> {
  const producer = connection.topic(topic, { codec: text() }).producer();
  return async (key) => {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => String(partition));
    await Promise.all(partitions.map((toPartition) => producer.send({ key, value: JSON.stringify({ key, sequence: 0 }), toPartition })));
  };
}

/** Runs a producer alone, and then drops its connections. @returns the time from the cut until a later message is stored */
export async function sendThroughSilence(url: string, kafkajs: Readonly<Record<string, unknown>>): Promise<number> {
  await using atWork = await connectThroughNetwork(url, kafkajs);
  const { topic, network, connection } = atWork;
  const send = sendTo(connection, topic);
  await send("before");
  network.forgetConnections();
  const cutAtMs = performance.now();
  await send("behind");
  return performance.now() - cutAtMs;
}

/** Runs a producer, a group and a reader, and then drops all their connections. @throws if one of them does not continue */
export async function surviveSilence(
  url: string,
  kafkajs: Readonly<Record<string, unknown>>,
  timeLimitMs: number,
): Promise<SilenceFigures> {
  await using atWork = await connectThroughNetwork(url, kafkajs);
  const { topic, network, connection } = atWork;
  await using outside = await connect(url);
  const watch = new GroupWatch(connection, topic);
  const member = watch.join("a", { sessionTimeoutMs: 30_000 });
  let isLost = false;
  member.running.catch(() => (isLost = true));
  const send = sendTo(connection, topic);
  const read: string[] = [];
  const reader = connection.topic(topic, { codec: text() }).reader();
  const reading = (async () => {
    for await (const { key } of reader) read.push(key!);
  })();
  const isHandled = (key: string): boolean => watch.handled.filter((handled) => handled.key === key).length >= PARTITIONS;
  const isRead = (key: string): boolean => read.filter((known) => known === key).length >= PARTITIONS;
  await send("before");
  await until(() => isHandled("before") && isRead("before"), "all messages handled and read", 30_000);
  // Every client has sent a request after the cut, and waits for its answer.
  await sleep(500);
  if (network.forgetConnections() < 5) throw new Error("the network has known too few connections");
  const cutAtMs = performance.now();
  const since = (): number => performance.now() - cutAtMs;
  const wait = async (what: string, condition: () => boolean): Promise<number> => {
    await until(() => condition() || isLost, what, timeLimitMs);
    if (isLost) await member.running;
    return since();
  };
  const sending = send("behind").then(since);
  await sendTo(outside, topic)("outside");
  const [sendMs, groupMs, readerMs] = await Promise.all([
    sending,
    wait("the group to go on", () => isHandled("outside")),
    wait("the reader to go on", () => isRead("outside")),
  ]);
  await wait("all handled and read", () => isHandled("behind") && isRead("behind"));
  await watch.close();
  await reader.close();
  await reading;
  return { sendMs, groupMs, readerMs };
}
