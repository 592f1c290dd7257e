import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, connect, json } from "../../src/index.ts";
import { until } from "../kafka/group-watch.ts";

// A restart repeats nothing that was handled and stored, also behind messages that are not finished yet.

const missing = kafkaRequirements();
const PROGRAM = fileURLToPath(new URL("restarted-member.ts", import.meta.url));
const PARTITIONS = 6;
const KEYS = 200;
const BATCH = 20;
const BATCH_EVERY_MS = 50;

interface MemberEvent {
  readonly event: "assigned" | "begun" | "resolved" | "committed" | "closed" | "failed";
  readonly atMs: number;
  readonly id?: number;
  readonly partition?: string;
  readonly error?: string | null;
}

interface Member {
  readonly child: ChildProcess;
  readonly events: readonly MemberEvent[];
}

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("members in separate processes, on a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin" | "groupAdmin" | "groupReset" | "lagInMessages">;
  const members: Member[] = [];

  beforeAll(async () => {
    cluster = await startKafka();
    connection = await connect(cluster.url, { require: ["topicAdmin", "groupAdmin", "groupReset", "lagInMessages"] });
  }, 120_000);

  afterEach(() => {
    for (const { child } of members.splice(0)) child.kill("SIGKILL");
  });

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  function start(topic: string): Member {
    const child = spawn(process.execPath, [PROGRAM, cluster.url, topic], { stdio: ["ignore", "pipe", "inherit"] });
    const events: MemberEvent[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => events.push(JSON.parse(line) as MemberEvent));
    const member = { child, events };
    members.push(member);
    return member;
  }

  /** Sends until the work is done. @returns how many messages */
  async function sendDuring(topic: string, work: Promise<void>): Promise<number> {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    await using producer = connection.topic(topic, { codec: json<{ id: number }>() }).producer();
    let sent = 0;
    while (!isOver) {
      const batch = Array.from({ length: BATCH }, (_, index) => ({ key: `key ${(sent + index) % KEYS}`, value: { id: sent + index } }));
      await producer.sendBatch(batch);
      sent += BATCH;
      await sleep(BATCH_EVERY_MS);
    }
    await over;
    return sent;
  }

  const resolvedBy = ({ events }: Member): readonly MemberEvent[] => events.filter(({ event }) => event === "resolved");
  const allResolved = (): readonly MemberEvent[] => members.flatMap(resolvedBy);

  async function handledAll(sent: number): Promise<void> {
    await until(() => new Set(allResolved().map(({ id }) => id)).size === sent, `all ${sent} messages handled`, 60_000);
  }

  async function joined(member: Member): Promise<void> {
    await until(() => resolvedBy(member).length > 20, "a new member handles messages", 60_000);
  }

  /** Ids of messages that were given to a handler although a handler had resolved for them before, and how often. */
  function repeats(): ReadonlyMap<number, number> {
    const firstResolved = new Map<number, number>();
    for (const { id, atMs } of allResolved()) firstResolved.set(id!, Math.min(atMs, firstResolved.get(id!) ?? Infinity));
    const begun = members.flatMap(({ events }) => events.filter(({ event }) => event === "begun"));
    const again = begun.filter(({ id, atMs }) => atMs > (firstResolved.get(id!) ?? Infinity));
    return new Map([...Map.groupBy(again, ({ id }) => id!)].map(([id, events]) => [id, events.length]));
  }

  async function newTopic(partitions = PARTITIONS): Promise<string> {
    const topic = `orders-${randomUUID()}`;
    await connection.admin.createTopic(topic, { partitions });
    return topic;
  }

  test("a rolling restart by SIGTERM hands out no message whose handler had resolved", { timeout: 240_000 }, async () => {
    const topic = await newTopic();
    const first = [start(topic), start(topic), start(topic)];
    const restart = async (): Promise<void> => {
      await Promise.all(first.map(joined));
      for (const member of first) {
        member.child.kill("SIGTERM");
        await once(member.child, "exit");
        expect(member.events.at(-1)).toMatchObject({ event: "closed" });
        await joined(start(topic));
      }
    };
    const sent = await sendDuring(topic, restart());
    await handledAll(sent);
    expect(sent).toBeGreaterThan(1_000);
    // Some handlers were slow, and some attempts failed.
    expect(allResolved().filter(({ id }) => id! % 101 === 0).length).toBeGreaterThan(10);
    expect(repeats()).toEqual(new Map());
    expect(allResolved()).toHaveLength(sent);
  });

  test(
    "after kill -9 at most the messages come again that were resolved after the last acknowledged commit",
    { timeout: 240_000 },
    async () => {
      const topic = await newTopic();
      const first = [start(topic), start(topic), start(topic)];
      const kill = async (): Promise<void> => {
        await Promise.all(first.map(joined));
        for (const { child } of first) {
          await sleep(3_000);
          child.kill("SIGKILL");
          await once(child, "exit");
          await joined(start(topic));
        }
      };
      const sent = await sendDuring(topic, kill());
      await handledAll(sent);
      // A commit stores what is handled when it begins, and begins after the one before it was acknowledged. So what was resolved before
      // that one is in it.
      const mayRepeat = new Set<number>();
      let resolvedByKilled = 0;
      for (const { events } of first) {
        resolvedByKilled += events.filter(({ event }) => event === "resolved").length;
        for (const [partition, ofPartition] of Map.groupBy(events, (event) => event.partition)) {
          if (partition === undefined) continue;
          const commits = ofPartition.flatMap(({ event, error }, index) => (event === "committed" && error === null ? [index] : []));
          for (const { event, id } of ofPartition.slice(commits.at(-2) ?? 0)) if (event === "resolved") mayRepeat.add(id!);
        }
      }
      const repeated = repeats();
      expect([...repeated.keys()].filter((id) => !mayRepeat.has(id))).toEqual([]);
      expect(mayRepeat.size).toBeLessThan(resolvedByKilled / 2);
    },
  );

  /** Of thirty messages all but the first are handled. Then the member is stopped until the group has removed it. */
  async function frozen(): Promise<{ readonly topic: string; readonly member: Member; readonly before: number }> {
    const topic = await newTopic(1);
    const member = start(topic);
    await until(() => member.events.some(({ event }) => event === "assigned"), "a partition", 60_000);
    await using producer = connection.topic(topic, { codec: json<{ id: number }>() }).producer();
    await producer.sendBatch(Array.from({ length: 30 }, (_, id) => ({ key: `key ${id}`, value: { id } })));
    await until(() => new Set(resolvedBy(member).map(({ id }) => id)).size === 29, "all but the first handled", 60_000);
    member.child.kill("SIGSTOP");
    expect(resolvedBy(member).some(({ id }) => id === 0)).toBe(false);
    await until(async () => (await connection.admin.describeGroup(topic, "workers")).members === 0, "the group to remove it", 60_000);
    return { topic, member, before: member.events.length };
  }

  const begunSince = (member: Member, before: number): readonly number[] =>
    member.events.slice(before).flatMap(({ event, id }) => (event === "begun" ? [id!] : []));

  test("a member that was frozen for longer than its session goes on with what it had handled", { timeout: 120_000 }, async () => {
    const { topic, member, before } = await frozen();
    member.child.kill("SIGCONT");
    await until(() => begunSince(member, before).includes(0), "the first message to be handled again", 60_000);
    await until(async () => (await connection.admin.lag(topic, "workers")).messages === 0, "everything handled", 60_000);
    expect(begunSince(member, before).filter((id) => id !== 0)).toEqual([]);
  });

  test("a frozen member does not swallow a reset, even to the offset where it stood", { timeout: 120_000 }, async () => {
    const { topic, member, before } = await frozen();
    await connection.admin.resetGroup(topic, "workers", "earliest");
    member.child.kill("SIGCONT");
    const all = Array.from({ length: 30 }, (_, id) => id);
    await until(() => new Set(begunSince(member, before)).size === 30, "everything to be handled again", 60_000);
    expect([...new Set(begunSince(member, before))].toSorted((a, b) => a - b)).toEqual(all);
  });
});
