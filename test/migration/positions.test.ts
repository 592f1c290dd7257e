import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type TestContext, expect, test } from "vitest";
import { type Bookmark, type Message, type Position, bytes } from "../../src/index.ts";
import { type Checkpoint, checkpointFiles, copy, positions } from "../../src/migration/index.ts";
import { FORMS, type Form, type MemorySide, keysOf, memorySide, messagesOf, produce } from "./two-topics.ts";

const textOf = ({ value }: Message<Uint8Array | null>): string => Buffer.from(value!).toString();

async function byText(side: MemorySide): Promise<ReadonlyMap<string, Position>> {
  return new Map((await messagesOf(side)).map((message) => [textOf(message), message.position]));
}

/** Reads so many messages. @returns their texts, and a bookmark behind them */
async function readSome(
  { connection, topic }: MemorySide,
  count: number,
): Promise<{ readonly texts: readonly string[]; readonly bookmark: Bookmark }> {
  const reader = connection.topic(topic, { codec: bytes() }).reader({ until: "now" });
  const texts: string[] = [];
  for await (const message of reader) {
    texts.push(textOf(message));
    if (texts.length === count) return { texts, bookmark: await reader.bookmark() };
  }
  throw new Error(`there are ${texts.length} messages, not ${count}`);
}

async function textsBehind({ connection, topic }: MemorySide, bookmark: Bookmark | null): Promise<readonly string[]> {
  const texts: string[] = [];
  const reader = connection.topic(topic, { codec: bytes() }).reader({ from: { bookmark: bookmark! }, until: "now" });
  for await (const message of reader) texts.push(textOf(message));
  return texts;
}

async function directoryOf({ onTestFinished }: Pick<TestContext, "onTestFinished">): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "positions-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const WITH_POSITIONS = FORMS.filter((form) => form !== "pubsub");
const pairs: readonly (readonly [Form, Form])[] = WITH_POSITIONS.flatMap((from) => WITH_POSITIONS.map((to) => [from, to] as const));

test.concurrent.for(pairs)(
  "every position of memory like %s has its own in memory like %s, and the other way",
  async ([from, to], context) => {
    const source = await memorySide(context, from, "flights", 3);
    const target = await memorySide(context, to, "departures", 2);
    await produce(source, keysOf(4), 4);
    await copy(source, target);
    const [there, here] = await Promise.all([byText(source), byText(target)]);
    for (const [text, position] of there) {
      const forward = await positions(source, target, { position });
      expect(forward).toEqual({ direction: "to-target", position: here.get(text), bookmark: null, repeats: 0 });
      expect(await positions(source, target, { position: forward.position! })).toMatchObject({ direction: "to-source", position });
    }
  },
);

test("a bookmark has one by time on a target without positions", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 1);
  const target = await memorySide(context, "pubsub", "departures", 1);
  await produce(source, ["early"], 2);
  await copy(source, target);
  await sleep(20);
  await produce(source, ["late"], 1);
  await copy(source, target);
  expect((await messagesOf(target)).map(textOf)).toEqual(["late:0", "early:0", "early:1"]);
  const { texts, bookmark } = await readSome(source, 1);
  expect(texts).toEqual(["early:0"]);
  const forward = await positions(source, target, { bookmark });
  const rest = await textsBehind(target, forward.bookmark);
  expect(rest).toEqual(expect.arrayContaining(["early:1", "late:0"]));
  expect(rest).toHaveLength(2 + forward.repeats!);
});

test("a source without positions has no bookmark for one of its target", async (context) => {
  const source = await memorySide(context, "pubsub", "flights", 1);
  const target = await memorySide(context, "kafka", "departures", 1);
  await produce(source, ["early", "late"], 2);
  await copy(source, target);
  const { texts, bookmark } = await readSome(target, 1);
  expect(texts[0]).toMatch(/:0$/);
  await expect(positions(source, target, { bookmark })).rejects.toMatchObject({ code: "unsupported", capability: "startAtPosition" });
});

test("a bookmark of one side has a bookmark on the other, in front of everything behind it", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 3);
  const target = await memorySide(context, "kinesis", "departures", 2);
  await produce(source, keysOf(9), 5);
  await copy(source, target);
  const { texts: before, bookmark } = await readSome(source, 20);
  const forward = await positions(source, target, { bookmark });
  const rest = await textsBehind(target, forward.bookmark);
  expect(new Set([...before, ...rest]).size).toBe(45);
  expect(rest.length).toBe(45 - 20 + forward.repeats!);
  const back = await positions(source, target, { bookmark: forward.bookmark! });
  const again = await textsBehind(source, back.bookmark);
  for (const text of rest) expect(again).toContain(text);
});

test("what was not copied has no position on the other side", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 1);
  const target = await memorySide(context, "kafka", "departures", 1);
  const other = await memorySide(context, "kafka", "others", 1);
  await produce(source, ["a"], 1);
  await produce(target, ["own"], 1);
  await produce(other, ["b"], 1);
  const [mine, own, foreign] = await Promise.all([source, target, other].map(async (side) => (await messagesOf(side))[0]!.position));
  await expect(positions(source, target, { position: mine })).rejects.toMatchObject({ code: "not-found" });
  await expect(positions(source, target, { position: own })).rejects.toMatchObject({ code: "not-found" });
  await expect(positions(source, target, { position: foreign })).rejects.toMatchObject({ code: "position-mismatch" });
  await expect(positions(source, target, {})).rejects.toMatchObject({ code: "invalid-argument" });
});

test("the map has at most a byte for each message, and a position is found behind one of its places", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await memorySide(context, "kafka", "departures", 3);
  const directory = await directoryOf(context);
  const checkpoints = checkpointFiles(directory);
  for (let round = 0; round < 8; round += 1) {
    await produce(source, keysOf(20), 40, round * 40);
    await copy(source, target, { checkpoints, checkpointEveryMs: 0 });
  }
  const maps = (await readdir(directory)).filter((name) => name.endsWith(".positions"));
  const sizes = await Promise.all(maps.map(async (name) => (await stat(join(directory, name))).size));
  expect(maps.length).toBeGreaterThan(0);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(8 * 800);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(800);
  const asked: string[] = [];
  const watched = {
    ...checkpoints,
    read: (partition: string): Promise<Checkpoint | null> => (asked.push(partition), checkpoints.read(partition)),
  };
  const [there, here] = await Promise.all([byText(source), byText(target)]);
  for (const text of ["key-3:0", "key-4:100", "key-5:319"]) {
    const found = await positions(source, target, { position: there.get(text)!, checkpoints: watched });
    expect(found.position).toBe(here.get(text));
  }
  expect(asked.length).toBe(3);
});
