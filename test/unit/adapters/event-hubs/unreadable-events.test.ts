import rhea from "rhea";
import { expect, test } from "vitest";
import { type Connection, type Message, type StreamError, bytes } from "../../../../src/index.ts";
import { rawProducer } from "../../localstack/event-hubs/raw-client.ts";
import { EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";

const { types } = rhea;
const LATER = { timeout: 40_000 };
/** AMQP has later times than JavaScript. */
const LATEST_MS = 9_000_000_000_000_000;
/** The library that reads AMQP goes into each list by a call of its own. */
const LISTS = 20_000;
const HEAD_BYTES = 9;

/** A list within a list and so on, as another client may write it: the SDK for JavaScript cannot. */
function deepLists(): unknown {
  const value = Buffer.alloc(LISTS * HEAD_BYTES);
  for (let list = 0; list < LISTS; list += 1) {
    const [start, left] = [list * HEAD_BYTES, (LISTS - list - 1) * HEAD_BYTES + 1];
    value.writeUInt8(0xd0, start);
    value.writeUInt32BE(left + 4, start + 1);
    value.writeUInt32BE(1, start + 5);
  }
  const content = Buffer.concat([value.subarray(1), Buffer.from([0x45])]);
  const type = { typecode: 0xd0, category: 1, width: content.length, write: (to: Buffer, from: Buffer, at: number) => from.copy(to, at) };
  return { toRheaTyped: () => ({ type, value: content }) };
}

const UNREADABLE = {
  "a time that there is not": {
    body: Buffer.from("bad"),
    bodyType: "data",
    applicationProperties: { at: types.wrap_timestamp(LATEST_MS) },
  },
  "such a time within a list": { body: [types.wrap_timestamp(LATEST_MS)], bodyType: "value" },
  "lists within lists": { body: deepLists(), bodyType: "value" },
} as const;

const before = ["0", "1", "2"];
const behind = ["4", "5"];

/** Five events that can be read, and one among them, the fourth, that cannot. */
async function worldWith(event: object, partitions = 1): Promise<EventHubsWorld> {
  const world = await EventHubsWorld.start({ topics: { flights: { partitions, groups: ["delays"] } } });
  await using producer = rawProducer(world.emulator, "flights");
  const send = (body: object): Promise<void> => producer.sendBatch([body as { body: unknown }], { partitionId: "0" });
  for (const value of before) await send({ body: Buffer.from(value) });
  await send(event);
  for (const value of behind) await send({ body: Buffer.from(value) });
  return world;
}

function topicOf(connection: Connection) {
  return connection.topic("flights", { codec: bytes() });
}

const textOf = (value: Uint8Array): string => Buffer.from(value).toString();

test.each(Object.entries(UNREADABLE))(
  "%s: a reader hands out what can be read, and names the one that cannot",
  GENEROUS,
  async (_, event) => {
    await using world = await worldWith(event);
    const connection = await world.connect();
    const found: string[] = [];
    const failures: StreamError[] = [];
    const onCorrupt = (error: StreamError, _message: Message<Uint8Array | null>): void => void failures.push(error);
    for await (const { value } of topicOf(connection).reader({ until: "now", onCorrupt })) found.push(textOf(value));
    expect(found).toEqual([...before, ...behind]);
    expect(failures).toMatchObject([{ code: "corrupt", partition: "0", message: expect.stringMatching(/\b3\b/) }]);
    const rest: string[] = [];
    for await (const { value } of topicOf(connection).reader({ from: { after: failures[0]!.position! }, until: "now" }))
      rest.push(textOf(value));
    expect(rest).toEqual(behind);
  },
);

test.each(Object.entries(UNREADABLE))("%s: a group stops before it, or skips it and nothing else", GENEROUS, async (_, event) => {
  await using world = await worldWith(event, 2);
  const connection = await world.connect();
  const handled: string[] = [];
  const member = (onFailure: "stop" | "skip") => {
    const consumer = topicOf(connection).consumer({ group: "delays", initialPosition: "earliest", sessionTimeoutMs: 3_000, onFailure });
    const running = consumer.run(({ value }) => void handled.push(textOf(value)));
    running.catch(() => undefined);
    return { consumer, running };
  };
  await expect(member("stop").running).rejects.toMatchObject({ code: "corrupt", partition: "0" });
  expect(handled).toEqual(before);
  const next = member("skip");
  await expect.poll(() => handled, LATER).toEqual([...before, ...behind]);
  // The other partitions, and what comes, are read as ever.
  await using producer = rawProducer(world.emulator, "flights");
  for (const partitionId of ["1", "0"]) await producer.sendBatch([{ body: Buffer.from(`later ${partitionId}`) }], { partitionId });
  await expect.poll(() => handled.toSorted(), LATER).toEqual([...before, ...behind, "later 0", "later 1"]);
  await next.consumer.close();
  await next.running;
});

test("a reader that begins at a time, where the first event cannot be decoded, is told so", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  await using producer = rawProducer(world.emulator, "flights");
  await producer.sendBatch([UNREADABLE["lists within lists"]], { partitionId: "0" });
  const reader = topicOf(await world.connect()).reader({ from: { timestamp: new Date(Date.now() - 60_000) }, until: "now" });
  await expect(Promise.resolve(reader[Symbol.asyncIterator]().next())).rejects.toMatchObject({ code: "corrupt", partition: "0" });
});

test("numbers that JSON has not, within lists, become texts", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  await using producer = rawProducer(world.emulator, "flights");
  const body = [types.wrap_double(Number.NaN), types.wrap_double(Number.NEGATIVE_INFINITY), 1];
  await producer.sendBatch([{ body, bodyType: "value" }], { partitionId: "0" });
  const found: string[] = [];
  for await (const { value } of topicOf(await world.connect()).reader({ until: "now" })) found.push(textOf(value));
  expect(found).toEqual(['["NaN","-Infinity",1]']);
});
