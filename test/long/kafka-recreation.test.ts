import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Receipt, connect, isStreamError, text } from "../../src/index.ts";
import { until } from "../kafka/group-watch.ts";

const missing = kafkaRequirements();
const LOAD_MS = 1_500;
const KEYS = 20;

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

interface Sent {
  readonly value: string;
  /** In milliseconds of the run, when `send` was called. */
  readonly calledAtMs: number;
  readonly receipt: Receipt | null;
  readonly code: string | null;
}

const forms = [
  { idempotent: false, goneForMs: 0 },
  { idempotent: false, goneForMs: 2_000 },
  { idempotent: true, goneForMs: 0 },
];

test.each(missing === null ? forms : [])(
  "a topic is deleted and created again under a producer, a reader, a group and a bookmark %o",
  { timeout: 180_000 },
  async ({ idempotent, goneForMs }) => {
    await using cluster = await startKafka({ profile: "default" });
    const url = `${cluster.url}?idempotent=${idempotent}`;
    await using connection = await connect(url, { require: ["topicAdmin", "groupReset", "startAtPosition", "endAtBookmark"] });
    // Whoever changes the topic is somebody else.
    await using operator = await connect(cluster.url, { require: ["topicAdmin"] });
    await operator.admin.createTopic("orders", { partitions: 3 });
    const topic = connection.topic("orders", { codec: text() });

    const producer = topic.producer({ deliveryTimeoutMs: 30_000 });
    const sending: Promise<Sent>[] = [];
    let isOver = false;
    const load = (async () => {
      for (let sequence = 0; !isOver; sequence += 1) {
        for (let key = 0; key < KEYS; key += 1) {
          const sent = { value: `${key} ${sequence}`, calledAtMs: performance.now() };
          const outcome = producer.send({ key: String(key), value: sent.value }).then(
            (receipt): Sent => ({ ...sent, receipt, code: null }),
            (error: unknown): Sent => ({ ...sent, receipt: null, code: isStreamError(error) ? error.code : `no code: ${String(error)}` }),
          );
          sending.push(outcome);
        }
        await sleep(5);
      }
    })();

    const consumer = topic.consumer({ group: "workers", commit: { everyMs: 100 } });
    let handled = 0;
    const running = consumer
      .run(() => void (handled += 1))
      .then(
        () => "closed",
        (error: unknown) => (isStreamError(error) ? error.code : String(error)),
      );
    const endless = topic.reader();
    const reading = (async () => {
      for await (const _ of endless) continue;
    })().then(
      () => "ended",
      (error: unknown) => (isStreamError(error) ? error.code : String(error)),
    );
    await sleep(LOAD_MS);
    await until(() => handled > 100, "100 messages handled", 30_000);
    const half = topic.reader({ until: "now" });
    for await (const _ of half) break;
    const bookmark = await half.bookmark();

    await operator.admin.deleteTopic("orders");
    await sleep(goneForMs);
    await operator.admin.createTopic("orders", { partitions: 3 });
    const createdAtMs = performance.now();
    await sleep(LOAD_MS);
    isOver = true;
    await load;
    const sent = await Promise.all(sending);

    // Each send has ended, with a receipt or a code.
    expect(sent.filter(({ code }) => code !== null && !CODES.has(code))).toEqual([]);
    const positions = new Map<string, string[]>();
    for await (const { value, position } of topic.reader({ until: "now" })) {
      positions.set(value, [...(positions.get(value) ?? []), position]);
    }
    // What the new topic has was told with its identity; it goes on there by itself.
    const acknowledged = sent.filter(({ receipt }) => receipt !== null);
    const kept = acknowledged.filter(({ value }) => positions.has(value));
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.filter(({ value, receipt }) => !positions.get(value)!.includes(receipt!.position!))).toEqual([]);
    // What it has not went with the old one: it was sent before, and its receipt says so.
    const lost = acknowledged.filter(({ value }) => !positions.has(value));
    expect(lost.filter(({ calledAtMs }) => calledAtMs > createdAtMs)).toEqual([]);
    for (const { receipt } of [lost[0]!, lost.at(-1)!]) {
      const old = topic.reader({ from: { at: receipt!.position! }, partitions: [receipt!.partition!], until: "now" });
      await expect(old[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "position-mismatch" });
    }
    // In the new topic each key is in the order of the calls.
    for (let key = 0; key < KEYS; key += 1) {
      const sequences = [...positions.keys()].filter((value) => value.startsWith(`${key} `)).map((value) => Number(value.split(" ")[1]));
      expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    }

    expect(await running).toBe("not-found");
    expect(await reading).toMatch(/^(?:not-found|position-mismatch)$/);
    for (const range of [{ from: { bookmark } }, { until: { bookmark } }]) {
      await expect(topic.reader(range)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "position-mismatch" });
    }
    await expect(connection.admin.resetGroup("orders", "other", { bookmark })).rejects.toMatchObject({ code: "position-mismatch" });
    const fromBookmark = topic.consumer({ group: "third", initialPosition: { bookmark } });
    await expect(fromBookmark.run(() => undefined)).rejects.toMatchObject({ code: "position-mismatch" });

    // What the group committed in the old topic is no place in the new one: all of it is handled.
    const again = topic.consumer({ group: "workers" });
    const values = new Set<string>();
    const runningAgain = again.run(({ value }) => void values.add(value));
    await until(() => values.size === positions.size, `${positions.size} messages handled`, 30_000);
    await again.close();
    await runningAgain;
  },
);

/** With which a send may end while its topic is gone. */
const CODES: ReadonlySet<string> = new Set(["not-found", "outcome-unknown", "key-blocked", "unavailable"]);
