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
type Administrator = Connection<"topicAdmin" | "groupAdmin" | "groupReset" | "lagInMessages">;

// Tables of no or one row: what cannot run here is a test that says so, not a test that was skipped.
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

  /** A topic with one message, of which the restricted user may do as much. */
  async function guarded(rights: readonly Right[]): Promise<string> {
    const name = `guarded-${randomUUID()}`;
    await allowed.admin.createTopic(name, { partitions: 1 });
    await allowed.topic(name, { codec: text() }).producer().send({ key: "k", value: "v" });
    for (const right of rights) await change("--add", name, right);
    return name;
  }

  /** All that an application does with a topic, by name. */
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

  /** The code of what it rejects with, in time, or "done". */
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
  /** Who may do nothing. */
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
      "to join the group, but not to commit places in the topic",
      // It has joined, so that there is a group, which it may not delete.
      ["topic Describe", "group Read"],
      { ...SEEN, describeGroup: "not-found", lag: "not-found" },
    ],
    [
      "to read and to join",
      ["topic Read", "group Read"],
      { ...SEEN, read: "done", consume: "done", describeGroup: "done", lag: "done", resetGroup: "done" },
    ],
  ])("who is allowed %s is told so within seconds of all the rest", { timeout: TOOL_TIMEOUT_MS }, async (_what, rights, may) => {
    const name = await guarded(rights);
    await using connection = await openRestricted();
    const outcomes: Record<string, string> = {};
    for (const [use, call] of Object.entries(usesOf(connection, name))) outcomes[use] = await outcome(call);
    expect(outcomes).toEqual({ ...NOTHING, ...may });
    expect((await connection.admin.listTopics()).includes(name)).toBe(rights.length > 0);
    // Groups that we may not see are not listed.
    expect(await outcome(() => connection.admin.listGroups(name))).toBe(rights.length > 0 ? "done" : denied);
  });

  test("an idempotent producer that may not write is told so", { timeout: TOOL_TIMEOUT_MS }, async () => {
    const name = await guarded(["topic Describe"]);
    await using connection = await openRestricted({ idempotent: true });
    expect(await outcome(usesOf(connection, name).send)).toBe(denied);
  });

  test.each<readonly [Right, readonly string[]]>([
    ["topic Read", ["reader", "member"]],
    ["group Read", ["member"]],
    ["topic Write", ["producer"]],
  ])("taking away %s while everything runs ends %j with permission-denied", { timeout: TOOL_TIMEOUT_MS }, async (right, ended) => {
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
    for (const who of ended.filter((runs) => runs !== "producer")) expect(await running[who]).toBe(denied);
    expect(performance.now() - removedAtMs).toBeLessThan(MOST_MS);
    expect(await outcome(() => producer.send({ key: "k", value: "v" }))).toBe(ended.includes("producer") ? denied : "done");
    // Nobody else has ended.
    for (const who of ["reader", "member"].filter((runs) => !ended.includes(runs))) {
      expect(await Promise.race([running[who], Promise.resolve("running")])).toBe("running");
    }
  });

  test("a member whose commits are not allowed ends with its first one", { timeout: TOOL_TIMEOUT_MS }, async () => {
    const name = await guarded(["topic Describe", "group Read"]);
    await using connection = await openRestricted();
    const refused = { code: denied, topic: name, message: expect.stringContaining("OffsetCommit") };
    await expect(usesOf(connection, name).consume()).rejects.toMatchObject(refused);
  });

  test("who may create no topic runs the suite on those that are lent", { timeout: 240_000 }, async () => {
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
    "whose time is stored is learnt from the answers where the settings of the topic may not be seen",
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
