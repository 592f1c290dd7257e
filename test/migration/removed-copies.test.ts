import { setTimeout as sleep } from "node:timers/promises";
import { type TestContext, test } from "vitest";
import { startEmulator } from "../../localstack/index.ts";
import { type Connection, type Message, type Position, bytes, connect } from "../../src/index.ts";
import { copy, translateGroups, verify } from "../../src/migration/index.ts";
import { provenanceTrail } from "../../src/provenance.ts";
import { memoryCheckpoints } from "./memory-checkpoints.ts";
import { type Form, type MemorySide, keysOf, memorySide, messagesOf, produce, valuesByKey } from "./two-topics.ts";

type Admin = Connection<"groupReset" | "topicAdmin">["admin"];

const GROUP = "copy.flights.to.departures";

const adminOf = ({ connection }: MemorySide): Admin => connection.admin as Admin;

async function sides(context: TestContext, from: Form = "kafka", to: Form = "kafka"): Promise<readonly [MemorySide, MemorySide]> {
  return [await memorySide(context, from, "flights", 1), await memorySide(context, to, "departures", 1)];
}

function ordinalsOf(messages: readonly Message<Uint8Array | null>[]): readonly number[] {
  return messages.map(({ raw }) => Number(provenanceTrail(raw.headers).copies[0]!.ordinal));
}

/** What the group gets, which leaves out what it had handled elsewhere, until it has had so many. */
async function handled({ connection, topic }: MemorySide, group: string, count: number): Promise<readonly string[]> {
  const values: string[] = [];
  const consumer = connection.topic(topic, { codec: bytes() }).consumer({ group, skipMigrated: true });
  await consumer.run(({ value }) => {
    values.push(Buffer.from(value).toString());
    if (values.length === count) void consumer.close();
  });
  return values;
}

test.for([
  ["kafka", "kafka"],
  ["kafka", "kinesis"],
  ["kinesis", "oci-streaming"],
] as const)(
  "from %s to %s: where the target has lost all that was copied, and there are no checkpoints, nothing new is taken for handled",
  { timeout: 20_000 },
  async ([from, to], context) => {
    const { expect } = context;
    const [source, target] = await sides(context, from, to);
    await produce(source, keysOf(2), 5);
    await copy(source, target);
    await adminOf(source).resetGroup("flights", "delays", "latest");
    expect(await translateGroups(source, target, { groups: ["delays"] })).toMatchObject({ done: true, groups: [{ skippable: true }] });
    await target.emulator.expire("departures");
    await produce(source, keysOf(2), 5, 5);
    expect(await copy(source, target)).toMatchObject({ copied: 10, duplicates: 0 });
    const stored = await messagesOf(target);
    expect((await handled(target, "delays", 10)).toSorted()).toEqual(stored.map(({ value }) => Buffer.from(value!).toString()).toSorted());
    const ordinals = ordinalsOf(stored);
    expect(ordinals.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, index) => Math.min(...ordinals) + index));
    expect(Math.min(...ordinals)).toBeGreaterThan(10);
  },
);

test.for(["kafka", "event-hubs"] as const)(
  "from %s: where the source has lost it as well, nothing new is taken for handled",
  async (provider, context) => {
    const { expect } = context;
    const emulator = await startEmulator(provider, { topics: { flights: { partitions: 1, groups: [GROUP] } } });
    context.onTestFinished(() => emulator.close());
    const connection = await connect(emulator.url);
    context.onTestFinished(() => connection.close({ timeoutMs: 500 }));
    const source = { connection, topic: "flights" };
    const target = await memorySide(context, "kafka", "departures", 1);
    await produce(source, ["k"], 5);
    await copy(source, target);
    expect(ordinalsOf(await messagesOf(target))).toEqual([1, 2, 3, 4, 5]);
    await emulator.expire!("flights");
    await target.emulator.expire("departures");
    await produce(source, ["k"], 5, 5);
    expect(await copy(source, target)).toMatchObject({ copied: 5 });
    expect(Math.min(...ordinalsOf(await messagesOf(target)))).toBeGreaterThan(5);
  },
);

test("numbers by the clock rise, repeats of them are told, and the next copier goes on behind them", async (context) => {
  const { expect } = context;
  const [source, target] = await sides(context);
  await produce(source, ["k"], 5);
  await copy(source, target);
  await target.emulator.expire("departures");
  for (const from of [5, 10]) {
    await produce(source, ["k"], 5, from);
    await copy(source, target);
  }
  await produce(source, ["k"], 5, 15);
  await copy(source, target, { checkpoints: memoryCheckpoints() });
  const stored = await messagesOf(target);
  const ordinals = ordinalsOf(stored);
  expect(ordinals[0]).toBeGreaterThan(1e12);
  expect(ordinals).toEqual(Array.from({ length: 15 }, (_, index) => ordinals[0]! + index));
  // A former copier that was frozen writes late.
  const { raw, value } = stored[0] as Message<Uint8Array>;
  const headers = Object.fromEntries(raw.headers.map(([name, header]) => [name, Buffer.from(header!).toString()]));
  const producer = target.connection.topic("departures", { codec: bytes() }).producer();
  await producer.send({ key: "k", value, headers });
  await producer.close();
  const result = { sourceMessages: 20, targetMessages: 15, missing: 5, extra: 0, changed: 0, duplicates: 1, outOfOrder: 0 };
  expect(await verify(source, target)).toMatchObject(result);
});

test.for(["retention", "compaction"])(
  "what the %s of the target has removed is not written behind later messages of its key",
  async (by, context) => {
    const { expect } = context;
    const [source, target] = await sides(context);
    await produce(source, ["k"], 10);
    await copy(source, target);
    if (by === "compaction") await target.emulator.compact("departures");
    else {
      await target.emulator.expire("departures");
      await produce(source, ["k"], 5, 10);
      await copy(source, target);
    }
    const stored = valuesByKey(await messagesOf(target));
    await adminOf(source).resetGroup("flights", GROUP, "earliest");
    await produce(source, ["k"], 1, 15);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(copy(source, target)).rejects.toMatchObject({
        code: "position-out-of-range",
        topic: "flights",
        partition: "0",
        message: expect.stringContaining("put its group behind this position"),
      });
    }
    expect(valuesByKey(await messagesOf(target))).toEqual(stored);
    const { position } = await copy(source, target).then(
      () => ({ position: undefined }),
      (error: { readonly position?: string }) => error,
    );
    await adminOf(source).resetGroup("flights", GROUP, { after: position as Position });
    await copy(source, target);
    expect(valuesByKey(await messagesOf(target))["k"]!.at(-1)).toBe("k:15");
  },
);

test("a copy that has begun behind messages of other keys does not give them the numbers of those behind", async (context) => {
  const { expect } = context;
  const [source, target] = await sides(context);
  await produce(source, ["early"], 5);
  const checkpoints = memoryCheckpoints();
  const begin = (await messagesOf(source)).at(-1)!.position;
  await adminOf(source).resetGroup("flights", GROUP, { after: begin });
  await produce(source, ["late"], 5, 5);
  await copy(source, target, { checkpoints });
  await adminOf(source).resetGroup("flights", GROUP, "earliest");
  await copy(source, target);
  const ordinals = ordinalsOf(await messagesOf(target));
  expect(new Set(ordinals).size).toBe(10);
  const late = ordinals.slice(0, 5);
  expect(Math.max(...ordinals.slice(5))).toBeLessThan(Math.min(...late));
});

test("a copy that has begun at a time has no numbers for what lies before it", async (context) => {
  const { expect } = context;
  const [source, target] = await sides(context, "kinesis");
  await produce(source, ["early"], 5);
  const [first] = await messagesOf(source);
  await sleep(5);
  await adminOf(source).resetGroup("flights", GROUP, { timestamp: new Date() });
  await produce(source, ["late"], 5, 5);
  expect(await copy(source, target)).toMatchObject({ copied: 5 });
  await adminOf(source).resetGroup("flights", GROUP, { at: first!.position });
  await expect(copy(source, target)).rejects.toMatchObject({ code: "position-out-of-range", partition: first!.partition });
  expect(ordinalsOf(await messagesOf(target))).toEqual([1, 2, 3, 4, 5]);
});
