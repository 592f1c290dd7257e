import type { Message as RawMessage, Producer as RawProducer } from "kafkajs";
import { murmur2 } from "../../adapters/kafka/produce/murmur2.ts";
import { type Connection, type OutgoingMessage, bytes } from "../../src/index.ts";
import type { Comparison, Pairs } from "./paired.ts";
import { type Publishing, comparePublishing, eachBatch } from "./publish-comparison.ts";
import { PARTITIONS, batchesOf, workload } from "./workload.ts";

export const PUBLISH_PAIRS: Pairs = { pairs: 21, warmUp: 12 };

/** Partition leaders acknowledge when all in-sync replicas have it: what `send` promises as well. */
const ALL_REPLICAS = -1;

type Messages = readonly OutgoingMessage<Uint8Array>[];
type Ours = (messages: Messages) => Promise<unknown>;

export interface PublishSetting {
  readonly name: string;
  /** Of each value. */
  readonly bytes: number;
  /** Sent by one call, or by concurrent calls, before the next ones. */
  readonly together: number;
  /** Of `together` messages in a sample: of ours, and of raw where that takes so much longer. */
  readonly times: { readonly ours: number; readonly raw: number };
  readonly call: "batch" | "single";
}

export interface PublishTarget {
  readonly connection: Connection<"topicAdmin">;
  readonly raw: RawProducer;
}

/** Ours; raw as its documentation says to reach a partition; and raw as programs write it that give a key and leave the rest to it. */
export async function comparePublish(
  { connection, raw }: PublishTarget,
  { name, together, times, call, ...setting }: PublishSetting,
): Promise<Comparison<"ours" | "naive">> {
  const topics = { ours: `${name}.ours`, raw: `${name}.raw`, naive: `${name}.naive` };
  const messages = workload(together * Math.max(times.ours, times.raw), setting.bytes);
  const sent = { ours: messages.slice(0, together * times.ours), raw: messages.slice(0, together * times.raw) };

  const producer = connection.topic(topics.ours, { codec: bytes() }).producer();
  const send: Ours =
    call === "batch"
      ? (batch) => producer.sendBatch(batch)
      : (batch) => (batch.length === 1 ? producer.send(batch[0]!) : Promise.all(batch.map((message) => producer.send(message))));
  const byRaw = (topic: string, toMessage: (message: OutgoingMessage<Uint8Array>) => RawMessage): Publishing => {
    const one = (batch: readonly RawMessage[]): Promise<unknown> =>
      raw.send({ topic, acks: ALL_REPLICAS, messages: batch as RawMessage[] });
    const sendRaw = call === "batch" ? one : (batch: readonly RawMessage[]) => Promise.all(batch.map((message) => one([message])));
    return { connection, topic, messages: sent.raw, publish: eachBatch(batchesOf(sent.raw.map(toMessage), together), sendRaw) };
  };
  const comparison = await comparePublishing(
    {
      ours: { connection, topic: topics.ours, messages: sent.ours, publish: eachBatch(batchesOf(sent.ours, together), send) },
      naive: byRaw(topics.naive, keyed),
      raw: byRaw(topics.raw, withPartition),
    },
    { ...PUBLISH_PAIRS, partitions: PARTITIONS },
  );
  await producer.close();
  return comparison;
}

function keyed({ key, value }: OutgoingMessage<Uint8Array>): RawMessage {
  return { key: key ?? null, value: Buffer.from(value.buffer, value.byteOffset, value.byteLength) };
}

/** The partition is known before the clock starts: raw pays nothing for it. */
function withPartition(message: OutgoingMessage<Uint8Array>): RawMessage {
  return { ...keyed(message), partition: murmur2(Buffer.from(message.key ?? "")) % PARTITIONS };
}
