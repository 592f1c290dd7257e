import { expect, test } from "vitest";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Producer, connect, text } from "../../src/index.ts";
import { until } from "../kafka/group-watch.ts";

const missing = kafkaRequirements();
const KEYS = Array.from({ length: 40 }, (_, index) => `key-${index}`);
const BEFORE = 3;
const AFTER = 8;

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

interface Sent {
  readonly key: string;
  readonly value: string;
  readonly partition: string;
}

/** Sends all keys in turn without waiting, until it is stopped; everything it sent, in the order of the calls. */
function startLoad(producer: Producer<string>, name: string): { stop(): Promise<readonly Sent[]> } {
  const sending: Promise<Sent>[] = [];
  let isOver = false;
  const load = (async () => {
    for (let sequence = 0; !isOver; sequence += 1) {
      for (const key of KEYS) {
        const value = `${name} ${key} ${sequence}`;
        const sent = producer.send({ key, value }).then(({ partition }) => ({ key, value, partition: partition! }));
        // Whoever stops the load hears of it.
        sent.catch(() => undefined);
        sending.push(sent);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await load;
      return Promise.all(sending);
    },
  };
}

/** Values by key and partition. */
function lanesOf(records: readonly Sent[]): ReadonlyMap<string, readonly string[]> {
  const lanes = Map.groupBy(records, ({ key, partition }) => `${key} in ${partition}`);
  return new Map([...lanes].map(([lane, inIt]) => [lane, inIt.map(({ value }) => value)]));
}

/** The partitions of each key as it went along. */
function waysOf(records: readonly Sent[]): ReadonlyMap<string, readonly string[]> {
  const byKey = Map.groupBy(records, ({ key }) => key);
  const steps = (way: readonly string[]) => way.filter((partition, index) => partition !== way[index - 1]);
  return new Map([...byKey].map(([key, sent]) => [key, steps(sent.map(({ partition }) => partition))]));
}

test.each(missing === null ? [{ idempotent: false }, { idempotent: true }] : [])(
  "partitions are added under load: nothing is lost, what is queued stays where it was, the group finds all of the new ones, on a real Kafka, %o",
  { timeout: 180_000 },
  async ({ idempotent }) => {
    await using cluster = await startKafka({ profile: "default" });
    await using connection = await connect(`${cluster.url}?idempotent=${idempotent}`, { require: ["topicAdmin", "explicitPartition"] });
    await connection.admin.createTopic("orders", { partitions: BEFORE });
    const topic = connection.topic("orders", { codec: text() });

    const handled: Sent[] = [];
    const members = ["a", "b"].map(() => {
      // "latest" for partitions that are there when the group begins; those that are added begin at their beginning all the same.
      const consumer = topic.consumer({ group: "workers", initialPosition: "latest", concurrency: 16, sessionTimeoutMs: 6_000 });
      const running = consumer.run(({ key, value, partition }) => handled.push({ key: key!, value, partition }));
      // Awaited at the end.
      running.catch(() => undefined);
      return { consumer, running };
    });
    const owned = (): number => members.reduce((sum, { consumer }) => sum + consumer.assigned.length, 0);
    await until(() => owned() === BEFORE && members.every(({ consumer }) => consumer.assigned.length > 0), "the group formed", 30_000);

    const old = topic.producer();
    const oldLoad = startLoad(old, "old");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await expect(connection.admin.updateTopic("orders", { partitions: AFTER })).rejects.toMatchObject({
      code: "unsupported",
      capability: "growthKeepsKeyOrder",
    });
    expect((await connection.admin.describeTopic("orders")).partitions).toHaveLength(BEFORE);
    await connection.admin.updateTopic("orders", { partitions: AFTER, mayReorder: true });

    // A second producer knows the added partitions from the start; the first goes on in those it knows.
    const young = topic.producer();
    const youngLoad = startLoad(young, "young");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    // When leaders change it looks, and goes on in all of them.
    await cluster.brokers[0]!.stop();
    await cluster.brokers[0]!.start();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const [ofOld, ofYoung] = await Promise.all([oldLoad.stop(), youngLoad.stop()]);

    const sent = [...ofOld, ...ofYoung];
    await until(() => new Set(handled.map(({ value }) => value)).size >= sent.length, `${sent.length} messages handled`, 60_000);
    await until(() => owned() === AFTER, "all partitions owned", 30_000);

    const stored: Sent[] = [];
    for await (const { key, value, partition } of topic.reader({ until: "now" })) stored.push({ key: key!, value, partition });
    if (idempotent) expect(stored).toHaveLength(sent.length);
    const firsts = (records: readonly Sent[]) =>
      [...new Map(records.toReversed().map((record) => [record.value, record])).values()].toReversed();
    for (const ofProducer of [ofOld, ofYoung]) {
      const own = new Set(ofProducer.map(({ value }) => value));
      const ofIt = (records: readonly Sent[]) => firsts(records.filter(({ value }) => own.has(value)));
      // Receipts tell the partition that is stored; within it each key is in the order of the calls, stored and handled.
      expect(lanesOf(ofIt(stored))).toEqual(lanesOf(ofProducer));
      expect(lanesOf(ofIt(handled))).toEqual(lanesOf(ofProducer));
    }
    // A key moves once, from its old partition to its new one, never back and forth.
    const newHome = new Map([...waysOf(ofYoung)].map(([key, way]) => [key, way[0]]));
    expect([...waysOf(ofYoung).values()].every((way) => way.length === 1)).toBe(true);
    expect(new Set(newHome.values()).size).toBe(AFTER);
    for (const [key, way] of waysOf(ofOld)) {
      expect(Number(way[0])).toBeLessThan(BEFORE);
      expect(way.slice(1)).toEqual(way[0] === newHome.get(key) ? [] : [newHome.get(key)]);
    }
    for (const { consumer, running } of members) {
      await consumer.close();
      await running;
    }
  },
);
