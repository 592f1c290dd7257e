import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, type Gap, connect, text } from "../../src/index.ts";
import { until } from "../kafka/group-watch.ts";

const missing = kafkaRequirements();
const HOUR_MS = 3_600_000;
const OLD = 5_000;
/** A server hands out whole batches: many of them, so that a reader is slower than its fetching. */
const BATCH = 100;
const VALUE_BYTES = 1_000;
const YOUNG = 100;
/** Far less than there is: a slow reader has to ask again and again. */
const SMALL_BUFFER_BYTES = 20_000;

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

// Retention by DeleteRecords, to the offset, is in test/kafka/consumer-log.test.ts and adapter-records.test.ts; here it is the server's own, by time.
describe.each(missing === null ? ["Kafka"] : [])("retention by time on a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin" | "producerTimestamps">;

  beforeAll(async () => {
    cluster = await startKafka({
      profile: "default",
      properties: { "log.retention.check.interval.ms": "200", "log.initial.task.delay.ms": "100", "log.segment.delete.delay.ms": "0" },
    });
    connection = await connect(cluster.url, { require: ["topicAdmin", "producerTimestamps"] });
  });

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  /** Of one partition, with messages of two hours ago. */
  async function oldTopic() {
    const name = `retention-${randomUUID()}`;
    await connection.admin.createTopic(name, { partitions: 1, retentionMs: 24 * HOUR_MS });
    const topic = connection.topic(name, { codec: text() });
    const producedAt = Date.now() - 2 * HOUR_MS;
    const old = Array.from({ length: OLD }, (_, index) => ({ key: "k", value: `${index}`.padEnd(VALUE_BYTES), producedAt }));
    const producer = topic.producer();
    for (let sent = 0; sent < OLD; sent += BATCH) await producer.sendBatch(old.slice(sent, sent + BATCH));
    /** Retention is shortened, and what is old goes; young messages come behind it. */
    const expire = async (): Promise<void> => {
      await connection.admin.updateTopic(name, { retentionMs: HOUR_MS });
      const isGone = async (): Promise<boolean> => {
        for await (const _ of topic.reader({ until: "now", onGap: () => undefined })) return false;
        return true;
      };
      await until(isGone, "the old messages deleted", 60_000);
      await topic.producer().sendBatch(Array.from({ length: YOUNG }, (_, index) => ({ key: "k", value: String(OLD + index) })));
    };
    return { name, topic, expire };
  }

  function expectNothingSilent(seen: readonly number[], gaps: readonly Gap[]): void {
    expect(gaps).toHaveLength(1);
    const { missing: lost } = gaps[0]!;
    expect(lost).toBeGreaterThan(0);
    // What was seen, what was told to be missing, and nothing else: in order, without a hole but that one.
    expect(seen.length + lost!).toBe(OLD + YOUNG);
    const before = seen.length - YOUNG;
    expect(seen).toEqual([...Array.from({ length: before }, (_, at) => at), ...Array.from({ length: YOUNG }, (_, at) => OLD + at)]);
  }

  test("that overtakes a slow reader is position-out-of-range", async () => {
    const { topic, expire } = await oldTopic();
    const reader = topic.reader({ maxBufferedBytes: SMALL_BUFFER_BYTES });
    const seen: number[] = [];
    const read = async (): Promise<void> => {
      for await (const { value } of reader) {
        seen.push(Number(value));
        if (seen.length === 100) await expire();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "position-out-of-range", provider: "kafka", partition: "0" });
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, index) => index));
    expect(seen.length).toBeLessThan(OLD);
  });

  test("that overtakes a slow reader is told to onGap, with how much is missing, and the reader goes on behind it", async () => {
    const { topic, expire } = await oldTopic();
    const gaps: Gap[] = [];
    const reader = topic.reader({ maxBufferedBytes: SMALL_BUFFER_BYTES, onGap: (gap) => gaps.push(gap) });
    const seen: number[] = [];
    for await (const { value } of reader) {
      seen.push(Number(value));
      if (seen.length === 100) await expire();
      if (seen.at(-1) === OLD + YOUNG - 1) break;
    }
    expectNothingSilent(seen, gaps);
  });

  test.each(["refuses", "tells"] as const)("that has passed a stopped group %s it", async (manner) => {
    const { topic, expire } = await oldTopic();
    const seen: number[] = [];
    const gaps: Gap[] = [];
    const options = { group: "stopped", maxBufferedBytes: SMALL_BUFFER_BYTES };
    const first = topic.consumer(options);
    await first.run(async ({ value }) => {
      seen.push(Number(value));
      // Not awaited in a handler, which it waits for.
      if (seen.length === 500) void first.close();
      else if (seen.length > 500) await sleep(10);
    });
    await expire();
    if (manner === "refuses") {
      const handledBefore = seen.length;
      // Again and again: nothing is committed over the gap.
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const refused = topic.consumer(options).run(({ value }) => seen.push(Number(value)));
        await expect(refused).rejects.toMatchObject({ code: "position-out-of-range", provider: "kafka", partition: "0" });
      }
      expect(seen).toHaveLength(handledBefore);
      return;
    }
    const second = topic.consumer({ ...options, onGap: (gap) => gaps.push(gap) });
    const running = second.run(({ value }) => seen.push(Number(value)));
    await until(() => seen.at(-1) === OLD + YOUNG - 1, "the last message handled", 30_000);
    await second.close();
    await running;
    expectNothingSilent(seen, gaps);
  });
});
