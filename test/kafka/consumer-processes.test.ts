import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, connect } from "../../src/index.ts";
import { GroupWatch, until } from "./group-watch.ts";

const missing = kafkaRequirements();
const PROGRAM = fileURLToPath(new URL("member-process.ts", import.meta.url));

interface MemberEvent {
  readonly event: "assigned" | "begun" | "handled" | "committed" | "closed" | "failed";
  readonly partitions?: readonly string[];
  readonly partition?: string;
  readonly key?: string;
  readonly sequence?: number;
  readonly error?: string | null;
}

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("members of a group in separate processes, on a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin">;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    cluster = await startKafka();
    connection = await connect(cluster.url, { require: ["topicAdmin"] });
  }, 120_000);

  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  function start(topic: string, name: string, handlingMs: number): { readonly child: ChildProcess; readonly events: MemberEvent[] } {
    const child = spawn(process.execPath, [PROGRAM, cluster.url, topic, name, String(handlingMs)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    const events: MemberEvent[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => events.push(JSON.parse(line) as MemberEvent));
    return { child, events };
  }

  async function newTopic(): Promise<{ topic: string; watch: GroupWatch }> {
    const topic = `orders-${randomUUID()}`;
    await connection.admin.createTopic(topic, { partitions: 4 });
    return { topic, watch: new GroupWatch(connection, topic) };
  }

  const handledBy = (events: readonly MemberEvent[]): readonly MemberEvent[] => events.filter(({ event }) => event === "handled");
  const word = ({ key, sequence }: { readonly key?: string; readonly sequence?: number }): string => `${key} ${sequence}`;

  test(
    "a killed member is replaced when its session times out, and its uncommitted messages are redelivered",
    { timeout: 60_000 },
    async () => {
      const { topic, watch } = await newTopic();
      await watch.send(4_800);
      const { child, events } = start(topic, "killed", 5);
      await until(() => handledBy(events).length > 1_600, "1,600 messages handled by the one to be killed", 30_000);
      child.kill("SIGKILL");
      await once(child, "exit");
      const survivor = watch.join("survivor");
      const words = (): Set<string> => new Set([...handledBy(events), ...watch.handled].map(word));
      await until(() => words().size === watch.sentCount, "every message handled by one of them", 20_000);
      // Only messages in progress, or waiting for the next commit, were redelivered.
      expect(watch.handled.length).toBeLessThan(watch.sentCount);
      await survivor.close();
    },
  );

  test(
    "a member that is frozen for longer than its session loses its partitions: its results are not committed, and it joins again",
    { timeout: 60_000 },
    async () => {
      const { topic, watch } = await newTopic();
      const { child, events } = start(topic, "frozen", 1_500);
      await until(() => events.some(({ event }) => event === "assigned"), "partitions assigned", 30_000);
      await watch.send(48);
      // It handles the maximum number at once. If it were stopped while it starts them, its partitions could move before the first one is handled.
      await until(() => events.filter(({ event }) => event === "begun").length === 16, "16 messages begun");
      child.kill("SIGSTOP");
      const other = watch.join("other");
      await watch.shared([other], [4]);
      const begunFrozen = events.filter(({ event }) => event === "begun");
      await until(
        () => new Set(watch.handled.map(word)).size + handledBy(events).length >= watch.sentCount,
        "the other member has handled the messages of the frozen one",
      );
      const handledByOther = new Set(watch.handled.map(word));
      // Messages in progress in the frozen process were not committed, so they were redelivered to the other one.
      for (const held of begunFrozen.filter((begun) => !handledBy(events).some((done) => word(done) === word(begun)))) {
        expect(handledByOther).toContain(word(held));
      }
      const eventsBefore = events.length;
      child.kill("SIGCONT");
      await until(() => other.partitions.length === 2, "the thawed member has joined again", 20_000);
      await watch.send(48);
      await until(() => events.slice(eventsBefore).some(({ event }) => event === "assigned"), "the thawed member has its assignment");
      // Before its new assignment, none of its commits was accepted.
      const thawed = events.slice(eventsBefore);
      const late = thawed.slice(
        0,
        thawed.findIndex(({ event }) => event === "assigned"),
      );
      expect(late.filter(({ event }) => event === "handled").length).toBeGreaterThan(0);
      expect(late.filter(({ event, error }) => event === "committed" && error === null)).toEqual([]);
      await until(() => new Set([...handledBy(events), ...watch.handled].map(word)).size === watch.sentCount, "all handled", 30_000);
      const before = events.length;
      child.kill("SIGTERM");
      await once(child, "exit");
      expect(events.slice(before).at(-1)).toEqual({ event: "closed" });
      await other.close();
      // No message is left for a third member: the group's offsets are after all handled messages, and only after those.
      const third = watch.join("third");
      await watch.shared([third], [4]);
      const handledNow = watch.handled.length;
      await watch.send(24);
      await until(() => watch.handled.length >= handledNow + 24, "the new ones handled");
      expect(watch.handled.slice(handledNow).every(({ sequence }) => sequence >= 4)).toBe(true);
      await third.close();
    },
  );
});
