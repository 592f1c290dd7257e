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

interface Told {
  readonly event: "assigned" | "begun" | "handled" | "committed" | "closed" | "failed";
  readonly partitions?: readonly string[];
  readonly partition?: string;
  readonly key?: string;
  readonly sequence?: number;
  readonly error?: string | null;
}

// Tables of no or one row: what cannot run here is a test that says so, not a test that was skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("members of a group in processes of their own, on a real %s", () => {
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

  function start(topic: string, name: string, handlingMs: number): { readonly child: ChildProcess; readonly told: Told[] } {
    const child = spawn(process.execPath, [PROGRAM, cluster.url, topic, name, String(handlingMs)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    const told: Told[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => told.push(JSON.parse(line) as Told));
    return { child, told };
  }

  async function newTopic(): Promise<{ topic: string; watch: GroupWatch }> {
    const topic = `orders-${randomUUID()}`;
    await connection.admin.createTopic(topic, { partitions: 4 });
    return { topic, watch: new GroupWatch(connection, topic) };
  }

  const handledBy = (told: readonly Told[]): readonly Told[] => told.filter(({ event }) => event === "handled");
  const word = ({ key, sequence }: { readonly key?: string; readonly sequence?: number }): string => `${key} ${sequence}`;

  test(
    "one that is killed is replaced when its session ends, and what it had not committed is handled again",
    { timeout: 60_000 },
    async () => {
      const { topic, watch } = await newTopic();
      await watch.send(4_800);
      const { child, told } = start(topic, "killed", 5);
      await until(() => handledBy(told).length > 1_600, "1,600 messages handled by the one to be killed", 30_000);
      child.kill("SIGKILL");
      await once(child, "exit");
      const survivor = watch.join("survivor");
      const words = (): Set<string> => new Set([...handledBy(told), ...watch.handled].map(word));
      await until(() => words().size === watch.sentCount, "every message handled by one of them", 20_000);
      // What came again was not much more than what ran and what waited for the next commit.
      expect(watch.handled.length).toBeLessThan(watch.sentCount);
      await survivor.close();
    },
  );

  test(
    "one that is frozen beyond its session loses what it held: its results do not commit, and it takes part again",
    { timeout: 60_000 },
    async () => {
      const { topic, watch } = await newTopic();
      const { child, told } = start(topic, "frozen", 1_500);
      await until(() => told.some(({ event }) => event === "assigned"), "partitions assigned", 30_000);
      await watch.send(48);
      // All that it may handle at once: stopped in the middle of beginning them, it would be assigned anew before the first is handled.
      await until(() => told.filter(({ event }) => event === "begun").length === 16, "16 messages begun");
      child.kill("SIGSTOP");
      const other = watch.join("other");
      await watch.shared([other], [4]);
      const begunFrozen = told.filter(({ event }) => event === "begun");
      await until(
        () => new Set(watch.handled.map(word)).size + handledBy(told).length >= watch.sentCount,
        "the other has handled what the frozen one held",
      );
      const handledByOther = new Set(watch.handled.map(word));
      // What ran in the frozen process had not been committed, so the other was given it.
      for (const held of begunFrozen.filter((begun) => !handledBy(told).some((done) => word(done) === word(begun)))) {
        expect(handledByOther).toContain(word(held));
      }
      const toldBefore = told.length;
      child.kill("SIGCONT");
      await until(() => other.partitions.length === 2, "the thawed one has its share again", 20_000);
      await watch.send(48);
      await until(() => told.slice(toldBefore).some(({ event }) => event === "assigned"), "the thawed one is told of its partitions");
      // Before it had its share again, nothing that it tried to commit was taken.
      const thawed = told.slice(toldBefore);
      const late = thawed.slice(
        0,
        thawed.findIndex(({ event }) => event === "assigned"),
      );
      expect(late.filter(({ event }) => event === "handled").length).toBeGreaterThan(0);
      expect(late.filter(({ event, error }) => event === "committed" && error === null)).toEqual([]);
      await until(() => new Set([...handledBy(told), ...watch.handled].map(word)).size === watch.sentCount, "all handled", 30_000);
      const before = told.length;
      child.kill("SIGTERM");
      await once(child, "exit");
      expect(told.slice(before).at(-1)).toEqual({ event: "closed" });
      await other.close();
      // Nothing is left over for a third: the group stands behind everything, and not behind what was never handled.
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
