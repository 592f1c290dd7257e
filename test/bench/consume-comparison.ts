import { randomUUID } from "node:crypto";
import type { Consumer, OutgoingMessage, Topic } from "../../src/index.ts";
import { DeliveryDigest } from "./delivery-digest.ts";
import { type Comparison, type Contestant, type Pairs, type Sample, compare, startWatch } from "./paired.ts";
import { batchesOf } from "./workload.ts";

const FILL_BATCH = 5_000;

type Read = (value: Uint8Array) => void;
/** One way to read a full topic from its beginning. `read` is to be called with each value. Returns what ends the reading. */
export type Consuming = (read: Read) => () => Promise<unknown>;

/** Publishes all of them. Returns their values. */
export async function fillTopic(
  topic: Topic<Uint8Array>,
  messages: readonly OutgoingMessage<Uint8Array>[],
): Promise<readonly Uint8Array[]> {
  const producer = topic.producer();
  for (const batch of batchesOf(messages, FILL_BATCH)) await producer.sendBatch(batch);
  await producer.close();
  return messages.map(({ value }) => value);
}

/** A new group that has one member, with the defaults. `newGroup`: its name, where groups have to be there before. */
export function byRun(topic: Topic<Uint8Array>, newGroup: () => string = randomUUID): Consuming {
  return byConsumer(topic, newGroup, (consumer, read) => consumer.run(({ value }) => read(value)));
}

/** A new group that has one member, which gets batches. */
export function byRunBatches(topic: Topic<Uint8Array>, newGroup: () => string = randomUUID): Consuming {
  return byConsumer(topic, newGroup, (consumer, read) =>
    consumer.runBatches((batch) => {
      for (const { value } of batch) read(value);
    }),
  );
}

function byConsumer(
  topic: Topic<Uint8Array>,
  newGroup: () => string,
  start: (consumer: Consumer<Uint8Array>, read: Read) => Promise<void>,
): Consuming {
  return (read) => {
    const consumer = topic.consumer({ group: newGroup(), initialPosition: "earliest" });
    const running = start(consumer, read);
    return async () => {
      await consumer.close();
      await running;
    };
  };
}

/**
 * Reads the same full topic in turns; the clock runs from the first message to the last.
 * @param values of all messages
 * @throws where anything was lost, came twice, or is another message
 */
export function compareConsuming<Name extends string>(
  values: readonly Uint8Array[],
  { raw, ...challengers }: Readonly<Record<Name | "raw", Consuming>>,
  pairs: Pairs,
): Promise<Comparison<Name>> {
  const contestant =
    (name: string, consume: Consuming): Contestant =>
    async () => {
      const digest = new DeliveryDigest();
      const done = Promise.withResolvers<Sample>();
      let watch: ReturnType<typeof startWatch> | undefined;
      const end = consume((value) => {
        watch ??= startWatch();
        digest.add(value);
        if (digest.messages === values.length) done.resolve(watch(values.length));
      });
      const sample = await done.promise;
      await end();
      digest.verify(name, values);
      return sample;
    };
  const entrants = Object.entries<Consuming>(challengers as Record<Name, Consuming>);
  const named = entrants.map(([name, consume]) => [name, contestant(name, consume)] as const);
  return compare(Object.fromEntries(named) as Record<Name, Contestant>, contestant("raw", raw), pairs);
}
