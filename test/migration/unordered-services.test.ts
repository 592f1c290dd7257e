import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startEmulatedPubSub } from "../../localstack/pubsub/emulated-pubsub.ts";
import { bytes, connect } from "../../src/index.ts";
import { copyGroup } from "../../src/migration/copy/copy-options.ts";
import { type CopyProgress, copy, translateGroups, verify } from "../../src/migration/index.ts";
import { rawClients } from "../unit/localstack/pubsub/raw-clients.ts";
import { type MemorySide, equalResult, keysOf, memorySide, messagesOf, produce, valuesByKey } from "./two-topics.ts";

/** Handles until enough was handled. @returns the values */
async function handle(
  { connection, topic }: Pick<MemorySide, "connection" | "topic">,
  isEnough: (values: readonly string[]) => boolean,
  group = "delays",
): Promise<string[]> {
  const values: string[] = [];
  const consumer = connection.topic(topic, { codec: bytes() }).consumer({ group });
  await consumer.run(({ value }) => {
    values.push(Buffer.from(value).toString());
    if (isEnough(values)) void consumer.close();
  });
  return values;
}

/** When the first message of the topic was stored that is not among the handled ones. */
async function firstTimeMs(side: MemorySide, handled: readonly string[]): Promise<number> {
  const unhandled = (await messagesOf(side)).filter(({ value }) => !handled.includes(Buffer.from(value!).toString()));
  return Math.min(...unhandled.map(({ timestamp }) => timestamp.getTime()));
}

test("a service without positions is placed by a time, and what comes again is counted", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await memorySide(context, "pubsub", "departures", 1);
  for (let round = 0; round < 4; round += 1) {
    await produce(source, keysOf(5), 5, round * 5);
    await copy(source, target);
    await sleep(20);
  }
  const handled = await handle(source, ({ length }) => length === 60);
  const result = await translateGroups(source, target, { groups: ["delays"], timeMarginMs: 0 });
  expect(result).toMatchObject({
    done: true,
    groups: [{ bookmark: null, timestampMs: await firstTimeMs(target, handled), refused: null }],
  });
  const { repeats } = result.groups[0]!;
  const rest = await handle(target, (values) => new Set([...handled, ...values]).size === 100 && values.length >= 40 + repeats!);
  expect(rest.length).toBe(40 + repeats!);
  expect(rest.length).toBeLessThan(100);
});

test("a service without positions is placed before a message of a key that its readers bring after a later one", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 1);
  const target = await memorySide(context, "pubsub", "departures", 1);
  await produce(source, ["early"], 2);
  await copy(source, target);
  await sleep(20);
  await produce(source, ["late"], 1);
  await copy(source, target);
  const order = (await messagesOf(target)).map(({ key }) => key);
  expect(order).toEqual(["late", "early", "early"]);
  const handled = await handle(source, ({ length }) => length === 1);
  expect(handled).toEqual(["early:0"]);
  const result = await translateGroups(source, target, { groups: ["delays"], timeMarginMs: 0 });
  expect(result).toMatchObject({ done: true, groups: [{ timestampMs: await firstTimeMs(target, handled), refused: null }] });
  const rest = await handle(target, ({ length }) => length === 2 + result.groups[0]!.repeats!);
  expect(rest).toEqual(expect.arrayContaining(["early:1", "late:0"]));
});

test("a group that is placed by a time gets what a server stores later, whose clock is behind, within the margin", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const clocks = { publishClocksMs: [0, -3_000], topics: { departures: {} } };
  const emulator = await startEmulatedPubSub(clocks);
  context.onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  context.onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
  const target = { connection, topic: "departures" };
  const keys = keysOf(8);
  await produce(source, keys, 2);
  await copy(source, target);
  await handle(source, ({ length }) => length === 16);
  const timeOf = new Map((await messagesOf(target)).map(({ key, timestamp }) => [key, timestamp.getTime()]));
  const times = [...timeOf.values()];
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(2_000);
  const behind = keys.filter((key) => timeOf.get(key)! < Math.max(...times) - 2_000);
  const placed = async (groups: string, timeMarginMs: number | undefined) => {
    const { groups: results } = await translateGroups(source, target, { groups: [groups], timeMarginMs });
    return results[0]!;
  };
  await handle(source, ({ length }) => length === 16, "without");
  expect(await placed("delays", undefined)).toMatchObject({ timestampMs: Math.max(...times) - 10_000, repeats: 16, skippable: false });
  expect((await placed("without", 0)).timestampMs).toBe(Math.max(...times));
  await produce(source, keys, 1, 2);
  await copy(source, target);
  const isNew = (value: string): boolean => value.endsWith(":2");
  const values = await handle(target, (some) => some.filter(isNew).length === 8);
  expect(values.filter(isNew).toSorted()).toEqual(keys.map((key) => `${key}:2`).toSorted());
  expect(values.length).toBeLessThanOrEqual(24);
  // What the margin is for: without it, those are skipped.
  const few = await handle(target, (some) => some.filter(isNew).length === 8 - behind.length, "without");
  expect(few.some((value) => isNew(value) && behind.some((key) => value.startsWith(`${key}:`)))).toBe(false);
});

test("a group that exists on a service that shows no members is moved when it is confirmed that it is inactive", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await memorySide(context, "pubsub", "departures", 1);
  await produce(source, keysOf(5), 5);
  await copy(source, target);
  await handle(source, ({ length }) => length === 10);
  await translateGroups(source, target, { groups: ["delays"] });
  const refused = await translateGroups(source, target, { groups: ["delays"] });
  expect(refused).toMatchObject({ done: false, groups: [{ refused: { code: "conflict", message: expect.stringContaining("confirm") } }] });
  expect(await translateGroups(source, target, { groups: ["delays"], confirmed: true })).toMatchObject({ done: true });
});

test.concurrent("what a service delivers again while it is copied is left out: the target holds each message once", async (context) => {
  const { expect } = context;
  const emulator = await startEmulatedPubSub({ topics: { flights: { groups: [copyGroup("flights", "departures")] } } });
  context.onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url, { require: ["groupReset"] });
  context.onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
  const source = { connection, topic: "flights" };
  const target = await memorySide(context, "kafka", "departures", 3);
  const keys = keysOf(10);
  await produce(source, keys, 30);
  const controller = new AbortController();
  let duplicates = 0;
  const onProgress = (progress: CopyProgress): void => void ({ duplicates } = progress);
  const options = { continuous: true, batchMessages: 50, checkpointEveryMs: 1, signal: controller.signal, onProgress };
  const copied = copy(source, target, options);
  await expect.poll(async () => (await messagesOf(target)).length, { timeout: 20_000 }).toBe(300);
  // Everything that is acknowledged comes once more, as after leases that have run out, and new messages between it.
  const again = async (): Promise<number> => {
    await connection.admin.resetGroup("flights", copyGroup("flights", "departures"), "earliest");
    return duplicates;
  };
  await produce(source, keys, 30, 30);
  await expect.poll(again, { timeout: 20_000, interval: 500 }).toBeGreaterThanOrEqual(300);
  await expect.poll(async () => (await messagesOf(target)).length, { timeout: 20_000 }).toBe(600);
  controller.abort();
  expect((await copied).copied).toBe(600);
  expect(await verify(source, target)).toEqual(equalResult(600));
  const expected = keys.map((key) => [key, Array.from({ length: 60 }, (_, number) => `${key}:${number}`)]);
  expect(valuesByKey(await messagesOf(target))).toEqual(Object.fromEntries(expected));
});

test.concurrent("a copy with an end waits for what a copier that was killed still holds", async (context) => {
  const { expect } = context;
  const emulator = await startEmulatedPubSub({ topics: { flights: {} } });
  context.onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url, { require: ["groupReset"] });
  context.onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
  const source = { connection, topic: "flights" };
  const target = await memorySide(context, "kafka", "departures", 3);
  await produce(source, keysOf(10), 30);
  await connection.admin.resetGroup("flights", copyGroup("flights", "departures"), "earliest");
  const killed = rawClients(emulator);
  context.onTestFinished(() => killed[Symbol.asyncDispose]());
  const [subscriptions] = await killed.publisher.listTopicSubscriptions({ topic: killed.topic("flights") }, { retry: null });
  const pulling = killed.stream(subscriptions[0]!);
  await pulling.take(300);
  pulling.cancel();
  expect((await copy(source, target, { sessionTimeoutMs: 10_000 })).copied).toBe(300);
  expect(await verify(source, target)).toEqual(equalResult(300));
});

test("a group of a service without positions has handled everything, when that is confirmed", async (context) => {
  const source = await memorySide(context, "pubsub", "flights", 1);
  const target = await memorySide(context, "kafka", "departures", 2);
  await source.connection.admin.resetGroup.call(source.connection.admin as never, "flights", "delays", "earliest");
  await produce(source, keysOf(5), 5);
  await copy(source, target);
  await handle(source, ({ length }) => length === 25);
  const refused = await translateGroups(source, target, { groups: ["delays"] });
  expect(refused).toMatchObject({ done: false, groups: [{ refused: { code: "conflict" } }] });
  expect(await translateGroups(source, target, { groups: ["delays"], confirmed: true })).toMatchObject({
    done: true,
    groups: [{ repeats: 0 }],
  });
  await produce(target, ["new"], 2);
  expect((await handle(target, ({ length }) => length === 2)).toSorted()).toEqual(["new:0", "new:1"]);
});
