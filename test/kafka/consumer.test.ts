import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, connect, json } from "../../src/index.ts";
import { GroupWatch, until } from "./group-watch.ts";

const missing = kafkaRequirements();

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("members of a group on a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin" | "groupAdmin" | "groupReset" | "lagInMessages">;
  const watches: GroupWatch[] = [];

  beforeAll(async () => {
    cluster = await startKafka({ properties: { "log.cleaner.backoff.ms": "100", "log.initial.task.delay.ms": "100" } });
    connection = await connect(cluster.url, { require: ["topicAdmin", "groupAdmin", "groupReset", "lagInMessages"] });
  }, 120_000);

  afterEach(async () => {
    await Promise.all(watches.splice(0).map((watch) => watch.close()));
  });

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  async function newTopic(partitions = 6): Promise<{ topic: string; watch: GroupWatch }> {
    const topic = `orders-${randomUUID()}`;
    await connection.admin.createTopic(topic, { partitions });
    const watch = new GroupWatch(connection, topic);
    watches.push(watch);
    return { topic, watch };
  }

  /** All messages were handled in order, with no overlap in a key, and none twice. */
  function expectCleanHandling(watch: GroupWatch): void {
    expect(watch.sequences).toEqual(watch.expected);
    expect(watch.overlaps).toEqual([]);
    expect(watch.repeats).toBe(0);
  }

  test("one joins in mid-stream, another leaves: only moving partitions are interrupted, no message is lost, repeated or reordered", async () => {
    const { watch } = await newTopic();
    const first = watch.join("first", {}, 2);
    await watch.shared([first], [6]);
    const joining = async (): Promise<void> => {
      const second = watch.join("second", {}, 2);
      await watch.shared([first, second], [3, 3]);
      const third = watch.join("third", {}, 2);
      await watch.shared([first, second, third], [2, 2, 2]);
      await first.close();
      await watch.shared([second, third], [3, 3]);
    };
    await watch.sendWhile(joining());
    await watch.complete();
    expectCleanHandling(watch);
    // A member that kept a partition has kept it with the generation that assigned it.
    const epochs = Map.groupBy(watch.handled, ({ member, partition }) => `${member} ${partition}`);
    for (const handled of epochs.values()) expect(new Set(handled.map(({ epoch }) => epoch)).size).toBe(1);
    for (const [, handled] of Map.groupBy(watch.handled, ({ partition }) => partition)) {
      const owners = handled.filter(({ epoch }, index) => epoch !== handled[index - 1]?.epoch).map(({ epoch }) => BigInt(epoch ?? "0"));
      expect(owners).toEqual(owners.toSorted((a, b) => (a < b ? -1 : 1)));
    }
  });

  test("a group continues exactly where it stopped", async () => {
    const { watch } = await newTopic();
    await watch.send(600);
    const before = watch.join("before");
    await until(() => watch.handled.length >= 200, "200 messages handled");
    await before.close();
    const handledBefore = watch.handled.length;
    await watch.send(100);
    watch.join("after");
    await watch.complete();
    expect(handledBefore).toBeLessThanOrEqual(600);
    expectCleanHandling(watch);
  });

  test("many joins and leaves of five members lose and reorder no message", { timeout: 60_000 }, async () => {
    const { watch } = await newTopic(8);
    const storm = async (): Promise<void> => {
      for (let round = 0; round < 4; round += 1) {
        const members = Array.from({ length: 5 }, (_, index) => watch.join(`${round}.${index}`, {}, 1));
        await sleep(150 * round);
        await Promise.all(members.slice(0, 3).map((member) => member.close()));
        await sleep(300);
        await Promise.all(members.slice(3).map((member) => member.close()));
      }
    };
    await watch.sendWhile(storm());
    watch.join("last");
    await watch.complete();
    expectCleanHandling(watch);
  });

  test("added partitions are assigned and read from their beginning", async () => {
    const { topic, watch } = await newTopic(2);
    const members = [watch.join("a", { initialPosition: "latest" }), watch.join("b", { initialPosition: "latest" })];
    await watch.shared(members, [1, 1]);
    await connection.admin.updateTopic(topic, { partitions: 5, mayReorder: true });
    await watch.send(500, 100);
    await watch.complete();
    await watch.shared(members, [2, 3]);
    expect(watch.repeats).toBe(0);
    expect(new Set(watch.handled.map(({ partition }) => partition)).size).toBe(5);
  });

  test("one native group on two topics does not starve either topic", async () => {
    const [orders, flights] = [await newTopic(3), await newTopic(2)];
    const shared = await connect(cluster.url, { groups: { workers: `shared-${randomUUID()}` } });
    const [ofOrders, ofFlights] = [new GroupWatch(shared, orders.topic), new GroupWatch(shared, flights.topic)];
    await Promise.all([ofOrders.send(200), ofFlights.send(200)]);
    const [a, b] = [ofOrders.join("a"), ofFlights.join("b")];
    await Promise.all([ofOrders.complete(), ofFlights.complete()]);
    expect([a.partitions.length, b.partitions.length]).toEqual([3, 2]);
    expectCleanHandling(ofOrders);
    expectCleanHandling(ofFlights);
    await shared.close();
  });

  test("a group that starts at the latest offset has committed offsets in idle partitions too, at once and after a restart", async () => {
    const { topic, watch } = await newTopic(4);
    const old = connection.topic(topic, { codec: json<object>(), key: () => "old" });
    await old.producer().sendBatch([{ value: { key: "old", sequence: -1 } }]);
    const before = watch.join("before", { initialPosition: "latest" });
    await watch.shared([before], [4]);
    await before.close();
    await watch.send(200, 50);
    watch.join("after", { initialPosition: "latest" });
    await watch.complete();
    expectCleanHandling(watch);
  });

  test("aborted transactions are not delivered, and their offsets cause no lag", async () => {
    const { topic, watch } = await newTopic(1);
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(","), logLevel: logLevel.NOTHING });
    const raw = kafka.producer({ transactionalId: randomUUID(), maxInFlightRequests: 1, idempotent: true });
    await raw.connect();
    const message = (sequence: number) => ({ key: "key-0", value: JSON.stringify({ key: "key-0", sequence }) });
    const transaction = async (sequences: readonly number[], end: "commit" | "abort"): Promise<void> => {
      const open = await raw.transaction();
      await open.send({ topic, messages: sequences.map(message) });
      await open[end]();
    };
    await transaction([0, 1], "commit");
    await transaction([90, 91, 92], "abort");
    await transaction([2], "commit");
    await transaction([93, 94], "abort");
    const member = watch.join("a", { commit: { everyMs: 50 } });
    await until(() => watch.handled.length >= 3, "three messages handled");
    await until(async () => (await connection.admin.lag(topic, "workers")).messages === 0, "no lag after the aborted tail");
    await member.close();
    expect(watch.handled.map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
    const again = watch.join("b");
    await watch.shared([again], [1]);
    await transaction([3], "commit");
    await until(() => watch.handled.length >= 4, "the fourth message handled");
    expect(watch.handled.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3]);
    await raw.disconnect();
  });

  test("a group that must exist but does not is not-found, and is not created", async () => {
    const { topic, watch } = await newTopic(1);
    const member = watch.join("a", { initialPosition: "fail" });
    await expect(member.running).rejects.toMatchObject({ code: "not-found", provider: "kafka" });
    expect(await connection.admin.listGroups(topic)).toEqual([]);
  });

  test("a session time-out that the server does not accept is refused, and the error has the limits", async () => {
    const { watch } = await newTopic(1);
    const member = watch.join("a", { sessionTimeoutMs: 100 });
    await expect(member.running).rejects.toMatchObject({ code: "invalid-argument", message: expect.stringContaining("100 ms") });
  });

  test("a group with members of another client is a conflict", async () => {
    const { topic, watch } = await newTopic(1);
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(","), logLevel: logLevel.NOTHING });
    const foreign = kafka.consumer({ groupId: `${topic}.workers` });
    await foreign.connect();
    await foreign.subscribe({ topic });
    const joined = new Promise((resolve) => foreign.on(foreign.events.GROUP_JOIN, resolve));
    await foreign.run({ eachBatch: async () => undefined });
    await joined;
    await expect(watch.join("a").running).rejects.toMatchObject({ code: "conflict" });
    await foreign.disconnect();
  });

  test("a topic that is deleted, or deleted and created again, ends its consumers with a code", { timeout: 60_000 }, async () => {
    const [deleted, recreated] = [await newTopic(2), await newTopic(2)];
    const members = [deleted.watch.join("a"), recreated.watch.join("b")];
    await Promise.all([deleted.watch.shared(members.slice(0, 1), [2]), recreated.watch.shared(members.slice(1), [2])]);
    await connection.admin.deleteTopic(deleted.topic);
    await connection.admin.deleteTopic(recreated.topic);
    await connection.admin.createTopic(recreated.topic, { partitions: 2 });
    await expect(members[0]?.running).rejects.toMatchObject({ code: "not-found" });
    await expect(members[1]?.running).rejects.toMatchObject({ code: "not-found" });
  });
});
