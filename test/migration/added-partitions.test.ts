import { setTimeout as sleep } from "node:timers/promises";
import { type ExpectStatic, type TestContext, test } from "vitest";
import { startEmulatedEventHubs } from "../../localstack/event-hubs/emulated-event-hubs.ts";
import { type Connection, connect, text } from "../../src/index.ts";
import { type CopyOptions, copy, verify } from "../../src/migration/index.ts";
import { provenanceTrail } from "../../src/provenance.ts";
import { type EmulatedSide, emulatedSide } from "./emulated-side.ts";
import { memoryCheckpoints } from "./memory-checkpoints.ts";
import { equalResult, keysOf, memorySide, messagesOf, produce, valuesByKey } from "./two-topics.ts";

interface GrowingSide extends EmulatedSide {
  /** To so many partitions. */
  grow(partitions: number): Promise<void>;
}

async function growingSide(
  context: Pick<TestContext, "onTestFinished">,
  provider: "kafka" | "kinesis" | "event-hubs",
  topic: string,
  partitions: number,
): Promise<GrowingSide> {
  if (provider !== "event-hubs") {
    const side = await emulatedSide(context, provider, topic, partitions);
    const admin = side.connection.admin as Connection<"topicAdmin">["admin"];
    return { ...side, grow: async (count) => admin.updateTopic(topic, { partitions: count, mayReorder: true }) };
  }
  const groups = [provider, "copy.a.to.b"];
  const emulator = await startEmulatedEventHubs({ topics: { [topic]: { partitions, groups } } });
  context.onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  context.onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
  return { connection, topic, grow: async (count) => emulator.addPartitions(topic, count - partitions) };
}

/** A copy that follows the source. */
function following(source: EmulatedSide, target: EmulatedSide, options: CopyOptions) {
  const controller = new AbortController();
  const ended = copy(source, target, { ...options, continuous: true, checkpointEveryMs: 5, signal: controller.signal }).catch(
    (error: unknown) => error,
  );
  return {
    ended,
    async end() {
      controller.abort();
      return await ended;
    },
  };
}

async function untilStored(expect: ExpectStatic, side: EmulatedSide, count: number): Promise<void> {
  await expect.poll(async () => (await messagesOf(side)).length, { timeout: 20_000, interval: 20 }).toBe(count);
}

/** Messages without a key: by partition of the source, where they are in the target and their numbers, in the order of reading. */
async function keylessLanes(target: EmulatedSide): Promise<ReadonlyMap<string, { partitions: Set<string>; ordinals: number[] }>> {
  const lanes = new Map<string, { partitions: Set<string>; ordinals: number[] }>();
  for (const { key, partition, raw } of await messagesOf(target)) {
    if (key !== null) continue;
    const origin = provenanceTrail(raw.headers).copies.at(-1)!;
    const lane = lanes.get(origin.partition) ?? { partitions: new Set(), ordinals: [] };
    lanes.set(origin.partition, lane);
    lane.partitions.add(partition);
    lane.ordinals.push(Number(origin.ordinal));
  }
  return lanes;
}

function isRising(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > numbers[index - 1]!);
}

for (const [provider, counts] of [
  ["kinesis", [2, 4]],
  ["kinesis", [4, 2]],
  ["kafka", [2, 5]],
  ["event-hubs", [2, 5]],
] as const) {
  test(`M08 messages without a key keep their lane and their order where a target at ${provider} goes from ${counts[0]} to ${counts[1]} partitions, also in later copies with checkpoints or without`, async (context) => {
    const { expect } = context;
    const source = await memorySide(context, "kafka", "a", 7);
    const target = await growingSide(context, provider, "b", counts[0]);
    const checkpoints = memoryCheckpoints();
    await produce(source, [null], 70);
    const copied = following(source, target, { checkpoints });
    await untilStored(expect, target, 70);
    await target.grow(counts[1]);
    await produce(source, [null], 70, 70);
    await untilStored(expect, target, 140);
    expect(await copied.end()).toMatchObject({ copied: 140 });
    for (const [from, kept] of [
      [140, checkpoints],
      [210, undefined],
    ] as const) {
      await produce(source, [null], 70, from);
      expect(await copy(source, target, { checkpoints: kept })).toMatchObject({ copied: 70, duplicates: 0 });
    }
    expect(await verify(source, target)).toEqual(equalResult(280));
    const lanes = [...(await keylessLanes(target)).values()];
    expect(lanes).toHaveLength(7);
    for (const { partitions, ordinals } of lanes) {
      expect({ ordinals, isRising: isRising(ordinals) }).toEqual({ ordinals, isRising: true });
      // A shard that was split or merged goes on in its child.
      if (provider !== "kinesis") expect(partitions.size).toBe(1);
    }
  });
}

test("M08 a target at kinesis that is resharded keeps the order of each key", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 3);
  const target = await growingSide(context, "kinesis", "b", 2);
  const keys = keysOf(10);
  await produce(source, keys, 5);
  const copied = following(source, target, { checkpoints: memoryCheckpoints() });
  for (const [round, shards] of [4, 2, 3].entries()) {
    await untilStored(expect, target, 50 * (round + 1));
    await target.grow(shards);
    await produce(source, keys, 5, 5 * (round + 1));
  }
  await untilStored(expect, target, 200);
  expect(await copied.end()).toMatchObject({ copied: 200 });
  expect(valuesByKey(await messagesOf(target))).toEqual(valuesByKey(await messagesOf(source)));
  expect(await verify(source, target)).toEqual(equalResult(200));
});

const refused = (expect: ExpectStatic) => ({ code: "conflict", topic: "b", message: expect.stringContaining("--may-reorder") });

for (const provider of ["kafka", "event-hubs"] as const) {
  test(`M08 partitions that were added to a target at ${provider} have moved keys: a copy goes on only where that is allowed`, async (context) => {
    const { expect } = context;
    const source = await memorySide(context, "kafka", "a", 2);
    const target = await growingSide(context, provider, "b", 2);
    const checkpoints = memoryCheckpoints();
    const keys = keysOf(20);
    await produce(source, keys, 5);
    await copy(source, target, { checkpoints });
    await target.grow(5);
    await produce(source, keys, 5, 5);
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(copy(source, target, { checkpoints })).rejects.toMatchObject(refused(expect));
    await expect(copy(source, target, { checkpoints, mayReorder: true })).resolves.toMatchObject({ copied: 100 });
    await produce(source, keys, 5, 10);
    expect(await copy(source, target, { checkpoints })).toMatchObject({ copied: 100 });
    expect(await verify(source, target)).toEqual(equalResult(300));
  });
}

test.for(["memory like kafka", "event-hubs"])(
  "M08 a copy that runs ends when it sees that partitions of the target were added: %s",
  async (form, context) => {
    const { expect } = context;
    const source = await memorySide(context, "kafka", "a", 2);
    const target = form === "event-hubs" ? await growingSide(context, form, "b", 2) : await memorySide(context, "kafka", "b", 2);
    const keys = keysOf(20);
    await produce(source, keys, 5);
    const copied = following(source, target, { checkpoints: memoryCheckpoints() });
    await untilStored(expect, target, 100);
    if ("grow" in target) await target.grow(5);
    else await (target.connection.admin as Connection<"topicAdmin">["admin"]).updateTopic("b", { partitions: 5, mayReorder: true });
    let isOver = false;
    void copied.ended.then(() => (isOver = true));
    for (let round = 1; !isOver; round += 1) {
      await produce(source, keys, 1, 4 + round);
      await sleep(20);
    }
    expect(await copied.ended).toMatchObject(refused(expect));
  },
);

const refusedSource = (expect: ExpectStatic) => ({ code: "conflict", topic: "a", message: expect.stringContaining("--may-reorder") });

for (const provider of ["kafka", "event-hubs"] as const) {
  test(`M08 partitions that are added to a source at ${provider} move keys: a copy that runs ends, and goes on only where that is allowed`, async (context) => {
    const { expect } = context;
    const source = await growingSide(context, provider, "a", 2);
    const target = await memorySide(context, "kinesis", "b", 3);
    const checkpoints = memoryCheckpoints();
    const keys = keysOf(20);
    await produce(source, keys, 5);
    const copied = following(source, target, { checkpoints });
    await untilStored(expect, target, 100);
    await source.grow(5);
    const added = (source.connection as Connection<"explicitPartition">).topic("a", { codec: text() }).producer();
    await added.send({ key: "new", value: "new:0", toPartition: "4" });
    await copied.end();
    await produce(source, keys, 5, 5);
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(copy(source, target, { checkpoints })).rejects.toMatchObject(refusedSource(expect));
    await copy(source, target, { checkpoints, mayReorder: true });
    await produce(source, keys, 5, 10);
    expect(await copy(source, target, { checkpoints })).toMatchObject({ copied: 100 });
    expect(await verify(source, target)).toMatchObject({ sourceMessages: 301, missing: 0, extra: 0, changed: 0 });
  });
}

test("M08 a copy that runs ends before the first message with a key of a partition that was added to the source", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 2);
  const target = await memorySide(context, "kinesis", "b", 3);
  await produce(source, keysOf(20), 5);
  const copied = following(source, target, {});
  await untilStored(expect, target, 100);
  await (source.connection.admin as Connection<"topicAdmin">["admin"]).updateTopic("a", { partitions: 5, mayReorder: true });
  const added = (source.connection as Connection<"explicitPartition">).topic("a", { codec: text() }).producer();
  await added.send({ key: "new", value: "new:0", toPartition: "4" });
  expect(await copied.ended).toMatchObject(refusedSource(expect));
  expect((await messagesOf(target)).length).toBe(100);
});

for (const provider of ["kafka", "kinesis"] as const) {
  test(`M08 messages without a key are followed to partitions that are added to a source at ${provider}${provider === "kinesis" ? ", and those with keys as well" : ""}`, async (context) => {
    const { expect } = context;
    const source = await growingSide(context, provider, "a", 2);
    const target = await memorySide(context, "kafka", "b", 3);
    const keys = provider === "kinesis" ? [null, ...keysOf(9)] : [null];
    const each = 60 / keys.length;
    await produce(source, keys, each);
    const copied = following(source, target, { checkpoints: memoryCheckpoints() });
    await untilStored(expect, target, 60);
    await source.grow(5);
    await produce(source, keys, each, each);
    const { partitions } = await source.connection.admin.describeTopic("a");
    const added = (source.connection as Connection<"explicitPartition">).topic("a", { codec: text() }).producer();
    await added.send({ key: null, value: "new", toPartition: partitions.at(-1)! });
    await untilStored(expect, target, 121);
    expect(await copied.end()).toMatchObject({ copied: 121 });
    expect(await verify(source, target)).toEqual(equalResult(121));
  });
}
