import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Consumer } from "../../../../src/consume/consumer-types.ts";
import { text } from "../../../../src/codec/text.ts";
import { type Harness, flights, harness } from "./harness.ts";

// What users of the service and of its clients have run into.

let under: Harness;
const consumers: { readonly consumer: Consumer<string>; readonly run: Promise<void> }[] = [];

beforeEach(async () => {
  under = await harness();
});

afterEach(async () => {
  for (const { consumer, run } of consumers.splice(0)) {
    await consumer.close();
    await run.catch(() => undefined);
  }
  await under[Symbol.asyncDispose]();
});

async function valuesOf(messages: AsyncIterable<{ readonly value: string }>): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const { value } of messages) values.push(value);
  return values;
}

interface Handled {
  readonly values: string[];
  /** How the member has ended. */
  readonly run: Promise<void>;
}

function consume(group: string, handle: (value: string) => Promise<void> | void = () => undefined): Handled {
  const values: string[] = [];
  const consumer = flights(under.connection).consumer({ group, sessionTimeoutMs: 10_000, retry: { initialDelayMs: 1 } });
  const run = consumer.run(async (message) => {
    await handle(message.value);
    values.push(message.value);
  });
  run.catch(() => undefined);
  consumers.push({ consumer, run });
  return { values, run };
}

async function send(values: readonly string[], key: string): Promise<void> {
  const producer = flights(under.connection).producer();
  await producer.sendBatch(values.map((value) => ({ key, value })));
  await producer.close();
}

const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => String(from + index));

test(
  "a stream that the service ends in any way is renewed, and nothing is lost, handled twice or out of order",
  { timeout: 30_000 },
  async () => {
    const { values } = consume("endings");
    for (const [round, code] of [4, 14, 13, 0].entries()) {
      await send(numbers(10, round * 10), "k");
      await expect.poll(() => values.length, { timeout: 10_000 }).toBe((round + 1) * 10);
      await under.emulator.endStreams("flights", code);
    }
    await send(["40"], "k");
    await expect.poll(() => values.length, { timeout: 10_000 }).toBe(41);
    expect(values).toEqual(numbers(41));
  },
);

test("a stream that is cut while handlers run gives no message of theirs to a second handler", { timeout: 30_000 }, async () => {
  await send(numbers(5), "k");
  let running = 0;
  let most = 0;
  let cuts = 0;
  const { values } = consume("cut", async () => {
    most = Math.max(most, (running += 1));
    if (cuts === 0) {
      cuts += 1;
      await under.emulator.endStreams("flights", 14);
      await delay(300);
    }
    running -= 1;
  });
  await expect.poll(() => values.length, { timeout: 10_000 }).toBe(5);
  await delay(300);
  expect(values).toEqual(numbers(5));
  expect(most).toBe(1);
});

test("an exactly-once subscription is acknowledged in the order of each key", { timeout: 30_000 }, async () => {
  await under.raw.subscribe("flights", "flights.once", { enableMessageOrdering: true, enableExactlyOnceDelivery: true });
  const { values } = consume("once");
  await send(numbers(300), "k");
  await send(numbers(300, 300), "l");
  await expect.poll(() => values.length, { timeout: 20_000 }).toBe(600);
  await delay(300);
  expect(values.filter((value) => Number(value) < 300)).toEqual(numbers(300));
  expect(await under.raw.pull(under.raw.subscription("flights.once"))).toEqual([]);
});

test("an id that cannot be acknowledged spoils no other, and what fails for a while is tried again", { timeout: 30_000 }, async () => {
  await under.raw.subscribe("flights", "flights.ids", { enableMessageOrdering: true, enableExactlyOnceDelivery: true });
  under.emulator.answerWith({ method: "Acknowledge", ackFailure: "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE", times: 2, topic: "flights" });
  const { values } = consume("ids");
  await send(numbers(20), "k");
  await expect.poll(() => values.length, { timeout: 10_000 }).toBe(20);
  await delay(500);
  expect(values).toEqual(numbers(20));
  expect(await under.raw.pull(under.raw.subscription("flights.ids"))).toEqual([]);
});

test.each([
  ["without order", { enableMessageOrdering: false }, "conflict"],
  ["with a filter", { enableMessageOrdering: true, filter: 'attributes.a = "1"' }, "conflict"],
  ["with push", { enableMessageOrdering: true, pushConfig: { pushEndpoint: "https://example.com/push" } }, "conflict"],
])("a subscription %s ends the member with a code", async (_, settings, code) => {
  await under.raw.subscribe("flights", "flights.unfit", settings);
  await expect(consume("unfit").run).rejects.toMatchObject({ code, provider: "pubsub" });
});

test("a subscription of a deleted topic is no silent wait", { timeout: 30_000 }, async () => {
  await under.raw.subscribe("flights", "flights.orphan");
  await under.raw.publisher.deleteTopic({ topic: under.raw.topic("flights") }, { retry: null });
  await under.emulator.createTopic("flights");
  await expect(consume("orphan").run).rejects.toMatchObject({ code: "not-found" });
});

test("a deleted subscription ends its members with not-found", { timeout: 30_000 }, async () => {
  await send(["0"], "k");
  const { values, run } = consume("deleted");
  await expect.poll(() => values.length, { timeout: 10_000 }).toBe(1);
  await under.raw.subscriber.deleteSubscription({ subscription: under.raw.subscription("flights.deleted") }, { retry: null });
  await expect(run).rejects.toMatchObject({ code: "not-found" });
});

test("a start that a dead member has begun is carried out as that member meant it", { timeout: 30_000 }, async () => {
  await send(numbers(3), "k");
  const labels = { "streamport-start": "t0" };
  await under.raw.subscribe("flights", "flights.begun", { enableMessageOrdering: true, labels });
  const { values } = consume("begun");
  await expect.poll(() => values.length, { timeout: 10_000 }).toBe(3);
  const [found] = await under.raw.subscriber.getSubscription({ subscription: under.raw.subscription("flights.begun") }, { retry: null });
  expect(found.labels).toEqual({});
});

test("a topic without retention can be consumed from latest only, and no subscription is left behind", { timeout: 30_000 }, async () => {
  const name = under.raw.topic("unkept");
  await under.raw.publisher.createTopic({ name }, { retry: null });
  const unkept = under.connection.topic("unkept", { codec: text() });
  await expect(unkept.consumer({ group: "g" }).run(() => undefined)).rejects.toMatchObject({
    code: "unsupported",
    capability: "startAtTimestamp",
  });
  await expect(valuesOf(unkept.reader({ until: "now" }))).rejects.toMatchObject({ code: "unsupported" });
  const [left] = await under.raw.publisher.listTopicSubscriptions({ topic: name }, { retry: null });
  expect(left).toEqual([]);
});

test("a bookmark that is too old is out of range, and closing leaves no subscription", { timeout: 30_000 }, async () => {
  await send(numbers(3), "k");
  const reader = flights(under.connection).reader({ until: "now" });
  const read = reader[Symbol.asyncIterator]();
  await read.next();
  const bookmark = await reader.bookmark();
  await reader.close();
  const rest = await valuesOf(flights(under.connection).reader({ from: { bookmark }, until: "now" }));
  expect(rest).toEqual(["1", "2"]);
  under.emulator.advance(8 * 86_400_000);
  await expect(valuesOf(flights(under.connection).reader({ from: { bookmark }, until: "now" }))).rejects.toMatchObject({
    code: "position-out-of-range",
  });
  const [left] = await under.raw.publisher.listTopicSubscriptions({ topic: under.raw.topic("flights") }, { retry: null });
  expect(left).toEqual([]);
});

test("a topic that is missing, exists already or cannot be kept that short is refused with a code", { timeout: 30_000 }, async () => {
  await expect(under.connection.topic("missing", { codec: text() }).producer().send({ key: "k", value: "x" })).rejects.toMatchObject({
    code: "not-found",
  });
  await expect(under.connection.admin.createTopic("flights")).rejects.toMatchObject({ code: "already-exists" });
  await expect(under.connection.admin.createTopic("short", { retentionMs: 1_000 })).rejects.toMatchObject({ code: "unsupported" });
});

test("readers that are closed at any moment of their opening leave no subscription", { timeout: 30_000 }, async () => {
  await send(numbers(3), "k");
  const opened = Array.from({ length: 60 }, async (_, index) => {
    const reader = flights(under.connection).reader({ until: "now" });
    const first = reader[Symbol.asyncIterator]().next();
    first.catch(() => undefined);
    await delay(index);
    await reader.close();
  });
  await Promise.all(opened);
  const [left] = await under.raw.publisher.listTopicSubscriptions({ topic: under.raw.topic("flights") }, { retry: null });
  expect(left).toEqual([]);
});
