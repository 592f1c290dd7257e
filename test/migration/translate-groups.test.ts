import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, expect, test } from "vitest";
import { type Message, bytes } from "../../src/index.ts";
import {
  type CheckpointStore,
  type TranslationStore,
  checkpointFiles,
  copy,
  translateGroups,
  translationFiles,
} from "../../src/migration/index.ts";
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

test.concurrent.for(pairs)("a group of memory like %s goes on in memory like %s, without a skip", async ([from, to], context) => {
  const source = await memorySide(context, from, "flights", 3);
  const target = await memorySide(context, to, "departures", 2);
  const keys = keysOf(7);
  await produce(source, keys, 10);
  const handled = await handle(source, "delays", 33);
  await copy(source, target);
  const state = await stateIn(context);
  const result = await translateGroups(source, target, { groups: ["delays"], ...state });
  expect(result).toMatchObject({ done: true, groups: [{ group: "delays", refused: null }] });
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

test("a translation can be repeated as long as the group of the target has not moved, and then it is refused", async (context) => {
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

test("a group behind the retention of the target, or of the source, is refused", async (context) => {
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
