import { expect, test } from "vitest";
import { kafka } from "../../adapters/kafka/index.ts";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { connect, isStreamError, text } from "../../src/index.ts";

const missing = kafkaRequirements();
const KEYS = 20;

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

const forms = [
  { brokers: 1, idempotent: false, runMs: 20_000 },
  { brokers: 1, idempotent: true, runMs: 20_000 },
  { brokers: 3, idempotent: false, runMs: 60_000 },
  { brokers: 3, idempotent: true, runMs: 60_000 },
] as const;

test.each(missing === null ? forms : [])(
  "brokers are killed and come back while messages are sent: nothing acknowledged is lost or out of order %o",
  { timeout: 240_000 },
  async ({ brokers, idempotent, runMs }) => {
    await using cluster = await startKafka({ brokers });
    await using connection = await connect(kafka({ brokers: cluster.bootstrapServers.split(","), idempotent }), {
      require: ["topicAdmin"],
    });
    await connection.admin.createTopic("flights", { partitions: 6 });
    const topic = connection.topic("flights", { codec: text() });
    const producer = topic.producer();
    const acknowledged = new Set<string>();
    const failures: string[] = [];
    const sending: Promise<void>[] = [];
    let isOver = false;

    const load = (async () => {
      for (let sequence = 0; !isOver; sequence += 1) {
        for (let key = 0; key < KEYS; key += 1) {
          const value = `${key}:${sequence}`;
          const sent = producer.send({ key: String(key), value }).then(
            () => void acknowledged.add(value),
            (error: unknown) => void failures.push(isStreamError(error) ? error.code : String(error)),
          );
          sending.push(sent);
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();

    const startedAtMs = performance.now();
    for (let turn = 0; performance.now() - startedAtMs < runMs; turn += 1) {
      const broker = cluster.brokers[turn % brokers]!;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await broker.kill();
      await new Promise((resolve) => setTimeout(resolve, 500));
      await broker.start();
    }
    isOver = true;
    await load;
    await Promise.all(sending);

    const stored: string[] = [];
    for await (const { value } of topic.reader({ until: "now" })) stored.push(value);
    expect(failures).toEqual([]);
    const kept = new Set(stored);
    expect([...acknowledged].filter((value) => !kept.has(value))).toEqual([]);
    for (let key = 0; key < KEYS; key += 1) {
      const firsts = [...kept].filter((value) => value.startsWith(`${key}:`)).map((value) => Number(value.split(":")[1]));
      expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    }
    if (idempotent) expect(stored.length).toBe(kept.size);
  },
);
