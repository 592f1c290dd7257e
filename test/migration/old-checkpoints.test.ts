import { setTimeout as sleep } from "node:timers/promises";
import { type TestContext, test } from "vitest";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { type Connection, type Message, bytes, connect } from "../../src/index.ts";
import { TargetWriter } from "../../src/migration/copy/target-writer.ts";
import { copy, positions, translateGroups } from "../../src/migration/index.ts";
import { openSide } from "../../src/migration/side.ts";
import { provenanceTrail } from "../../src/provenance.ts";
import { memoryCheckpoints } from "./memory-checkpoints.ts";
import { type MemorySide, keysOf, memorySide, messagesOf, produce, valuesByKey } from "./two-topics.ts";

async function sides(context: TestContext, targetPartitions = 1): Promise<readonly [MemorySide, MemorySide]> {
  return [await memorySide(context, "kafka", "flights", 1), await memorySide(context, "kafka", "departures", targetPartitions)];
}

/** The first ten messages are copied, with these checkpoints. */
async function copied(context: TestContext) {
  const [source, target] = await sides(context);
  const checkpoints = memoryCheckpoints();
  await produce(source, ["k"], 10);
  await copy(source, target, { checkpoints });
  return { source, target, checkpoints };
}

/** Of what was copied, in stored order. */
function ordinalsOf(messages: readonly Message<Uint8Array | null>[]): readonly number[] {
  return messages.flatMap(({ raw }) => provenanceTrail(raw.headers).copies.map(({ ordinal }) => Number(ordinal)));
}

const numbers = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test("a partition of the source that was quiet goes on where the retention of the target has passed its checkpoint", async (context) => {
  const { expect } = context;
  const { source, target, checkpoints } = await copied(context);
  await produce(target, ["other"], 10);
  await target.emulator.expire("departures");
  const [lost] = await messagesOf(source);
  await expect(positions(source, target, { checkpoints, position: lost!.position })).rejects.toMatchObject({ code: "not-found" });
  await produce(source, ["k"], 10, 10);
  expect(await copy(source, target, { checkpoints })).toMatchObject({ copied: 10, duplicates: 0 });
  expect(ordinalsOf(await messagesOf(target))).toEqual(numbers(11, 20));
});

test("a group is translated where the retention of the target has passed the checkpoint before its place", async (context) => {
  const { expect } = context;
  const { source, target, checkpoints } = await copied(context);
  const [admin, targetAdmin] = [source, target].map(
    ({ connection }) => connection.admin as Connection<"groupAdmin" | "groupReset">["admin"],
  );
  await admin!.resetGroup("flights", "delays", "latest");
  await produce(target, ["other"], 10);
  await target.emulator.expire("departures");
  const translated = await translateGroups(source, target, { groups: ["delays"], checkpoints });
  expect(translated).toMatchObject({ done: true, groups: [{ refused: null, handledOrdinals: { 0: "10" } }] });
  // What is not handled, and gone, is a reason to refuse as before.
  await targetAdmin!.deleteGroup("departures", "delays");
  await admin!.resetGroup("flights", "delays", "earliest");
  const refused = { code: "position-out-of-range", message: expect.stringContaining("the target does not hold") };
  expect(await translateGroups(source, target, { groups: ["delays"], checkpoints })).toMatchObject({ groups: [{ refused }] });
});

test("a copier whose own checkpoint is older than what others have copied goes on behind it, with their ordinals", async (context) => {
  const { expect } = context;
  const { source, target, checkpoints } = await copied(context);
  await produce(source, ["k"], 10, 10);
  await copy(source, target, { checkpoints: memoryCheckpoints() });
  await target.emulator.expire("departures");
  await produce(source, ["k"], 10, 20);
  expect(await copy(source, target, { checkpoints })).toMatchObject({ copied: 10, duplicates: 0 });
  expect(ordinalsOf(await messagesOf(target))).toEqual(numbers(21, 30));
});

test("a checkpoint that the retention of the source has passed ends the copy, and the error says what to do with it", async (context) => {
  const { expect } = context;
  const { source, target, checkpoints } = await copied(context);
  await produce(source, ["k"], 10, 10);
  await copy(source, target, { checkpoints: memoryCheckpoints() });
  await source.emulator.expire("flights");
  await produce(source, ["k"], 10, 20);
  const message = expect.stringMatching(/retention of the source .* remove this checkpoint/);
  const passed = { code: "position-out-of-range", topic: "flights", partition: "0", message };
  await expect(copy(source, target, { checkpoints })).rejects.toMatchObject(passed);
  expect(await copy(source, target)).toMatchObject({ copied: 10, duplicates: 0 });
});

test("retention where only others write to the target does not end a copy that is started again", async (context) => {
  const { expect } = context;
  const [source, target] = await sides(context, 4);
  const checkpoints = memoryCheckpoints();
  const others = keysOf(12);
  await produce(target, others, 1);
  await produce(source, ["k"], 10);
  await copy(source, target, { checkpoints });
  const controller = new AbortController();
  const copying = copy(source, target, { checkpoints, continuous: true, signal: controller.signal });
  await produce(target, others, 10, 1);
  await target.emulator.expire("departures");
  await produce(source, ["k"], 10, 10);
  while ((await messagesOf(target)).length < 10) await sleep(10);
  controller.abort();
  await copying;
  await produce(source, ["k"], 10, 20);
  expect(await copy(source, target, { checkpoints })).toMatchObject({ copied: 10, duplicates: 0 });
  expect(valuesByKey(await messagesOf(target))["k"]).toEqual(numbers(10, 29).map((number) => `k:${number}`));
});

test("a bookmark passes what others have written to the target meanwhile", async (context) => {
  const { expect } = context;
  const [, target] = await sides(context, 4);
  const { signal } = new AbortController();
  const [frequent, rare] = await Promise.all(
    [0, 60_000].map(async (lookEveryMs) => new TargetWriter(await openSide(target, "test"), { lookEveryMs })),
  );
  const behind = async (writer: TargetWriter): Promise<number> => {
    const bookmark = await writer.bookmark(signal);
    let count = 0;
    for await (const _ of target.connection.topic("departures", { codec: bytes() }).reader({ from: { bookmark }, until: "now" }))
      count += 1;
    return count;
  };
  await produce(target, keysOf(12), 10);
  expect([await behind(frequent!), await behind(rare!)]).toEqual([0, 120]);
  await Promise.all([frequent!.close(), rare!.close()]);
});

test("a target that was cut ends the copy", async (context) => {
  const { expect } = context;
  const emulator = await startEmulatedKafka({ topics: { flights: { partitions: 1 }, departures: { partitions: 1 } } });
  context.onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  context.onTestFinished(() => connection.close({ timeoutMs: 500 }));
  const [source, target] = [
    { connection, topic: "flights" },
    { connection, topic: "departures" },
  ];
  const checkpoints = memoryCheckpoints();
  await produce(source, ["k"], 10);
  await copy(source, target, { checkpoints });
  emulator.truncate("departures", 0, 4n);
  await produce(source, ["k"], 10, 10);
  const kept = await messagesOf(target);
  for (let attempt = 0; attempt < 2; attempt += 1)
    await expect(copy(source, target, { checkpoints })).rejects.toMatchObject({ code: "position-out-of-range", topic: "departures" });
  expect(await messagesOf(target)).toEqual(kept);
});
