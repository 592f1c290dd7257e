import { test } from "vitest";
import { startEmulator } from "../../localstack/index.ts";
import { startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { type Connection, bytes, connect } from "../../src/index.ts";
import { copy, plan } from "../../src/migration/index.ts";
import { FORMS, type Form, keysOf, memorySide, messagesOf, produce } from "./two-topics.ts";

const pairs: readonly (readonly [Form, Form])[] = FORMS.flatMap((from) => FORMS.map((to) => [from, to] as const));

test.concurrent.for(pairs)(
  "a plan from memory like %s to memory like %s is ready, says what is expected, and changes nothing",
  async ([from, to], context) => {
    const { expect } = context;
    const source = await memorySide(context, from, "a", 2);
    const target = await memorySide(context, to, "b", 3);
    await produce(source, keysOf(3), 10);
    const { ready, source: planned, group, expected, findings, notChecked } = await plan(source, target);
    expect({ ready, group }).toEqual({ ready: true, group: "copy.a.to.b" });
    expect(planned).toMatchObject({ topic: "a", partitions: from === "pubsub" ? 1 : 2 });
    expect(expected.messages).toBe(source.connection.capabilities.lagInMessages ? 30 : null);
    expect(findings.some(({ what }) => what.includes("times"))).toBe(!target.connection.capabilities.producerTimestamps);
    expect(notChecked).toEqual(
      ["ACLs", "settings of the topics", "schema ids", "partitioner"].map((what) => expect.stringContaining(what)),
    );
    expect(await messagesOf(target)).toEqual([]);
  },
);

test("a plan names what the target cannot take: a copy stops there", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 1);
  const target = await memorySide(context, "event-hubs", "b", 1);
  const producer = (source.connection as Connection<"tombstones">).topic("a", { codec: bytes(), tombstones: true }).producer();
  await producer.send({ key: "k", value: Buffer.from("1") });
  await producer.send({ key: "k".repeat(200), value: Buffer.from("2") });
  await producer.send({ key: "\udcff", value: null });
  await producer.close();
  const { ready, findings, target: planned } = await plan(source, target);
  expect(ready).toBe(false);
  expect(planned.capabilities.limits.keyBytes).toBe(128);
  // Also where no message is longer.
  expect(findings).toContainEqual(
    expect.objectContaining({ weight: "possible", what: expect.stringMatching(/takes less .*: at most .*128 bytes of a key \(not /) }),
  );
  expect((await plan(target, source)).findings.map(({ what }) => what)).not.toContainEqual(expect.stringContaining("bytes of a key"));
  const certain = findings.filter(({ weight }) => weight === "certain").map(({ what }) => what);
  expect(certain).toEqual([expect.stringMatching(/^1 of the 3 messages .*position 1: too-large/), expect.stringContaining("binaryKeys")]);
  await expect(copy(source, target)).rejects.toMatchObject({ code: "too-large" });
});

test("a plan names messages that the retention of the target would remove at once", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 1);
  const target = await memorySide(context, "kinesis", "b", 1);
  const producer = source.connection.topic("a", { codec: bytes() }).producer();
  await producer.send({ key: "k", value: Buffer.from("1"), producedAt: Date.now() - 3 * 86_400_000 });
  await producer.close();
  const { ready, findings, target: planned } = await plan(source, target);
  expect(planned.retentionMs).toBe(86_400_000);
  // A service with its own times counts from the copy on.
  expect(ready).toBe(true);
  expect(findings).toContainEqual({ weight: "possible", what: expect.stringContaining("shorter time"), proposal: expect.any(String) });
  expect((await plan(target, source)).findings.map(({ what }) => what)).not.toContainEqual(expect.stringContaining("shorter time"));
  const exact = await memorySide(context, "kafka", "c", 1);
  await (exact.connection.admin as Connection<"topicAdmin">["admin"]).updateTopic("c", { retentionMs: 86_400_000 });
  const refused = await plan(source, exact);
  expect(refused.ready).toBe(false);
  expect(refused.findings.map(({ what }) => what)).toContainEqual(expect.stringContaining("retention"));
  expect(findings.map(({ what }) => what)).not.toContainEqual(expect.stringContaining("retention"));
});

test("a plan names the groups of the source with their lag, and what growth does to keys", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 2);
  const target = await memorySide(context, "kinesis", "b", 2);
  await produce(source, keysOf(3), 10);
  const topic = source.connection.topic("a", { codec: bytes() });
  for (const [group, until] of [
    ["second", 30],
    ["first", 12],
  ] as const) {
    const consumer = topic.consumer({ group });
    let handled = 0;
    for await (const message of consumer) if (message.value.length > 0 && (handled += 1) === until) break;
    await consumer.close();
  }
  await copy(source, target);
  const { groups, findings, ready } = await plan(source, target);
  expect({ groups, ready }).toEqual({
    groups: [
      { group: "first", lag: expect.any(Number) },
      { group: "second", lag: expect.any(Number) },
    ],
    ready: true,
  });
  expect(groups![0]!.lag).toBeGreaterThan(groups![1]!.lag!);
  const taken = await memorySide(context, "kafka", "c", 1);
  await produce(taken, keysOf(1), 5);
  const consumer = taken.connection.topic("c", { codec: bytes() }).consumer({ group: "first" });
  for await (const { value } of consumer) if (Buffer.from(value).toString() === "key-0:1") break;
  await consumer.close();
  const used = await plan(source, taken);
  expect(used.targetGroups).toEqual([{ group: "first", lag: 4 }]);
  expect(used.findings).toContainEqual(
    expect.objectContaining({ weight: "possible", what: expect.stringContaining('the target has a group "first" already') }),
  );
  expect((await plan(source, target)).targetGroups).toEqual([]);
  expect(findings.filter(({ what }) => what.includes("keys move")).map(({ what }) => /to (\w+) at (\w+)/.exec(what)!.slice(1))).toEqual([
    ["a", "memory"],
  ]);
});

test("a plan names the permissions that the source or the target lacks", async (context) => {
  const { expect } = context;
  const emulator = await startEmulatedKinesis({ topics: { a: { partitions: 2 }, b: { partitions: 2 } } });
  context.onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  context.onTestFinished(() => connection.close({ timeoutMs: 500 }));
  const kinesis = (topic: string) => ({ connection, topic });
  const other = await memorySide(context, "kafka", "c", 2);
  await produce(kinesis("a"), keysOf(3), 5);
  await produce(other, keysOf(3), 5);
  expect(await plan(kinesis("a"), kinesis("b"))).toMatchObject({
    ready: true,
    source: { lackingPermissions: [] },
    target: { lackingPermissions: [] },
  });
  const deny = (operation: string): void => emulator.answerWith({ operation, error: "AccessDeniedException", times: Infinity });
  deny("GetRecords");
  const lacking = ["kinesis:GetRecords on the stream"];
  const from = await plan(kinesis("a"), other);
  expect(from).toMatchObject({ ready: false, source: { lackingPermissions: lacking }, target: { lackingPermissions: [] } });
  expect(from.findings).toContainEqual(
    expect.objectContaining({
      weight: "certain",
      what: expect.stringContaining(`lacks: ${lacking[0]}`),
      proposal: "grant these permissions",
    }),
  );
  // A copy reads what the target holds.
  const to = await plan(other, kinesis("b"));
  expect(to).toMatchObject({ ready: false, source: { lackingPermissions: [] }, target: { lackingPermissions: lacking } });
  await expect(copy(other, kinesis("b"))).rejects.toMatchObject({ code: "permission-denied" });
  emulator.clearFaults();
  deny("Scan");
  deny("GetItem");
  const group = await plan(kinesis("a"), other);
  expect(group.ready).toBe(false);
  expect(group.findings).toContainEqual(
    expect.objectContaining({
      weight: "certain",
      what: expect.stringMatching(/the group "copy\.a\.to\.c" .*do not permit this \(As it was planned/),
    }),
  );
});

test("a plan says where a group needs a place for its leases, or has to be made before", async (context) => {
  const { expect } = context;
  const hubs = await startEmulator("event-hubs", { topics: { a: { partitions: 2 } } });
  context.onTestFinished(() => hubs.close());
  const target = await memorySide(context, "kafka", "b", 2);
  const planFrom = async (url: string) => {
    const connection = await connect(url);
    const planned = await plan({ connection, topic: "a" }, target);
    await connection.close({ timeoutMs: 500 });
    return { ready: planned.ready, what: planned.findings.map(({ what }) => what) };
  };
  expect(await planFrom(hubs.url)).toEqual({
    ready: true,
    what: expect.arrayContaining([expect.stringContaining("may not create groups")]),
  });
  const url = new URL(hubs.url);
  url.searchParams.delete("checkpoints");
  expect(await planFrom(String(url))).toEqual({ ready: false, what: expect.arrayContaining([expect.stringContaining("checkpoints")]) });
  const topic = await memorySide(context, "pubsub", "c", 1);
  expect((await plan(topic, target)).findings).toContainEqual(expect.objectContaining({ what: expect.stringContaining("does not exist") }));
});
