import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafka, type KafkaOptions } from "../../adapters/kafka/index.ts";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { runKafkaTool } from "../../localstack/kafka/kafka-tools.ts";
import { conformanceCases, runCases } from "../../src/conformance/index.ts";
import { type Connection, connect, isStreamError, text } from "../../src/index.ts";
import { until } from "./group-watch.ts";

const missing = kafkaRequirements({ security: true });
const START_TIMEOUT_MS = 120_000;
const TOOL_TIMEOUT_MS = 60_000;
const MOST_MS = 5_000;

/** What an access control list can allow, on the topic or on the group that a test uses. */
type Right = "topic Describe" | "topic Read" | "topic Write" | "group Describe" | "group Read";
type Administrator = Connection<"topicAdmin" | "topicListing" | "groupAdmin" | "groupReset" | "lagInMessages">;

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka({ security: {} })).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("what access control lists allow on a real %s", () => {
  let cluster: KafkaCluster;
  let allowed: Administrator;

  const open = (options: KafkaOptions): Promise<Administrator> =>
    connect(kafka(options), { require: ["topicAdmin", "groupAdmin", "groupReset", "lagInMessages"] });

  beforeAll(async () => {
    cluster = await startKafka({ security: {} });
    allowed = await open({ brokers: cluster.bootstrapServers.split(",") });
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await allowed.close();
    await cluster.stop();
  });

  function openRestricted(options: Partial<KafkaOptions> = {}): Promise<Administrator> {
    const { bootstrapServers, users } = cluster.security!;
    const { username, password } = users.restricted;
    return open({ brokers: bootstrapServers.SASL_PLAINTEXT.split(","), sasl: { mechanism: "plain", username, password }, ...options });
  }

  async function change(verb: "--add" | "--remove", topic: string, right: Right): Promise<void> {
    const [kind, operation] = right.split(" ") as [string, string];
    const resource = kind === "topic" ? ["--topic", topic] : ["--group", `${topic}.g`];
    const principal = ["--allow-principal", `User:${cluster.security!.users.restricted.username}`];
    const sure = verb === "--remove" ? ["--force"] : [];
    await runKafkaTool(cluster, "acls", [verb, ...sure, ...principal, "--operation", operation, ...resource]);
  }

  /** A topic with one message, on which the restricted user has these permissions. */
  async function guarded(rights: readonly Right[]): Promise<string> {
    const name = `guarded-${randomUUID()}`;
    await allowed.admin.createTopic(name, { partitions: 1 });
    await allowed.topic(name, { codec: text() }).producer().send({ key: "k", value: "v" });
    for (const right of rights) await change("--add", name, right);
    return name;
  }

  /** All operations of an application on a topic, by name. */
  function usesOf(connection: Administrator, name: string) {
    const topic = connection.topic(name, { codec: text() });
    const { admin } = connection;
    return {
      send: async () => topic.producer().send({ key: "k", value: "v" }),
      read: async () => topic.reader({ until: "now" })[Symbol.asyncIterator]().next(),
      consume: async () => {
        const consumer = topic.consumer({ group: "g" });
        await consumer.run(() => void consumer.close());
      },
      describeTopic: async () => admin.describeTopic(name),
      capabilities: async () => topic.capabilities(),
      describeGroup: async () => admin.describeGroup(name, "g"),
      lag: async () => admin.lag(name, "g"),
      resetGroup: async () => admin.resetGroup(name, "g", "earliest"),
      deleteGroup: async () => admin.deleteGroup(name, "g"),
      retain: async () => admin.updateTopic(name, { retentionMs: 100_000 }),
      grow: async () => admin.updateTopic(name, { partitions: 2, mayReorder: true }),
      createTopic: async () => admin.createTopic(`${name}-mine`),
      deleteTopic: async () => admin.deleteTopic(name),
    } satisfies Record<string, () => Promise<unknown>>;
  }

  /** The code of the rejection, within the time limit, or "done". */
  async function outcome(use: () => Promise<unknown>): Promise<string> {
    const startedAtMs = performance.now();
    try {
      await use();
      return "done";
    } catch (error) {
      if (!isStreamError(error)) throw error;
      return error.code;
    } finally {
      expect(performance.now() - startedAtMs).toBeLessThan(MOST_MS);
    }
  }

  const denied = "permission-denied";
  /** A user without permissions. */
  const NOTHING = {
    send: denied,
    read: denied,
    consume: denied,
    describeTopic: denied,
    capabilities: denied,
    describeGroup: denied,
    lag: denied,
    resetGroup: denied,
    deleteGroup: denied,
    retain: denied,
    grow: denied,
    createTopic: denied,
    deleteTopic: denied,
  };
  const SEEN = { describeTopic: "done", capabilities: "done" };

  test.each<readonly [string, readonly Right[], Partial<typeof NOTHING>]>([
    ["nothing", [], {}],
    ["to see the topic", ["topic Describe"], SEEN],
    ["to write", ["topic Write"], { ...SEEN, send: "done" }],
    ["to read", ["topic Read"], { ...SEEN, read: "done" }],
    [
      "to read, and to see the group, but not to join it",
      ["topic Read", "group Describe"],
      { ...SEEN, read: "done", describeGroup: "not-found", lag: "not-found", deleteGroup: "not-found" },
    ],
    [
      "to join the group, but not to commit offsets of the topic",
      // It has joined, so the group exists, but it may not delete the group.
      ["topic Describe", "group Read"],
      { ...SEEN, describeGroup: "not-found", lag: "not-found" },
    ],
    [
      "to read and to join",
      ["topic Read", "group Read"],
      { ...SEEN, read: "done", consume: "done", describeGroup: "done", lag: "done", resetGroup: "done" },
    ],
  ])(
    "with the permission %s, every other operation is refused within seconds",
    { timeout: TOOL_TIMEOUT_MS },
    async (_what, rights, may) => {
      const name = await guarded(rights);
      await using connection = await openRestricted();
      const outcomes: Record<string, string> = {};
      for (const [use, call] of Object.entries(usesOf(connection, name))) outcomes[use] = await outcome(call);
      expect(outcomes).toEqual({ ...NOTHING, ...may });
      expect((await connection.admin.listTopics()).includes(name)).toBe(rights.length > 0);
      // Groups without the permission to see them are not listed.
      expect(await outcome(() => connection.admin.listGroups(name))).toBe(rights.length > 0 ? "done" : denied);
    },
  );

  test("an idempotent producer that may not write gets an error", { timeout: TOOL_TIMEOUT_MS }, async () => {
    const name = await guarded(["topic Describe"]);
    await using connection = await openRestricted({ idempotent: true });
    expect(await outcome(usesOf(connection, name).send)).toBe(denied);
  });

  test.each<readonly [Right, readonly string[]]>([
    ["topic Read", ["reader", "member"]],
    ["group Read", ["member"]],
    ["topic Write", ["producer"]],
  ])("the removal of %s while everything runs ends %j with permission-denied", { timeout: TOOL_TIMEOUT_MS }, async (right, ended) => {
    const name = await guarded(["topic Read", "topic Write", "group Read"]);
    await using connection = await openRestricted();
    const topic = connection.topic(name, { codec: text() });
    const producer = topic.producer();
    const consumer = topic.consumer({ group: "g", commit: { everyMs: 50 } });
    const counts = { reader: 0, member: 0 };
    const read = async (): Promise<void> => {
      for await (const _ of topic.reader()) counts.reader += 1;
    };
    const running: Record<string, Promise<string>> = {
      reader: outcomeAtAnyTime(read()),
      member: outcomeAtAnyTime(consumer.run(() => void (counts.member += 1))),
    };
    await until(() => counts.reader === 1 && counts.member === 1, "everything runs");
    await producer.send({ key: "k", value: "v" });
    await change("--remove", name, right);
    const removedAtMs = performance.now();
    for (const name of ended.filter((runs) => runs !== "producer")) expect(await running[name]).toBe(denied);
    expect(performance.now() - removedAtMs).toBeLessThan(MOST_MS);
    expect(await outcome(() => producer.send({ key: "k", value: "v" }))).toBe(ended.includes("producer") ? denied : "done");
    // No other client has ended.
    for (const name of ["reader", "member"].filter((runs) => !ended.includes(runs))) {
      expect(await Promise.race([running[name], Promise.resolve("running")])).toBe("running");
    }
  });

  test("a member whose commits are not allowed ends at its first commit", { timeout: TOOL_TIMEOUT_MS }, async () => {
    const name = await guarded(["topic Describe", "group Read"]);
    await using connection = await openRestricted();
    const refused = { code: denied, topic: name, message: expect.stringContaining("OffsetCommit") };
    await expect(usesOf(connection, name).consume()).rejects.toMatchObject(refused);
  });

  test("a user without the permission to create topics runs the suite on given topics", { timeout: 240_000 }, async () => {
    const topics = await Promise.all(
      [1, 2, 3].map(async () => {
        const name = `lent-${randomUUID()}`;
        await allowed.admin.createTopic(name, { partitions: 4 });
        return name;
      }),
    );
    const { username } = cluster.security!.users.restricted;
    const add = ["--add", "--allow-principal", `User:${username}`];
    const operations = (...names: readonly string[]) => names.flatMap((name) => ["--operation", name]);
    await runKafkaTool(cluster, "acls", [
      ...add,
      ...operations("Read", "Write", "Describe"),
      ...topics.flatMap((name) => ["--topic", name]),
    ]);
    const prefixed = ["--resource-pattern-type", "prefixed", "--group", "lent-"];
    await runKafkaTool(cluster, "acls", [...add, ...operations("Read", "Describe", "Delete"), ...prefixed]);
    const reports = await runCases(conformanceCases(), { connect: async () => openRestricted(), topics });
    expect(reports.filter(({ result }) => result === "failed")).toEqual([]);
    expect(reports.filter(({ result }) => result === "passed").length).toBeGreaterThan(150);
  });

  test(
    "without the permission to see the settings of the topic, the answers show whose time is stored",
    { timeout: TOOL_TIMEOUT_MS },
    async () => {
      const name = await guarded(["topic Describe", "topic Write"]);
      const append = ["--alter", "--entity-type", "topics", "--entity-name", name, "--add-config", "message.timestamp.type=LogAppendTime"];
      await runKafkaTool(cluster, "configs", append);
      await using restricted = await openRestricted();
      const topic = restricted.topic(name, { codec: text() });
      const producer = topic.producer();
      const receipt = await producer.send({ key: "k", value: "first", producedAt: 1_700_000_000_000 });
      expect(receipt.timestamp!.getTime()).toBeGreaterThan(1_750_000_000_000);
      const second = producer.send({ key: "k", value: "second", producedAt: 1_700_000_000_000 });
      await expect(second).rejects.toMatchObject({ code: "unsupported", capability: "producerTimestamps" });
      await producer.send({ key: "k", value: "third" });
    },
  );
});

async function outcomeAtAnyTime(running: Promise<unknown>): Promise<string> {
  try {
    await running;
    return "done";
  } catch (error) {
    if (!isStreamError(error)) throw error;
    return error.code;
  }
}
