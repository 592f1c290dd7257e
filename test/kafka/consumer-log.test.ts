import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { KafkaClient } from "../../adapters/kafka/client/kafka-client.ts";
import { createKafkaClient } from "../../adapters/kafka/client/kafkajs-client.ts";
import { clientSettingsOf } from "../../adapters/kafka/client/settings-of-options.ts";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, type Gap, bytes, connect } from "../../src/index.ts";
import { GroupWatch, until } from "./group-watch.ts";

const missing = kafkaRequirements();
const COMPACT_AT_ONCE = {
  "cleanup.policy": "compact",
  "segment.bytes": "1048576",
  "segment.ms": "50",
  "min.cleanable.dirty.ratio": "0.001",
  "min.compaction.lag.ms": "0",
  "delete.retention.ms": "0",
};

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("groups whose log changes, on a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin" | "groupAdmin" | "groupReset" | "lagInMessages">;
  /** Another client, for operations that streamport does not have. */
  let foreign: Admin;
  let client: KafkaClient;
  const { signal } = new AbortController();
  const watches: GroupWatch[] = [];

  beforeAll(async () => {
    cluster = await startKafka({ properties: { "log.cleaner.backoff.ms": "50", "log.initial.task.delay.ms": "50" } });
    connection = await connect(cluster.url, { require: ["topicAdmin", "groupAdmin", "groupReset", "lagInMessages"] });
    foreign = new Kafka({ brokers: cluster.bootstrapServers.split(","), logLevel: logLevel.NOTHING }).admin();
    await foreign.connect();
    const report = Object.assign(() => undefined, { wants: () => false });
    client = createKafkaClient(clientSettingsOf({ brokers: cluster.bootstrapServers.split(",") }), report);
  }, 120_000);

  afterEach(async () => {
    await Promise.all(watches.splice(0).map((watch) => watch.close()));
  });

  afterAll(async () => {
    await foreign.disconnect();
    await client.close();
    await connection.close();
    await cluster.stop();
  });

  async function newTopic(partitions = 1, settings: Readonly<Record<string, string>> = {}): Promise<{ topic: string; watch: GroupWatch }> {
    const topic = `orders-${randomUUID()}`;
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    await foreign.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: true });
    const watch = new GroupWatch(connection, topic);
    watches.push(watch);
    return { topic, watch };
  }

  async function dropBefore(topic: string, offset: number): Promise<void> {
    await foreign.fetchTopicMetadata({ topics: [topic] });
    await foreign.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
  }

  /** A group that has handled the first 100 messages. */
  async function stoppedGroup(): Promise<{ topic: string; watch: GroupWatch }> {
    const { topic, watch } = await newTopic();
    await watch.send(100, 1);
    const member = watch.join("before");
    await watch.complete();
    await member.close();
    return { topic, watch };
  }

  const lagOf = async (topic: string): Promise<number | null> => (await connection.admin.lag(topic, "workers")).messages;

  test("retention that has deleted the position of a stopped group is position-out-of-range", async () => {
    const { topic, watch } = await stoppedGroup();
    await watch.send(100, 1);
    await dropBefore(topic, 150);
    const member = watch.join("after");
    await expect(member.running).rejects.toMatchObject({ code: "position-out-of-range", provider: "kafka", partition: "0" });
    expect(watch.handled.length).toBe(100);
    // No commit has passed the gap.
    await expect(watch.join("again").running).rejects.toMatchObject({ code: "position-out-of-range" });
  });

  test("with onGap it is reported, and the group continues after the gap, also at the next start", async () => {
    const { topic, watch } = await stoppedGroup();
    await watch.send(100, 1);
    await dropBefore(topic, 200);
    const gaps: Gap[] = [];
    const member = watch.join("after", { onGap: (gap) => gaps.push(gap), commit: { everyMs: 20 } });
    await until(() => gaps.length > 0, "the gap is reported");
    expect(gaps).toMatchObject([{ partition: "0", missing: 100 }]);
    await until(async () => (await lagOf(topic)) === 0, "the gap is settled");
    await member.close();
    await watch.send(10, 1);
    const again = watch.join("again");
    await until(() => watch.handled.length === 110, "the messages after the gap are handled");
    expect(watch.handled.slice(100).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 10 }, (_, index) => 200 + index));
    await again.close();
  });

  test("retention that overtakes a slow member is a gap as well", async () => {
    const { topic, watch } = await newTopic();
    for (let round = 0; round < 40; round += 1) await watch.send(100, 1);
    const gaps: Gap[] = [];
    watch.join("slow", { maxBufferedBytes: 4_000, onGap: (gap) => gaps.push(gap) }, 1);
    await until(() => watch.handled.length >= 50, "50 messages handled");
    await dropBefore(topic, 3_990);
    await until(() => watch.handled.some(({ sequence }) => sequence === 3_999), "the last message handled", 30_000);
    expect(gaps.length).toBe(1);
    expect(watch.handled.length + (gaps[0]?.missing ?? 0)).toBe(4_000);
  });

  test("a position after the end of the log is position-out-of-range, and never silently another position", async () => {
    const { topic, watch } = await stoppedGroup();
    await commitFromOutside(topic, { partition: 0, offset: 5_000n, metadata: null });
    const behind = {
      code: "position-out-of-range",
      message: expect.stringMatching(/offset 5000 is after the end .* which is 100; another client/),
    };
    await expect(lagOf(topic)).rejects.toMatchObject(behind);
    const member = watch.join("after", { onGap: () => undefined });
    await expect(member.running).rejects.toMatchObject(behind);
    await expect(member.running).rejects.toThrow("nothing was ever stored there");
  });

  test("a group of another client is not listed with a name that other calls do not accept, and a group with its name reports a warning", async () => {
    const { topic, watch } = await newTopic();
    await watch.send(10, 1);
    await commitFromOutside(topic, { partition: 0, offset: 5n, metadata: null }, "workers");
    expect(await connection.admin.listGroups(topic)).toEqual([]);
    const warnings: string[] = [];
    const note = (event: unknown): void => void warnings.push((event as { readonly text: string }).text);
    subscribe("streamport:warning", note);
    const member = watch.join("ours");
    await watch.complete();
    await member.close();
    unsubscribe("streamport:warning", note);
    expect(warnings).toEqual([expect.stringMatching(/native group of the name "workers" with positions/)]);
    expect(await connection.admin.listGroups(topic)).toEqual(["workers"]);
    expect(await lagOf(topic)).toBe(0);
    await foreign.deleteGroups(["workers"]);
  });

  test("a partition whose committed offset was deleted is read from its beginning, the others continue", async () => {
    const { topic, watch } = await newTopic(2);
    await watch.send(200, 20);
    const before = watch.join("before", { initialPosition: "latest" });
    await watch.shared([before], [2]);
    await before.close();
    const first = watch.handled.length;
    const coordinator = await client.findCoordinator(`${topic}.workers`, signal);
    await client.offsetDelete(coordinator, `${topic}.workers`, [{ topic, partitions: [1] }], signal);
    const after = watch.join("after", { initialPosition: "latest" });
    const stored = await foreign.fetchTopicOffsets(topic);
    const inSecond = Number(stored.find(({ partition }) => partition === 1)?.offset);
    await until(() => watch.handled.length - first >= inSecond, "everything of the second partition");
    expect(new Set(watch.handled.slice(first).map(({ partition }) => partition))).toEqual(new Set(["1"]));
    await after.close();
  });

  test("a late commit of a member of an earlier topic of the same name is not used for the new topic", async () => {
    const { topic, watch } = await stoppedGroup();
    const left = await connection.admin.describeGroup(topic, "workers");
    expect(left.bookmark).not.toBeNull();
    await commitFromOutside(topic, { partition: 0, offset: 70n, metadata: `streamport topic ${"0".repeat(31)}1` });
    const handledBefore = watch.handled.length;
    watch.join("after");
    await until(() => watch.handled.length >= handledBefore + 100, "everything of the new topic is handled");
    expect(watch.handled[handledBefore]?.sequence).toBe(0);
  });

  test("compaction under a stopped group is no gap, and leaves the newest of each key", { timeout: 60_000 }, async () => {
    const { topic, watch } = await newTopic(1, COMPACT_AT_ONCE);
    await watch.send(400, 4);
    const before = watch.join("before");
    await until(() => watch.handled.length >= 100, "100 messages handled");
    await before.close();
    const handled = watch.handled.length;
    // The active segment is not compacted, so another one has to follow it.
    const hasShrunk = async (): Promise<boolean> => {
      await watch.send(4, 4);
      return (await storedRecords(topic)) < 300;
    };
    await until(hasShrunk, "the log compacted", 45_000);
    await watch.send(4, 4);
    const after = watch.join("after", { commit: { everyMs: 20 } });
    await until(async () => (await lagOf(topic)) === 0, "no lag");
    const newest = new Map(watch.handled.map(({ key, sequence }) => [key, sequence]));
    expect(newest).toEqual(new Map([...watch.expected].map(([key, sequences]) => [key, sequences.length - 1])));
    expect(watch.handled.length).toBeGreaterThan(handled);
    await after.close();
  });

  /** Commits without a membership, which a server accepts while the group has no members. */
  async function commitFromOutside(
    topic: string,
    place: { readonly partition: number; readonly offset: bigint; readonly metadata: string | null },
    group = `${topic}.workers`,
  ) {
    const coordinator = await client.findCoordinator(group, signal);
    const results = await client.offsetCommit(
      coordinator,
      { group, generation: -1, memberId: "", topic, partitions: [{ ...place, leaderEpoch: -1 }] },
      signal,
    );
    expect(results).toEqual([{ topic, partition: place.partition, errorCode: 0 }]);
  }

  async function storedRecords(topic: string): Promise<number> {
    let count = 0;
    const reader = connection.topic(topic, { codec: bytes() }).reader({ from: "earliest", until: "now" });
    for await (const _ of reader) count += 1;
    return count;
  }
});
