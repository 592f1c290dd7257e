import type { Message as RawMessage, Producer as RawProducer } from "kafkajs";
import { murmur2 } from "../../adapters/kafka/produce/murmur2.ts";
import { type Connection, type OutgoingMessage, bytes } from "../../src/index.ts";
import { DeliveryDigest } from "./delivery-digest.ts";
import { type Comparison, type Contestant, type Pairs, compare, startWatch } from "./paired.ts";
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
  for (const topic of Object.values(topics)) await connection.admin.createTopic(topic, { partitions: PARTITIONS });
  const messages = workload(together * Math.max(times.ours, times.raw), setting.bytes);
  const sent = { ours: messages.slice(0, together * times.ours), raw: messages.slice(0, together * times.raw) };
  const samples = { ours: 0, raw: 0, naive: 0 };

  const producer = connection.topic(topics.ours, { codec: bytes() }).producer();
  const send: Ours =
    call === "batch"
      ? (batch) => producer.sendBatch(batch)
      : (batch) => (batch.length === 1 ? producer.send(batch[0]!) : Promise.all(batch.map((message) => producer.send(message))));
  const contestant = <Item>(
    who: keyof typeof samples,
    items: readonly Item[],
    step: (batch: readonly Item[]) => Promise<unknown>,
  ): Contestant => {
    const batches = batchesOf(items, together);
    return async () => {
      samples[who] += 1;
      const watch = startWatch();
      for (const batch of batches) await step(batch);
      return watch(items.length);
    };
  };
  const sendRaw = (topic: string) => {
    const one = (batch: readonly RawMessage[]): Promise<unknown> =>
      raw.send({ topic, acks: ALL_REPLICAS, messages: batch as RawMessage[] });
    return call === "batch" ? one : (batch: readonly RawMessage[]) => Promise.all(batch.map((message) => one([message])));
  };
  const comparison = await compare(
    {
      ours: contestant("ours", sent.ours, send),
      naive: contestant("naive", sent.raw.map(keyed), sendRaw(topics.naive)),
    },
    contestant("raw", sent.raw.map(withPartition), sendRaw(topics.raw)),
    PUBLISH_PAIRS,
  );
  await producer.close();
  for (const who of ["ours", "raw", "naive"] as const) {
    const digest = new DeliveryDigest();
    for await (const batch of connection.topic(topics[who], { codec: bytes() }).reader({ until: "now" }).batches()) {
      for (const { value } of batch) digest.add(value);
    }
    const values = (who === "ours" ? sent.ours : sent.raw).map(({ value }) => value);
    digest.verify(topics[who], values, samples[who]);
  }
  return comparison;
}

function keyed({ key, value }: OutgoingMessage<Uint8Array>): RawMessage {
  return { key: key ?? null, value: Buffer.from(value.buffer, value.byteOffset, value.byteLength) };
}

/** The partition is known before the clock starts: raw pays nothing for it. */
function withPartition(message: OutgoingMessage<Uint8Array>): RawMessage {
  return { ...keyed(message), partition: murmur2(Buffer.from(message.key ?? "")) % PARTITIONS };
}
