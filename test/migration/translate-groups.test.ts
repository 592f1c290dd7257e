import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { type TestContext, expect, test } from "vitest";
import type { EmulatedProvider } from "../../localstack/index.ts";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { type Message, bytes, connect } from "../../src/index.ts";
import {
  type CheckpointStore,
  type TranslationStore,
  checkpointFiles,
  copy,
  translateGroups,
  translationFiles,
} from "../../src/migration/index.ts";
import { emulatedSide } from "./emulated-side.ts";
import { FORMS, type Form, type MemorySide, keysOf, memorySide, messagesOf, produce } from "./two-topics.ts";

type Side = Pick<MemorySide, "connection" | "topic">;

const textOf = ({ value }: Message<Uint8Array>): string => Buffer.from(value).toString();

/** Handles so many messages in a group, one after the other, and leaves. @returns their values */
async function handle({ connection, topic }: Side, group: string, count: number): Promise<string[]> {
  const consumer = connection.topic(topic, { codec: bytes() }).consumer({ group });
  const values: string[] = [];
  for await (const message of consumer) {
    if (values.length === count) break;
    values.push(textOf(message));
  }
  return values;
}

async function stateIn({
  onTestFinished,
}: Pick<TestContext, "onTestFinished">): Promise<{ readonly checkpoints: CheckpointStore; readonly translations: TranslationStore }> {
  const directory = await mkdtemp(join(tmpdir(), "migration-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return { checkpoints: checkpointFiles(directory), translations: translationFiles(directory) };
}

/** Everything that the group gets from where it stands. */
async function restOf({ connection, topic }: Side, group: string, enough: (values: readonly string[]) => boolean): Promise<string[]> {
  const consumer = connection.topic(topic, { codec: bytes() }).consumer({ group });
  const values: string[] = [];
  await consumer.run((message) => {
    values.push(textOf(message));
    if (enough(values)) void consumer.close();
  });
  return values;
}

const WITH_POSITIONS = FORMS.filter((form) => form !== "pubsub");
const pairs: readonly (readonly [Form, Form])[] = WITH_POSITIONS.flatMap((from) => WITH_POSITIONS.map((to) => [from, to] as const));

test.concurrent.for(pairs)("M03 a group of memory like %s goes on in memory like %s, without a skip", async ([from, to], context) => {
  const source = await memorySide(context, from, "flights", 3);
  const target = await memorySide(context, to, "departures", 2);
  const keys = keysOf(7);
  await produce(source, keys, 10);
  const handled = await handle(source, "delays", 33);
  await copy(source, target);
  const state = await stateIn(context);
  const result = await translateGroups(source, target, { groups: ["delays"], ...state });
  expect(result).toMatchObject({ done: true, groups: [{ group: "delays", refused: null }] });
  // What is handled behind the first unhandled message is stored with the place. Event Hubs have the least room for it.
  if (to !== "event-hubs") expect(result.groups[0]!.repeats).toBe(0);
  const all = (await messagesOf(source)).map((message) => textOf(message as Message<Uint8Array>));
  const expected = all.length - handled.length + result.groups[0]!.repeats!;
  const rest = await restOf(target, "delays", (values) => values.length >= expected);
  expect(rest.length).toBe(expected);
  expect(new Set([...handled, ...rest])).toEqual(new Set(all));
});

test("a group whose partitions each feed one partition of the target goes on exactly at the next message", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 3);
  const target = await memorySide(context, "kafka", "departures", 3);
  await produce(source, keysOf(9), 20);
  const handled = await handle(source, "delays", 77);
  const state = await stateIn(context);
  await copy(source, target, { checkpoints: state.checkpoints });
  const [translated] = (await translateGroups(source, target, { ...state })).groups;
  expect(translated).toMatchObject({ group: "delays", repeats: 0, refused: null });
  const rest = await restOf(target, "delays", (values) => values.length === 180 - 77);
  expect(new Set([...handled, ...rest]).size).toBe(180);
});

test("a group that has handled everything has nothing to do on the target", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 4);
  const target = await memorySide(context, "kinesis", "departures", 2);
  await produce(source, keysOf(9), 20);
  await handle(source, "delays", 179);
  await restOf(source, "delays", (values) => values.length === 1);
  await copy(source, target);
  await produce(source, ["late"], 1);
  const result = await translateGroups(source, target);
  expect(result.groups).toMatchObject([{ group: "delays", repeats: 0, refused: null }]);
  await copy(source, target);
  expect(await restOf(target, "delays", (values) => values.length > 0)).toEqual(["late:0"]);
});

test("M04 M05 a translation can be repeated as long as the group of the target has not moved, and then it is refused", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await memorySide(context, "kinesis", "departures", 3);
  await produce(source, keysOf(5), 10);
  const state = await stateIn(context);
  await copy(source, target, { checkpoints: state.checkpoints });
  await handle(source, "delays", 10);
  const first = await translateGroups(source, target, state);
  expect(first.done).toBe(true);
  expect(await translateGroups(source, target, state)).toEqual(first);
  await handle(source, "delays", 10);
  expect((await translateGroups(source, target, state)).done).toBe(true);
  await handle(target, "delays", 3);
  const refused = await translateGroups(source, target, state);
  expect(refused).toMatchObject({
    done: false,
    groups: [{ group: "delays", refused: { code: "conflict", message: expect.stringContaining("has moved on the target") } }],
  });
});

test("a group that exists on the target, and that no translation has put there, is left alone", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await memorySide(context, "kafka", "departures", 2);
  await produce(source, keysOf(5), 10);
  await copy(source, target);
  await handle(source, "delays", 10);
  await handle(target, "delays", 5);
  const before = await target.connection.admin.describeGroup("departures", "delays");
  const result = await translateGroups(source, target, await stateIn(context));
  expect(result.groups[0]!.refused).toMatchObject({ code: "conflict" });
  expect(await target.connection.admin.describeGroup("departures", "delays")).toEqual(before);
});

test("an active group is refused, on either side", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await memorySide(context, "kafka", "departures", 2);
  await produce(source, keysOf(5), 10);
  await copy(source, target);
  await handle(source, "delays", 10);
  for (const side of [source, target]) {
    const consumer = side.connection.topic(side.topic, { codec: bytes() }).consumer({ group: "delays" });
    const joined = Promise.withResolvers<void>();
    const running = consumer.run(() => joined.resolve());
    await joined.promise;
    const result = await translateGroups(source, target, await stateIn(context));
    expect(result.groups).toMatchObject([{ refused: { code: "conflict", message: expect.stringContaining("has 1 member") } }]);
    await consumer.close();
    await running;
  }
});

test("a group that stands before the start of the copy is refused", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await memorySide(context, "kafka", "departures", 2);
  await produce(source, keysOf(5), 10);
  await handle(source, "delays", 10);
  await source.connection.admin.resetGroup.call(source.connection.admin as never, "flights", "mirror", "latest");
  await produce(source, keysOf(5), 10, 10);
  await copy(source, target, { group: "mirror" });
  const result = await translateGroups(source, target, { copyGroup: "mirror" });
  expect(result.groups).toMatchObject([
    { group: "delays", refused: { code: "position-out-of-range", message: expect.stringContaining("before the start of the copy") } },
  ]);
});

test("a group that stands further than the copy is refused, and taken when the copy has passed it", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await memorySide(context, "kafka", "departures", 2);
  await produce(source, keysOf(5), 10);
  await copy(source, target);
  await produce(source, keysOf(5), 10, 10);
  await handle(source, "delays", 90);
  const result = await translateGroups(source, target);
  expect(result.groups).toMatchObject([{ group: "delays", refused: { code: "conflict", message: expect.stringContaining("further") } }]);
  await copy(source, target);
  expect((await translateGroups(source, target)).done).toBe(true);
});

test("M11 a group behind the retention of the target, or of the source, is refused", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 1);
  const target = await memorySide(context, "kafka", "departures", 1);
  await produce(source, keysOf(5), 10);
  await handle(source, "delays", 10);
  await copy(source, target);
  await target.emulator.expire("departures");
  await produce(source, keysOf(5), 1, 10);
  await copy(source, target);
  const lost = await translateGroups(source, target);
  expect(lost.groups).toMatchObject([
    { refused: { code: "position-out-of-range", message: expect.stringContaining("the target does not hold") } },
  ]);
  await source.emulator.expire("flights");
  const gone = await translateGroups(source, target);
  expect(gone.groups).toMatchObject([{ refused: { code: "position-out-of-range", message: expect.stringContaining("retention") } }]);
});

test("a group is refused where the retention of the target has passed one partition only, in which its first message is not", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 1);
  const emulator = await startEmulatedKafka({ topics: { departures: { partitions: 2 } } });
  context.onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  context.onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
  const target = { connection, topic: "departures" };
  await produce(source, keysOf(12), 10);
  await handle(source, "delays", 4);
  await copy(source, target);
  const next = (await messagesOf(source))[4]!;
  const kept = (await messagesOf(target)).find(({ key }) => key === next.key)!.partition;
  const admin = new Kafka({ brokers: [new URL(emulator.url).host], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  // Loads what the next call needs.
  await admin.fetchTopicOffsets("departures");
  await admin.deleteTopicRecords({ topic: "departures", partitions: [{ partition: 1 - Number(kept), offset: "-1" }] });
  await admin.disconnect();
  const left = await messagesOf(target);
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(120);
  expect((await translateGroups(source, target, { groups: ["delays"] })).groups).toMatchObject([
    { refused: { code: "position-out-of-range", message: expect.stringContaining("the target does not hold") } },
  ]);
});

/** Handles all but the messages of one key, which stays at its first message, and leaves. @returns what was handled */
async function handleAllBut(key: string, { connection, topic }: Side, group: string, count: number): Promise<string[]> {
  const values: string[] = [];
  const consumer = connection.topic(topic, { codec: bytes() }).consumer({ group, concurrency: 4 });
  await consumer.run(async (message, { signal }) => {
    if (message.key === key) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    else values.push(textOf(message));
    if (values.length === count) void consumer.close({ timeoutMs: 100 });
    if (message.key === key) throw new Error("not handled");
  });
  return values;
}

test.concurrent.for(pairs)("what a group of memory like %s has handled ahead is carried to memory like %s", async ([from, to], context) => {
  const source = await memorySide(context, from, "flights", 2);
  const target = await memorySide(context, to, "departures", 3);
  await produce(source, keysOf(4), 6);
  const handled = await handleAllBut("key-1", source, "delays", 18);
  await copy(source, target);
  expect(await translateGroups(source, target)).toMatchObject({ done: true, groups: [{ group: "delays", repeats: 0, refused: null }] });
  expect((await restOf(target, "delays", (values) => values.length === 6)).toSorted()).toEqual(
    Array.from({ length: 6 }, (_, number) => `key-1:${number}`),
  );
  expect(handled.length).toBe(18);
});

test("what does not fit beside the place comes again, and is counted", async (context) => {
  const source = await memorySide(context, "memory", "flights", 4);
  const target = await memorySide(context, "event-hubs", "departures", 1);
  const stuck = keysOf(600).filter((_, index) => index % 2 === 0);
  await produce(source, keysOf(600), 8);
  const reset = source.connection.admin.resetGroup.bind(source.connection.admin as never);
  await reset("flights", "delays", "earliest");
  const values: string[] = [];
  const consumer = source.connection.topic("flights", { codec: bytes() }).consumer({ group: "delays", concurrency: 400 });
  await consumer.run(async (message, { signal }) => {
    if (stuck.includes(message.key!)) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw new Error("not handled");
    }
    values.push(textOf(message));
    if (values.length === 2_400) void consumer.close({ timeoutMs: 100 });
  });
  await copy(source, target);
  const [translated] = (await translateGroups(source, target)).groups;
  const { repeats } = translated!;
  expect(repeats).toBeGreaterThan(0);
  const rest = await restOf(target, "delays", (found) => found.length === 2_400 + repeats!);
  expect(new Set([...values, ...rest]).size).toBe(4_800);
});

const EMULATED: readonly (readonly [EmulatedProvider, EmulatedProvider])[] = [
  ["kafka", "kinesis"],
  ["kinesis", "oci-streaming"],
  ["oci-streaming", "kafka"],
  ["kafka", "kafka"],
];

test.for(EMULATED)(
  "a group goes on from %s to %s exactly, with what it has handled ahead",
  { timeout: 60_000 },
  async ([from, to], context) => {
    const source = await emulatedSide(context, from, "flights", 2);
    const target = await emulatedSide(context, to, "departures", 3);
    await produce(source, keysOf(5), 6);
    const handled = await handleAllBut("key-1", source, "delays", 24);
    await copy(source, target);
    expect(await translateGroups(source, target, { groups: ["delays"] })).toMatchObject({
      done: true,
      groups: [{ group: "delays", repeats: 0, refused: null }],
    });
    expect((await restOf(target, "delays", (values) => values.length === 6)).toSorted()).toEqual(
      Array.from({ length: 6 }, (_, number) => `key-1:${number}`),
    );
    expect(handled.length).toBe(24);
  },
);

test("partitions that were added on either side after the copy began are translated like all others", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 1);
  const target = await memorySide(context, "kafka", "departures", 2);
  await produce(source, keysOf(6), 5);
  const handled = await handle(source, "delays", 12);
  await copy(source, target);
  for (const { connection, topic } of [source, target]) {
    await connection.admin.updateTopic.call(connection.admin as never, topic, { partitions: 4, mayReorder: true });
  }
  await produce(source, keysOf(6), 5, 5);
  await copy(source, target);
  expect(await translateGroups(source, target)).toMatchObject({ groups: [{ group: "delays", repeats: 0, refused: null }] });
  const rest = await restOf(target, "delays", (values) => values.length === 48);
  expect(new Set([...handled, ...rest]).size).toBe(60);
});

test("a group of a source that was created anew is not translated by what an earlier topic of the name has left", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 1);
  const target = await memorySide(context, "kafka", "departures", 1);
  const state = await stateIn(context);
  await produce(source, keysOf(3), 5);
  await copy(source, target, { checkpoints: state.checkpoints });
  await source.connection.admin.deleteTopic.call(source.connection.admin as never, "flights");
  await source.connection.admin.createTopic.call(source.connection.admin as never, "flights", { partitions: 1 });
  await produce(source, keysOf(3), 5, 5);
  await handle(source, "delays", 4);
  expect(await translateGroups(source, target, state)).toMatchObject({ done: false, groups: [{ refused: { code: "conflict" } }] });
});
