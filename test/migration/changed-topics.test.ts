import { setTimeout as sleep } from "node:timers/promises";
import { type TestContext, test } from "vitest";
import { type EmulatedKafka, startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { copy, verify } from "../../src/migration/index.ts";
import { type Connection, type Gap, connect } from "../../src/index.ts";
import { provenanceTrail } from "../../src/provenance.ts";
import { memoryCheckpoints } from "./memory-checkpoints.ts";
import { equalResult, keysOf, memorySide, messagesOf, produce, valuesByKey } from "./two-topics.ts";

async function emulatedKafka(
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  partitions: number,
): Promise<{ emulator: EmulatedKafka; connection: Connection }> {
  const emulator = await startEmulatedKafka({ topics: { a: { partitions }, b: { partitions } } });
  onTestFinished(() => emulator[Symbol.asyncDispose]());
  const connection = await connect(emulator.url);
  onTestFinished(() => connection.close({ timeoutMs: 500 }));
  return { emulator, connection };
}

for (const keepsCheckpoints of [true, false]) {
  test(`retention that overtakes the copy in the source ends it, ${keepsCheckpoints ? "also where the group has lost its place" : "by the place of the group"}`, async (context) => {
    const { expect } = context;
    const source = await memorySide(context, "kafka", "a", 1);
    const target = await memorySide(context, "memory", "b", 1);
    const checkpoints = keepsCheckpoints ? memoryCheckpoints() : undefined;
    await produce(source, ["k"], 10);
    await copy(source, target, { checkpoints });
    await produce(source, ["k"], 10, 10);
    await source.emulator.expire("a");
    await produce(source, ["k"], 10, 20);
    if (keepsCheckpoints) await source.connection.admin.deleteGroup.call(source.connection.admin as never, "a", "copy.a.to.b");
    await expect(copy(source, target, { checkpoints })).rejects.toMatchObject({
      code: "position-out-of-range",
      topic: "a",
      partition: "0",
    });
    expect((await messagesOf(target)).length).toBe(10);
  });
}

async function kinesisSide(
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  topic: string,
): Promise<{ emulator: EmulatedKinesis; connection: Connection; topic: string }> {
  const emulator = await startEmulatedKinesis({ topics: { [topic]: { partitions: 1 } } });
  onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  onTestFinished(() => connection.close({ timeoutMs: 500 }));
  return { emulator, connection, topic };
}

const CAUSES = [
  "the group stands before it",
  "the group has lost its place",
  "there are no checkpoints",
  "the group stands behind it",
  "its group was put back",
] as const;

for (const form of ["kafka", "kinesis", "event-hubs", "oci-streaming"] as const) {
  test.for(CAUSES)(`a copy of ${form} goes on behind what retention has removed, where that is accepted: %s`, async (cause, context) => {
    const { expect } = context;
    // A shard of Kinesis tells of a gap only when it is read.
    const source = form === "kinesis" ? await kinesisSide(context, "a") : await memorySide(context, form, "a", 1);
    const target = await memorySide(context, "kafka", "b", 1);
    const keepsCheckpoints = cause !== "there are no checkpoints" && cause !== "its group was put back";
    const checkpoints = keepsCheckpoints ? memoryCheckpoints() : undefined;
    await produce(source, ["k"], 10);
    await copy(source, target, { checkpoints });
    await produce(source, ["k"], 10, 10);
    const isAllCopied = cause === "the group stands behind it" || cause === "its group was put back";
    const eleventh = (await messagesOf(source))[10]!;
    if (isAllCopied) await copy(source, target);
    const admin = source.connection.admin as Connection<"groupReset">["admin"];
    if (cause === "its group was put back") await admin.resetGroup("a", "copy.a.to.b", { at: eleventh.position });
    await source.emulator.expire("a");
    await produce(source, ["k"], 10, 20);
    if (cause === "the group has lost its place")
      await source.connection.admin.deleteGroup.call(source.connection.admin as never, "a", "copy.a.to.b");
    const gaps: Gap[] = [];
    const onGap = (gap: Gap): void => void gaps.push(gap);
    expect(await copy(source, target, { checkpoints, onGap })).toMatchObject({ copied: 10 });
    if (form === "kafka" && checkpoints !== undefined)
      expect(gaps).toContainEqual(expect.objectContaining({ partition: "0", missing: 10 }));
    await produce(source, ["k"], 10, 30);
    expect(await copy(source, target, { checkpoints })).toMatchObject({ copied: 10 });
    const values = valuesByKey(await messagesOf(target))["k"]!.map((value) => Number(value.slice(2)));
    const expected = Array.from({ length: 40 }, (_, number) => number).filter((number) => isAllCopied || number < 10 || number >= 20);
    expect(values).toEqual(expected);
    expect(await verify(source, target)).toEqual(equalResult(20));
  });
}

test("a source that was cut and written anew ends the copy", async (context) => {
  const { expect } = context;
  const { emulator, connection } = await emulatedKafka(context, 1);
  const [source, target] = [
    { connection, topic: "a" },
    { connection, topic: "b" },
  ];
  const checkpoints = memoryCheckpoints();
  await produce(source, ["k"], 10);
  await copy(source, target, { checkpoints });
  emulator.truncate("a", 0, 4n);
  const fresh = await connect(emulator.url);
  const anew = { connection: fresh, topic: "a" };
  // What retention removes may be given up. This is something else.
  const onGap = (): void => undefined;
  for (const options of [{ checkpoints }, { checkpoints, onGap }, { onGap }])
    await expect(copy(source, target, options)).rejects.toMatchObject({ code: "position-out-of-range" });
  await produce(anew, ["new"], 12);
  for (const options of [{ checkpoints }, { checkpoints, onGap }])
    await expect(copy(anew, target, options)).rejects.toMatchObject({ code: "position-out-of-range" });
  await fresh.close();
});

test("a batch of the source that cannot be read ends the copy before it, and nothing behind it is copied", async (context) => {
  const { expect } = context;
  const { emulator, connection } = await emulatedKafka(context, 1);
  const [source, target] = [
    { connection, topic: "a" },
    { connection, topic: "b" },
  ];
  const checkpoints = memoryCheckpoints();
  await produce(source, ["k"], 5);
  await produce(source, ["k"], 1, 5);
  emulator.damage("a", "0");
  await produce(source, ["k"], 5, 6);
  for (let attempt = 0; attempt < 2; attempt += 1)
    await expect(copy(source, target, { checkpoints })).rejects.toMatchObject({ code: "corrupt", topic: "a", partition: "0" });
  expect(valuesByKey(await messagesOf(target))).toEqual({ k: ["k:0", "k:1", "k:2", "k:3", "k:4"] });
  await expect(verify(source, target)).rejects.toMatchObject({ code: "corrupt" });
});

test("a copy goes on without checkpoints where its group was put behind a batch that cannot be read", async (context) => {
  const { expect } = context;
  const { emulator, connection } = await emulatedKafka(context, 1);
  const [source, target] = [
    { connection, topic: "a" },
    { connection, topic: "b" },
  ];
  await produce(source, ["k"], 5);
  await copy(source, target);
  await produce(source, ["k"], 1, 5);
  emulator.damage("a", "0");
  await sleep(5);
  await (connection.admin as Connection<"groupReset">["admin"]).resetGroup("a", "copy.a.to.b", { timestamp: new Date() });
  await produce(source, ["k"], 5, 6);
  expect(await copy(source, target)).toMatchObject({ copied: 5, duplicates: 0 });
  const ordinals = (await messagesOf(target)).map(({ raw }) => Number(provenanceTrail(raw.headers).copies[0]!.ordinal));
  expect(ordinals).toEqual(ordinals.toSorted((a, b) => a - b));
});

test.for(["by the checkpoint", "by what the target holds"])(
  "a source that was cut and written anew while the group stood behind ends the copy, where messages would be left out %s",
  async (which, context) => {
    const { expect } = context;
    const { emulator, connection } = await emulatedKafka(context, 1);
    const source = { connection, topic: "a" };
    const target = { connection, topic: "b" };
    const checkpoints = memoryCheckpoints();
    await produce(source, ["k"], 3);
    await copy(source, target, { checkpoints });
    const first = await checkpoints.read("0");
    await produce(source, ["k"], 7, 3);
    await copy(source, target, { checkpoints });
    if (which !== "by the checkpoint") await checkpoints.write(first!);
    await (connection.admin as Connection<"groupReset">["admin"]).resetGroup("a", "copy.a.to.b", "earliest");
    emulator.truncate("a", 0, 4n);
    const fresh = await connect(emulator.url);
    const written = { connection: fresh, topic: "a" };
    await produce(written, ["new"], 12);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(copy(written, target, { checkpoints })).rejects.toMatchObject({
        code: "position-out-of-range",
        topic: "a",
        partition: "0",
      });
    }
    expect((await messagesOf(target)).length).toBe(10);
    await fresh.close();
  },
);

test("a copy whose checkpoint names a message that was compacted away leaves out only what the target holds", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 1);
  const target = await memorySide(context, "memory", "b", 1);
  const checkpoints = memoryCheckpoints();
  await produce(source, ["kept"], 2);
  await produce(source, ["k"], 10);
  await copy(source, target, { checkpoints });
  await (source.connection.admin as Connection<"groupReset">["admin"]).resetGroup("a", "copy.a.to.b", "earliest");
  await produce(source, ["k"], 5, 10);
  await source.emulator.compact("a");
  expect(await copy(source, target, { checkpoints })).toMatchObject({ copied: 1, duplicates: 1 });
  const values = valuesByKey(await messagesOf(target));
  expect(values).toEqual({ kept: ["kept:0", "kept:1"], k: [...Array.from({ length: 10 }, (_, number) => `k:${number}`), "k:14"] });
  const ordinals = (await messagesOf(target)).map(({ raw }) => Number(provenanceTrail(raw.headers).copies[0]!.ordinal));
  expect(ordinals).toEqual(Array.from({ length: 13 }, (_, index) => index + 1));
});

test.for(["source", "target"] as const)(
  "a %s that was created anew is refused, by checkpoints and while the copy runs",
  async (which, context) => {
    const { expect } = context;
    const { connection } = await emulatedKafka(context, 2);
    const [source, target] = [
      { connection, topic: "a" },
      { connection, topic: "b" },
    ];
    const checkpoints = memoryCheckpoints();
    await produce(source, keysOf(4), 10);
    await copy(source, target, { checkpoints });
    const admin = connection.admin as Connection<"topicAdmin">["admin"];
    const topic = which === "source" ? "a" : "b";
    await admin.deleteTopic(topic);
    await admin.createTopic(topic, { partitions: 2 });
    await produce(source, keysOf(4), 10);
    await expect(copy(source, target, { checkpoints })).rejects.toMatchObject({
      code: "position-mismatch",
      message: expect.stringContaining(which),
    });
  },
);

test("M08 partitions that the source gets meanwhile are copied, and new ones of the target are used", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "memory", "a", 2);
  const target = await memorySide(context, "memory", "b", 2);
  const keys = keysOf(12);
  await produce(source, keys, 10);
  const controller = new AbortController();
  const copied = copy(source, target, { continuous: true, signal: controller.signal });
  await (source.connection.admin as Connection<"topicAdmin">["admin"]).updateTopic("a", { partitions: 4 });
  await (target.connection.admin as Connection<"topicAdmin">["admin"]).updateTopic("b", { partitions: 3 });
  await produce(source, keys, 10, 10);
  while ((await messagesOf(target)).length < 240) await sleep(20);
  controller.abort();
  expect(await copied).toMatchObject({ copied: 240 });
  expect(valuesByKey(await messagesOf(target))).toEqual(valuesByKey(await messagesOf(source)));
});

test("several members share the partitions, and what one leaves another takes over without a repeat", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 6);
  const target = await memorySide(context, "kafka", "b", 4);
  const keys = keysOf(24);
  const checkpoints = memoryCheckpoints();
  const member = (signal: AbortSignal | undefined, continuous: boolean) =>
    copy(source, target, { continuous, signal, checkpoints, checkpointEveryMs: 5, batchMessages: 15 });
  const [first, second] = [new AbortController(), new AbortController()];
  const members = [member(first.signal, true), member(second.signal, true)];
  for (let round = 0; round < 20; round += 1) {
    await produce(source, keys, 10, round * 10);
    if (round === 7) first.abort();
    if (round === 12) members.push(member(second.signal, true));
  }
  while ((await messagesOf(target)).length < 4_800) await sleep(20);
  second.abort();
  const results = await Promise.all(members);
  expect(results.reduce((sum, { copied }) => sum + copied, 0)).toBe(4_800);
  expect(valuesByKey(await messagesOf(target))).toEqual(valuesByKey(await messagesOf(source)));
});

test("a member whose partition is taken away stops before its next write", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 2);
  const target = await memorySide(context, "memory", "b", 2);
  const keys = keysOf(8);
  const controller = new AbortController();
  const members = [1, 2].map(() =>
    copy(source, target, { continuous: true, signal: controller.signal, checkpointEveryMs: 5, batchMessages: 10 }),
  );
  for (let round = 0; round < 10; round += 1) {
    await produce(source, keys, 10, round * 10);
    source.emulator.inject({ kind: "steal-partition", topic: "a" });
    await sleep(10);
  }
  const distinct = async (): Promise<number> => new Set((await messagesOf(target)).map(({ value }) => Buffer.from(value!).toString())).size;
  while ((await distinct()) < 800) await sleep(20);
  controller.abort();
  await Promise.all(members);
  // What was under way may have been written by both: then it comes twice, but first occurrences are in order.
  const firsts = Object.fromEntries(
    Object.entries(valuesByKey(await messagesOf(target))).map(([key, values]) => [key, [...new Set(values)]]),
  );
  expect(firsts).toEqual(valuesByKey(await messagesOf(source)));
});
