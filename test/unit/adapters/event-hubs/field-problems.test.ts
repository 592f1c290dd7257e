import { setTimeout as delay } from "node:timers/promises";
import type { ReceivedEventData } from "@azure/event-hubs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { partitionIndexOf } from "../../../../adapters/event-hubs/produce/partition-key-hash.ts";
import { type Connection, type ConsumerOptions, type Message, bytes, text } from "../../../../src/index.ts";
import { rawProducer } from "../../localstack/event-hubs/raw-client.ts";
import { BESIDE_OTHERS, EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";

// What users of the service have met. Each is shown by the emulator as the service shows it.

const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);

beforeAll(() => {
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
});

afterAll(() => {
  process.off("uncaughtException", note);
  process.off("unhandledRejection", note);
});

async function send(connection: Connection, values: readonly string[], toPartition?: string): Promise<void> {
  const producer = connection.topic("flights", { codec: text() }).producer();
  await producer.sendBatch(values.map((value) => ({ key: "LH400", value, toPartition })));
  await producer.close();
}

async function read(connection: Connection, from: "earliest" | { readonly bookmark: never } = "earliest"): Promise<Message<string>[]> {
  const found: Message<string>[] = [];
  for await (const message of connection.topic("flights", { codec: text() }).reader({ from, until: "now" })) found.push(message);
  return found;
}

/** A member of the group `delays`. */
function member(connection: Connection, handled: string[], options: Pick<ConsumerOptions, "onGap"> = {}) {
  const consumer = connection
    .topic("flights", { codec: text() })
    .consumer({ group: "delays", initialPosition: "earliest", sessionTimeoutMs: 6_000, commit: { everyMs: 10 }, ...options });
  const running = consumer.run(({ value }) => void handled.push(value));
  running.catch(() => undefined);
  return {
    running,
    stop: async () => {
      await consumer.close();
      await running;
    },
  };
}

const LATER = { timeout: 30_000 };

test("E1: a place behind the end is refused, and the last event of all is a legal place", BESIDE_OTHERS, async ({ expect }) => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  await send(connection, ["1", "2", "3", "4", "5"]);
  const [last] = (await read(connection)).slice(-1);
  const topic = connection.topic("flights", { codec: text() });
  for await (const message of topic.reader({ from: { after: last!.position }, until: "now" })) throw new Error(`${message.value} is none`);
  const handled: string[] = [];
  const first = member(connection, handled);
  await expect.poll(() => handled, LATER).toHaveLength(5);
  await first.stop();
  await connection.close();
  await world.emulator.deleteTopic("flights");
  await delay(5);
  await world.emulator.createTopic("flights", { partitions: 1, groups: ["delays"] });
  const again = await world.connect();
  await send(again, ["6"]);
  await expect(member(again, handled).running).rejects.toMatchObject({ code: "position-mismatch" });
  const after = again.topic("flights", { codec: text() }).reader({ from: { after: last!.position } });
  await expect(Promise.resolve(after[Symbol.asyncIterator]().next())).rejects.toMatchObject({ code: "position-mismatch" });
  await again.admin.resetGroup("flights", "delays", "earliest");
  const next = member(again, handled);
  await expect.poll(() => handled.slice(5), LATER).toEqual(["6"]);
  await next.stop();
});

test("E1: a checkpoint of another SDK behind the end is refused", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  await send(connection, ["1"]);
  await checkpoint(world, { sequencenumber: "50", offset: "5000" });
  await expect(member(connection, []).running).rejects.toMatchObject({
    code: expect.stringMatching(/^position-(mismatch|out-of-range)$/),
  });
});

test("E2: a hub with geo-replication: offsets are opaque, and an old one does not hinder", BESIDE_OTHERS, async ({ expect }) => {
  await using world = await EventHubsWorld.start({ geoReplication: true });
  const connection = await world.connect();
  await send(connection, ["1", "2", "3"]);
  await checkpoint(world, { sequencenumber: "0", offset: "0" });
  const handled: string[] = [];
  const first = member(connection, handled);
  await expect.poll(() => handled, LATER).toEqual(["2", "3"]);
  await first.stop();
  await send(connection, ["4"]);
  const second = member(await world.connect(), handled);
  await expect.poll(() => handled, LATER).toEqual(["2", "3", "4"]);
  await second.stop();
  const [, two] = await read(connection);
  const rest: string[] = [];
  for await (const { value } of connection.topic("flights", { codec: text() }).reader({ from: { after: two!.position }, until: "now" }))
    rest.push(value);
  expect(rest).toEqual(["3", "4"]);
});

async function checkpoint(world: EventHubsWorld, metadata: Record<string, string>): Promise<void> {
  await world.container.getBlockBlobClient("127.0.0.1/flights/delays/checkpoint/0").upload("", 0, { metadata });
}

test.for<[string, Record<string, string>]>([
  ["an empty offset", { sequencenumber: "1", offset: "" }],
  ["no offset", { sequencenumber: "1" }],
  ["the minimum of a long as offset (.NET)", { sequencenumber: "1", offset: "-9223372036854775808" }],
  ["the text of no offset (Python)", { sequencenumber: "1", offset: "None" }],
  ["names in capitals", { SequenceNumber: "1", Offset: "100" }],
])("E3: a checkpoint with %s is resumed by its sequence number", BESIDE_OTHERS, async ([_, metadata], { expect }) => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  await send(connection, ["1", "2", "3"]);
  await checkpoint(world, metadata);
  const handled: string[] = [];
  const one = member(connection, handled);
  await expect.poll(() => handled, LATER).toEqual(["3"]);
  await one.stop();
});

/** The offsets of all events of the only partition, as the service has them. */
async function offsets(connection: Connection): Promise<readonly string[]> {
  return (await read(connection)).map(({ native }) => (native as ReceivedEventData).offset);
}

test.for<[string, Readonly<Record<string, string>>]>([
  ["no sequence number (Java)", {}],
  ["an empty sequence number", { sequencenumber: "" }],
  ["the minimum of a long as sequence number (.NET)", { sequencenumber: "-9223372036854775808" }],
  ["the text of no sequence number (Python)", { sequencenumber: "None" }],
])("E3: a checkpoint with an offset and %s is resumed behind the event of the offset", BESIDE_OTHERS, async ([_, metadata], { expect }) => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  await send(connection, ["1", "2", "3"]);
  await checkpoint(world, { ...metadata, offset: (await offsets(connection))[1]! });
  const handled: string[] = [];
  const one = member(connection, handled);
  await expect.poll(() => handled, LATER).toEqual(["3"]);
  await one.stop();
  // Ours has both.
  const { metadata: own } = await world.container.getBlobClient("127.0.0.1/flights/delays/checkpoint/0").getProperties();
  expect(own).toMatchObject({ sequencenumber: "2", offset: (await offsets(connection))[2] });
});

test.for([false, true])(
  "E3: an offset of the last event is the end, with geo-replication: %s",
  BESIDE_OTHERS,
  async (geoReplication, { expect }) => {
    await using world = await EventHubsWorld.start({ geoReplication });
    const connection = await world.connect();
    await send(connection, ["1", "2"]);
    await checkpoint(world, { offset: (await offsets(connection))[1]! });
    const handled: string[] = [];
    const one = member(connection, handled);
    await expect.poll(async () => (await connection.admin.describeGroup("flights", "delays")).members, LATER).toBe(1);
    await send(connection, ["3"]);
    await expect.poll(() => handled, LATER).toEqual(["3"]);
    await one.stop();
  },
);

test("E3: an offset whose event compaction has removed is resumed at the next one", BESIDE_OTHERS, async ({ expect }) => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  const producer = connection.topic("flights", { codec: text() }).producer();
  for (const [key, value] of [
    ["a", "1"],
    ["b", "2"],
    ["b", "3"],
    ["c", "4"],
  ])
    await producer.send({ key, value: value! });
  const [, second] = await offsets(connection);
  await world.emulator.compact("flights");
  await checkpoint(world, { offset: second! });
  const handled: string[] = [];
  const one = member(connection, handled);
  await expect.poll(() => handled, LATER).toEqual(["3", "4"]);
  await one.stop();
});

test.for<[string, readonly string[]]>([
  ["emptied", []],
  ["still holding", ["4"]],
])("E3: an offset that retention has passed in a partition %s later events is a gap", BESIDE_OTHERS, async ([_, later], { expect }) => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  await send(connection, ["1", "2", "3"]);
  const [first] = await offsets(connection);
  await world.emulator.expire("flights");
  if (later.length > 0) await send(connection, later);
  await checkpoint(world, { offset: first! });
  await expect(member(connection, []).running).rejects.toMatchObject({ code: "position-out-of-range" });
  const handled: string[] = [];
  const gaps: (number | null)[] = [];
  const goesOn = member(connection, handled, { onGap: ({ missing }) => void gaps.push(missing) });
  await send(connection, ["5"]);
  await expect.poll(() => handled, LATER).toEqual([...later, "5"]);
  await goesOn.stop();
  // Only the service knows which number an offset has, and it has forgotten it.
  expect(gaps).toEqual([null]);
});

test("E3: an offset behind the end belongs to another hub", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  await send(connection, ["1"]);
  await checkpoint(world, { offset: "5000" });
  const handled: string[] = [];
  await expect(member(connection, handled).running).rejects.toMatchObject({ code: "position-mismatch" });
  expect(handled).toEqual([]);
});

test.each([[{ offset: "None" }], [{ sequencenumber: "none", offset: "" }], [{ sequencenumber: "-1" }], [{ offset: "-1" }]])(
  "E3: a checkpoint that names no event (%j) is an error, never a start",
  BESIDE_OTHERS,
  async (metadata) => {
    await using world = await EventHubsWorld.start();
    const connection = await world.connect();
    await send(connection, ["1"]);
    await checkpoint(world, metadata);
    const handled: string[] = [];
    await expect(member(connection, handled).running).rejects.toMatchObject({
      code: "configuration",
      message: expect.stringMatching(/checkpoint\/0 has neither a sequence number nor an offset to resume at: give it one, or delete it/),
    });
    expect(handled).toEqual([]);
  },
);

test("E4: a storage account with a hierarchical namespace lists directories, in pages", BESIDE_OTHERS, async ({ expect }) => {
  const topics = { flights: { partitions: 8, groups: ["delays"] } };
  await using world = await EventHubsWorld.start({ hierarchicalNamespace: true, blobsPerPage: 3, topics });
  const connection = await world.connect();
  for (let partition = 0; partition < 8; partition += 1) await send(connection, [`of ${partition}`], String(partition));
  const handled: string[] = [];
  const first = member(connection, handled);
  await expect.poll(() => handled, LATER).toHaveLength(8);
  await first.stop();
  expect(await connection.admin.listGroups("flights")).toEqual(["delays"]);
  expect((await connection.admin.lag("flights", "delays")).messages).toBe(0);
});

test("E5: an ownership blob that is deleted costs nothing and stops nobody", BESIDE_OTHERS, async ({ expect }) => {
  const topics = { flights: { partitions: 2, groups: ["delays"] } };
  await using world = await EventHubsWorld.start({ topics });
  const connection = await world.connect();
  await send(connection, ["a1"], "0");
  await send(connection, ["b1"], "1");
  const handled: string[] = [];
  const one = member(connection, handled);
  await expect.poll(() => handled.toSorted(), LATER).toEqual(["a1", "b1"]);
  await world.container.deleteBlob("127.0.0.1/flights/delays/ownership/0");
  await send(connection, ["b2"], "1");
  await send(connection, ["a2"], "0");
  await expect.poll(() => [...new Set(handled)].toSorted(), LATER).toEqual(["a1", "a2", "b1", "b2"]);
  // The result of a former ownership is not stored: the message comes again, and is settled then.
  await expect.poll(async () => (await connection.admin.lag("flights", "delays")).messages, LATER).toBe(0);
  await one.stop();
});

test("E6: connections that end, are reset or send what is no frame cost no message and no exception", BESIDE_OTHERS, async ({ expect }) => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  const producer = connection.topic("flights", { codec: text() }).producer({ retry: { initialDelayMs: 5, maxDelayMs: 50 } });
  const handled: string[] = [];
  const one = member(connection, handled);
  const values = Array.from({ length: 120 }, (_, index) => String(index));
  for (const [index, value] of values.entries()) {
    if (index % 10 === 5)
      world.emulator.inject({ kind: "disconnect", topic: "flights", operation: index % 20 === 5 ? "publish" : "fetch" });
    await producer.send({ key: "LH400", value });
  }
  await expect.poll(() => firstOf(handled), { timeout: 40_000 }).toEqual(values);
  await one.stop();
});

function firstOf(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}

test("E8: bodies and properties of other clients are delivered as bytes and texts", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start();
  await using producer = rawProducer(world.emulator, "flights");
  const date = new Date("2026-02-01T12:00:00Z");
  const events = [
    { body: "a text", bodyType: "value" },
    { body: [1, "two"], bodyType: "sequence" },
    { body: { of: "JSON" } },
    {
      body: Buffer.from([0, 255]),
      bodyType: "data",
      applicationProperties: { n: 7, yes: true, at: date, bytes: Buffer.from([1, 2]), none: null },
    },
  ];
  for (const event of events) await producer.sendBatch([event], { partitionId: "0" });
  const connection = await world.connect();
  const found: Message<Uint8Array>[] = [];
  for await (const message of connection.topic("flights", { codec: bytes() }).reader({ until: "now" })) found.push(message);
  expect(found.map(({ raw }) => Buffer.from(raw.value ?? []).toString("latin1"))).toEqual([
    "a text",
    '[1,"two"]',
    '{"of":"JSON"}',
    "\u0000ÿ",
  ]);
  const { headers } = found[3]!.raw;
  const shown = Object.fromEntries(headers.map(([name, value]) => [name, value === null ? null : Buffer.from(value).toString("latin1")]));
  expect(shown).toMatchObject({ n: "7", yes: "true", bytes: "\u0001\u0002", none: null });
});

test(
  "E9: a compacted hub has gaps: readers and groups resume at numbers that are gone, and none of them counts as lost",
  BESIDE_OTHERS,
  async ({ expect }) => {
    await using world = await EventHubsWorld.start();
    const connection = await world.connect();
    const producer = connection.topic("flights", { codec: text() }).producer();
    for (const [key, value] of ["a 1", "a 2", "a 3", "b 4", "a 5", "c 6"].map((one) => one.split(" ")))
      await producer.send({ key: key!, value: value! });
    const [first, second] = await read(connection);
    await world.emulator.compact("flights");
    for (const from of [{ after: first!.position }, { at: second!.position }]) {
      const left: string[] = [];
      const onGap = (): void => expect.unreachable("compaction is no gap");
      for await (const { value } of connection.topic("flights", { codec: text() }).reader({ from, until: "now", onGap })) left.push(value);
      expect(left).toEqual(["4", "5", "6"]);
    }
    await checkpoint(world, { sequencenumber: "0" });
    const handled: string[] = [];
    const one = member(connection, handled);
    await expect.poll(() => handled, LATER).toEqual(["4", "5", "6"]);
    await expect.poll(async () => (await connection.admin.lag("flights", "delays")).messages, LATER).toBe(0);
    await one.stop();
  },
);

test("E9: the lag of a compacted hub is at least what is left, and at most what was stored", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  await send(connection, ["1", "2", "3", "4"]);
  await world.emulator.compact("flights");
  await connection.admin.resetGroup("flights", "delays", "earliest");
  expect((await connection.admin.lag("flights", "delays")).messages).toBe(4);
  expect((await read(connection)).map(({ value }) => value)).toEqual(["4"]);
});

test("E9: an empty value, a tombstone, and an event without a body of another client are told apart", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start();
  const topic = (await world.connect()).topic("flights", { codec: text(), tombstones: true });
  await topic.producer().sendBatch(["", null].map((value) => ({ key: "LH400", value })));
  await using raw = rawProducer(world.emulator, "flights");
  for (const body of [null, Buffer.alloc(0)]) await raw.sendBatch([{ body }], { partitionKey: "LH401" });
  const found: (readonly [key: string | null, value: string | null])[] = [];
  for await (const { key, value } of topic.reader({ until: "now" })) found.push([key, value]);
  expect(found).toEqual([
    ["LH400", ""],
    ["LH400", null],
    ["LH401", null],
    ["LH401", ""],
  ]);
});

test("E10: partitions that are added live are found, and read from their beginning", BESIDE_OTHERS, async ({ expect }) => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  await send(connection, ["1"]);
  const handled: string[] = [];
  const one = member(connection, handled);
  await expect.poll(() => handled, LATER).toEqual(["1"]);
  world.emulator.addPartitions("flights", 2);
  await using raw = rawProducer(world.emulator, "flights");
  await raw.sendBatch([{ body: Buffer.from("2") }], { partitionId: "2" });
  await expect.poll(() => handled, LATER).toEqual(["1", "2"]);
  await one.stop();
  const producer = connection.topic("flights", { codec: text() }).producer();
  await producer.send({ key: "LH400", value: "3" });
  const [found] = (await read(connection)).filter(({ value }) => value === "3");
  expect(found!.partition).toBe(String(partitionIndexOf(Buffer.from("LH400"), 3)));
});

test("E10: a producer that goes on with the same key notices partitions that are added", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  const producer = (await world.connect()).topic("flights", { codec: text() }).producer();
  const key = ["LH400", "LH401", "LH402", "LH403", "LH404"].find((one) => partitionIndexOf(Buffer.from(one), 3) !== 0)!;
  const send = async () => (await producer.send({ key, value: "1" })).partition;
  // Twice: what waits for the first look at the hub is not remembered.
  expect([await send(), await send()]).toEqual(["0", "0"]);
  world.emulator.addPartitions("flights", 2);
  const now = performance.now.bind(performance);
  // The hub is not asked more often than every ten seconds.
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + 11_000);
  try {
    await expect.poll(send, LATER).toBe(String(partitionIndexOf(Buffer.from(key), 3)));
  } finally {
    clock.mockRestore();
  }
});

test("E11: when tokens run out, and the service is busy with new ones, everybody goes on", BESIDE_OTHERS, async ({ expect }) => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  const producer = connection.topic("flights", { codec: text() }).producer({ retry: { initialDelayMs: 5, maxDelayMs: 100 } });
  const handled: string[] = [];
  const one = member(connection, handled);
  await producer.send({ key: "LH400", value: "1" });
  await expect.poll(() => handled, LATER).toEqual(["1"]);
  world.emulator.answerWith({ call: "PutToken", condition: "com.microsoft:server-busy", status: 503, times: 2 });
  world.emulator.expireTokens();
  await producer.send({ key: "LH400", value: "2" });
  await expect.poll(() => firstOf(handled), LATER).toEqual(["1", "2"]);
  await one.stop();
});

test("E11: a fixed signature that has run out is unauthenticated, soon", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  const endpoint = /Endpoint=([^;]+)/.exec(world.emulator.connectionString)![1]!;
  const signature = `SharedAccessSignature sr=${encodeURIComponent(endpoint)}&sig=bm9uZQ%3D%3D&se=1000&skn=emulator`;
  const connection = await world.connect({ connectionString: `Endpoint=${endpoint};SharedAccessSignature=${signature}` });
  const startedMs = performance.now();
  await expect(send(connection, ["1"])).rejects.toMatchObject({ code: "unauthenticated" });
  expect((await connection.check()).error).toMatchObject({ code: "unauthenticated" });
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});

test("E12: headers of Kafka clients, bytes and null, are read bytewise", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start();
  await using producer = rawProducer(world.emulator, "flights");
  await producer.sendBatch([{ body: Buffer.from("v"), properties: { trace: Buffer.from([0xff, 0x00]), empty: null } }], {
    partitionId: "0",
  });
  const [message] = await read(await world.connect());
  expect(message!.raw.headers.map(([name, value]) => [name, value === null ? null : [...value]])).toEqual([
    ["trace", [0xff, 0x00]],
    ["empty", null],
  ]);
});

test("E6: after all this no exception was left without a handler", () => {
  expect(uncaught).toEqual([]);
});
