import { type Admin, type Connection, type OutgoingMessage, bytes } from "../../src/index.ts";
import { DeliveryDigest } from "./delivery-digest.ts";
import { type Comparison, type Contestant, type Pairs, compare, startWatch } from "./paired.ts";

type Messages = readonly OutgoingMessage<Uint8Array>[];

/** One way to publish. */
export interface Publishing {
  /** Creates the topic, where it has `topicAdmin`, and reads what is stored there. */
  readonly connection: Connection;
  /** Of its own. */
  readonly topic: string;
  readonly messages: Messages;
  /** Publishes all of them once. What can be prepared is prepared before: the clock runs. */
  readonly publish: () => Promise<unknown>;
}

/** One batch after the other. */
export function eachBatch<Batch>(batches: readonly Batch[], send: (batch: Batch) => Promise<unknown>): () => Promise<void> {
  return async () => {
    for (const batch of batches) await send(batch);
  };
}

/**
 * Publishes in turns, and reads then what is stored.
 * @param partitions of each topic; `null`: the topics are there
 * @throws where anything was lost, is twice, or is another message
 */
export async function comparePublishing<Name extends string>(
  ways: Readonly<Record<Name | "raw", Publishing>>,
  pairs: Pairs & { readonly partitions: number | null },
): Promise<Comparison<Name>> {
  const names = Object.keys(ways) as (Name | "raw")[];
  for (const name of names) {
    const { connection, topic } = ways[name];
    if (pairs.partitions === null) continue;
    await (connection.admin as Admin<"topicAdmin">).createTopic(topic, { partitions: pairs.partitions });
  }
  const samples = new Map<Name | "raw", number>();
  const contestant =
    (name: Name | "raw"): Contestant =>
    async () => {
      const { messages, publish } = ways[name];
      samples.set(name, (samples.get(name) ?? 0) + 1);
      const watch = startWatch();
      await publish();
      return watch(messages.length);
    };
  const entrants = names.filter((name) => name !== "raw").map((name) => [name, contestant(name)] as const);
  const comparison = await compare(Object.fromEntries(entrants) as Record<Name, Contestant>, contestant("raw"), pairs);
  for (const name of names) {
    const { connection, topic, messages } = ways[name];
    const digest = await digestOf(connection, topic);
    digest.verify(
      `${name}, ${topic}`,
      messages.map(({ value }) => value),
      samples.get(name),
    );
  }
  return comparison;
}

async function digestOf(connection: Connection, topic: string): Promise<DeliveryDigest> {
  const digest = new DeliveryDigest();
  for await (const batch of connection.topic(topic, { codec: bytes() }).reader({ until: "now" }).batches()) {
    for (const { value } of batch) digest.add(value);
  }
  return digest;
}
