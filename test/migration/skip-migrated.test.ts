import { expect, test } from "vitest";
import type { EmulatedProvider } from "../../localstack/index.ts";
import { type Message, bytes } from "../../src/index.ts";
import { type CheckpointStore, type Side, copy, cutover, positions, translateGroups } from "../../src/migration/index.ts";
import { type EmulatedSide, emulatedSide } from "./emulated-side.ts";
import { keysOf, memorySide, messagesOf, produce } from "./two-topics.ts";

const textOf = ({ value }: Message<Uint8Array>): string => Buffer.from(value).toString();

/**
 * A source and a copy of it in which the two partitions of the source take turns, and a group that has handled all of the one and nothing of the other.
 * @returns what it has handled
 */
async function unequalGroup(source: EmulatedSide, target: EmulatedSide): Promise<readonly string[]> {
  for (let round = 0; round < 3; round += 1) {
    await produce(source, keysOf(6), 5, round * 5);
    await copy(source, target);
  }
  const all = await messagesOf(source);
  const handled = all.filter(({ partition }) => partition === all[0]!.partition);
  expect(handled.length).toBeLessThan(all.length);
  const { admin } = source.connection;
  await admin.resetGroup.call(admin as never, "flights", "delays", { after: handled.at(-1)!.position });
  return handled.map((message) => textOf(message as Message<Uint8Array>));
}

/** Without a place for what is handled ahead, as where it does not fit. */
async function handleRest(
  { connection, topic }: EmulatedSide,
  skipMigrated: boolean,
  all: number,
  before: readonly string[],
): Promise<string[]> {
  const values: string[] = [];
  const consumer = connection.topic(topic, { codec: bytes() }).consumer({ group: "delays", skipMigrated, commit: { ahead: false } });
  await consumer.run((message) => {
    values.push(textOf(message));
    if (new Set([...before, ...values]).size === all) void consumer.close();
  });
  return values;
}

const TARGETS: readonly EmulatedProvider[] = ["memory", "kafka", "kinesis", "oci-streaming"];

test.for(TARGETS)(
  "a consumer of %s leaves out what its group had handled before it was moved",
  { timeout: 60_000 },
  async (provider, context) => {
    const source = await memorySide(context, "kafka", "flights", 2);
    const target = await emulatedSide(context, provider, "departures", 1);
    const handled = await unequalGroup(source, target);
    expect(await translateGroups(source, target, { groups: ["delays"] })).toMatchObject({ done: true, groups: [{ skippable: true }] });
    const rest = await handleRest(target, true, 90, handled);
    expect(rest.filter((text) => handled.includes(text))).toEqual([]);
    expect(rest.length).toBe(90 - handled.length);
  },
);

test.for(TARGETS)("without the option a consumer of %s gets it again", { timeout: 60_000 }, async (provider, context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await emulatedSide(context, provider, "departures", 1);
  const handled = await unequalGroup(source, target);
  await translateGroups(source, target, { groups: ["delays"] });
  expect((await handleRest(target, false, 90, handled)).length).toBeGreaterThan(90 - handled.length);
});

test.for(TARGETS)(
  "a reset of the group of %s means what it says: nothing is left out behind it",
  { timeout: 60_000 },
  async (provider, context) => {
    const source = await memorySide(context, "kafka", "flights", 2);
    const target = await emulatedSide(context, provider, "departures", 1);
    await unequalGroup(source, target);
    await translateGroups(source, target, { groups: ["delays"] });
    const { admin } = target.connection;
    await admin.resetGroup.call(admin as never, "departures", "delays", "earliest");
    expect((await handleRest(target, true, 90, [])).length).toBe(90);
  },
);

test("what a group of kafka had handled elsewhere is in a companion that no list shows, and that goes with the group", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await emulatedSide(context, "kafka", "departures", 1);
  await unequalGroup(source, target);
  await translateGroups(source, target, { groups: ["delays"] });
  const { admin } = target.connection;
  const listed = async (): Promise<readonly string[]> => await admin.listGroups.call(admin as never, "departures");
  expect(await listed()).toEqual(["delays"]);
  await expect(admin.describeGroup("departures", "delays.streamport-origin")).resolves.toMatchObject({ members: 0 });
  await admin.deleteGroup.call(admin as never, "departures", "delays");
  expect(await listed()).toEqual([]);
  await expect(admin.describeGroup("departures", "delays.streamport-origin")).rejects.toMatchObject({ code: "not-found" });
});

test("a translation says that what is handled does not fit beside the group, where the source has too many partitions for that", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 700);
  const target = await memorySide(context, "kafka", "departures", 2);
  await produce(source, keysOf(6_000), 1);
  await copy(source, target);
  const half = (await messagesOf(source))[3_000]!;
  const { admin } = source.connection;
  await admin.resetGroup.call(admin as never, "flights", "delays", { timestamp: half.timestamp });
  const { groups } = await translateGroups(source, target, { groups: ["delays"] });
  expect(groups).toMatchObject([{ refused: null, skippable: false }]);
  expect(Object.keys(groups[0]!.handledOrdinals).length).toBeGreaterThan(600);
});

test.each(["copy", "positions", "cutover", "translateGroups"])(
  "a store of checkpoints that cannot write is refused by %s",
  async (step) => {
    const steps = {
      copy,
      positions: (source, target, some) => positions(source, target, { ...some, position: "p" }),
      cutover: (source, target, some) => cutover(source, target, { ...some, step: "check", stateFile: "unused" }),
      translateGroups,
    } satisfies Record<string, (source: Side, target: Side, options: { checkpoints: CheckpointStore }) => Promise<unknown>>;
    const side = { connection: null as never, topic: "flights" };
    const checkpoints = { read: async () => null } as unknown as CheckpointStore;
    await expect(steps[step as keyof typeof steps](side, side, { checkpoints })).rejects.toMatchObject({ code: "invalid-argument" });
  },
);
