import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventHubs } from "../../../../adapters/event-hubs/index.ts";
import { type Admin, type Connection, connect, text } from "../../../../src/index.ts";
import { EARLIEST, read } from "../../localstack/event-hubs/raw-client.ts";
import { BESIDE_OTHERS, EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";

const LATER = { timeout: 30_000 };

function topicOf(connection: Connection, name = "flights") {
  return connection.topic(name, { codec: text() });
}

async function send(connection: Connection, value: string, name?: string): Promise<void> {
  const producer = topicOf(connection, name).producer({ deliveryTimeoutMs: 5_000 });
  await producer.send({ key: "LH400", value });
  await producer.close();
}

async function readAll(connection: Connection, name?: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { value } of topicOf(connection, name).reader({ until: "now" })) found.push(value);
  return found;
}

function member(connection: Connection, group = "delays", handled: string[] = []) {
  const options = { group, initialPosition: "earliest", sessionTimeoutMs: 3_000, commit: { everyMs: 10 } } as const;
  const consumer = topicOf(connection).consumer(options);
  const running = consumer.run(({ value }) => void handled.push(value));
  running.catch(() => undefined);
  return { consumer, running, handled };
}

test("a hub that there is not, and a consumer group that there is not", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  await expect(send(connection, "1", "nowhere")).rejects.toMatchObject({ code: "not-found" });
  await expect(readAll(connection, "nowhere")).rejects.toMatchObject({ code: "not-found" });
  await expect(connection.admin.describeTopic("nowhere")).rejects.toMatchObject({ code: "not-found" });
  await expect(member(connection, "nobody").running).rejects.toMatchObject({
    code: "not-found",
    message: expect.stringMatching(/no consumer group "nobody": create it/),
  });
});

test("what belongs to the resource manager is refused, and told where it is done", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start();
  const admin = (await world.connect()).admin as unknown as Admin<"topicAdmin" | "topicListing">;
  const elsewhere = { code: "unsupported", message: expect.stringMatching(/Azure portal.*`az eventhubs eventhub`/) };
  await expect(admin.createTopic("other")).rejects.toMatchObject({ ...elsewhere, capability: "topicAdmin" });
  await expect(admin.updateTopic("flights", { partitions: 2, mayReorder: true })).rejects.toMatchObject(elsewhere);
  await expect(admin.deleteTopic("flights")).rejects.toMatchObject(elsewhere);
  await expect(admin.listTopics()).rejects.toMatchObject({ ...elsewhere, capability: "topicListing" });
});

test("a wrong key, and a key without the claim", GENEROUS, async () => {
  const policies = { all: { key: "YWxs" }, reader: { key: "cmVhZGVy", claims: ["Listen"] as const } };
  await using world = await EventHubsWorld.start({ policies });
  const { connectionString } = world.emulator;
  const wrong = await world.connect({ connectionString: connectionString.replace("YWxs", "d3Jvbmc=") });
  const startedMs = performance.now();
  await expect(send(wrong, "1")).rejects.toMatchObject({ code: "unauthenticated" });
  expect((await wrong.check()).error).toMatchObject({ code: "unauthenticated" });
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  const listening = await world.connect({
    connectionString: connectionString.replace("Name=all", "Name=reader").replace("YWxs", "cmVhZGVy"),
  });
  await expect(send(listening, "1")).rejects.toMatchObject({ code: "permission-denied" });
  expect(await readAll(listening)).toEqual([]);
});

test("a message over the link's limit", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start({ maxMessageBytes: 10_000 });
  const connection = await world.connect();
  await expect(send(connection, "x".repeat(20_000))).rejects.toMatchObject({ code: "too-large" });
  await send(connection, "y".repeat(9_000));
  expect(await readAll(connection)).toHaveLength(1);
});

// Its time is short: nothing else may take the processor meanwhile.
test("a busy service is throttled within the time of the send, and is tried again", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  world.emulator.inject({ kind: "throttle", topic: "flights", times: 2 });
  await send(connection, "1");
  world.emulator.inject({ kind: "throttle", topic: "flights", times: 1_000 });
  const producer = topicOf(connection).producer({ deliveryTimeoutMs: 500 });
  await expect(producer.send({ key: "LH400", value: "2" })).rejects.toMatchObject({ code: "timeout", cause: { code: "throttled" } });
  world.emulator.clearFaults();
  expect(await readAll(connection)).toEqual(["1"]);
});

test("an owner level that is stolen ends the ownership, and nothing is lost", BESIDE_OTHERS, async ({ expect }) => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect();
  const { consumer, running, handled } = member(connection);
  await send(connection, "1");
  await expect.poll(() => handled, LATER).toEqual(["1"]);
  world.emulator.inject({ kind: "steal-partition", topic: "flights", partition: "0" });
  await send(connection, "2");
  await expect.poll(() => [...new Set(handled)], LATER).toEqual(["1", "2"]);
  await consumer.close();
  await running;
});

test(
  "a client with the lowest owner level of other SDKs does not end a group: the levels of groups begin above it",
  BESIDE_OTHERS,
  async ({ expect }) => {
    await using world = await EventHubsWorld.start();
    const connection = await world.connect();
    const { consumer, running, handled } = member(connection);
    await send(connection, "1");
    await expect.poll(() => handled, LATER).toEqual(["1"]);
    await using foreign = read(world.emulator, "flights", "0", EARLIEST, { group: "delays", ownerLevel: 0 });
    expect((await foreign.failed()).code).toBe("ReceiverDisconnectedError");
    await send(connection, "2");
    await expect.poll(() => handled, LATER).toEqual(["1", "2"]);
    await consumer.close();
    await running;
  },
);

test("a reader where a group runs is told to take a consumer group of its own", BESIDE_OTHERS, async ({ expect }) => {
  await using world = await EventHubsWorld.start();
  const { connectionString, checkpoints } = world.emulator;
  await using connection = await connect(eventHubs({ connectionString, checkpoints, developmentEmulator: true, readerGroup: "delays" }));
  const { consumer, running, handled } = member(connection);
  await send(connection, "1");
  await expect.poll(() => handled, LATER).toEqual(["1"]);
  await expect(readAll(connection)).rejects.toMatchObject({ code: "conflict", message: expect.stringMatching(/readerGroup/) });
  await consumer.close();
  await running;
});

test("without checkpoints a consumer says what to give", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start();
  const { connectionString } = world.emulator;
  await using connection = await connect(eventHubs({ connectionString, developmentEmulator: true }));
  await send(connection, "1");
  expect(await readAll(connection)).toEqual(["1"]);
  await expect(member(connection).running).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringMatching(/give `checkpoints`/),
  });
});

test("a container that there is not", BESIDE_OTHERS, async () => {
  await using world = await EventHubsWorld.start();
  const connection = await world.connect({ checkpoints: world.emulator.checkpoints.replace(/checkpoints$/, "elsewhere") });
  await expect(member(connection).running).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringMatching(/container of `checkpoints` does not exist/),
  });
});

test.for([412, 429, 500, 503])(
  "blobs that answer %i for a while hold up a group, and move no checkpoint back",
  BESIDE_OTHERS,
  async (status, { expect }) => {
    await using world = await EventHubsWorld.start();
    const connection = await world.connect();
    const { consumer, running, handled } = member(connection);
    const places: number[] = [];
    const look = async (): Promise<void> => {
      const found = await world.container
        .getBlobClient("127.0.0.1/flights/delays/checkpoint/0")
        .getProperties()
        .catch(() => null);
      const number = found?.metadata?.["sequencenumber"];
      if (number !== undefined) places.push(Number(number));
    };
    for (let index = 0; index < 12; index += 1) {
      if (index % 3 === 1) world.emulator.answerWith({ call: "WriteCheckpoint", status, times: 2 });
      if (index % 3 === 2) world.emulator.answerWith({ call: "WriteBlob", status, times: 1 });
      await send(connection, String(index));
      await delay(20);
      await look();
    }
    const values = Array.from({ length: 12 }, (_, index) => String(index));
    await expect.poll(() => [...new Set(handled)].toSorted((a, b) => Number(a) - Number(b)), LATER).toEqual(values);
    await consumer.close();
    await running;
    await look();
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places.at(-1)).toBe(11);
  },
);

test(
  "a connection that is dropped every second under load loses nothing and keeps the order",
  { timeout: 90_000, concurrent: true },
  async ({ expect }) => {
    const topics = { flights: { partitions: 4, groups: ["delays"] } };
    await using world = await EventHubsWorld.start({ topics });
    const connection = await world.connect();
    const { consumer, running, handled } = member(connection);
    const producer = topicOf(connection).producer();
    const sends: Promise<unknown>[] = [];
    for (let second = 0; second < 5; second += 1) {
      world.emulator.inject({ kind: "disconnect", topic: "flights", operation: "publish" });
      world.emulator.inject({ kind: "disconnect", topic: "flights", operation: "fetch" });
      for (let index = 0; index < 200; index += 1)
        sends.push(producer.send({ key: `key ${index % 20}`, value: `${index % 20} ${second * 10 + Math.floor(index / 20)}` }));
      await delay(1_000);
    }
    await Promise.all(sends);
    await expect.poll(() => new Set(handled).size, { timeout: 60_000 }).toBe(1_000);
    await consumer.close();
    await running;
    const firsts = [...new Set(handled)];
    for (let key = 0; key < 20; key += 1) {
      const numbers = firsts.filter((value) => value.startsWith(`${key} `)).map((value) => Number(value.split(" ")[1]));
      expect(numbers, `key ${key}`).toEqual(Array.from({ length: 50 }, (_, index) => index));
    }
  },
);
