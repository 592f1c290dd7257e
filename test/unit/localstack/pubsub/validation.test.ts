import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmulatedPubSub, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import { NO_RETRY, type RawClients, codeOf, rawClients } from "./raw-clients.ts";

// What the service accepts and refuses, to the byte.

let pubsub: EmulatedPubSub;
let clients: RawClients;
let subscription: string;

beforeAll(async () => {
  pubsub = await startEmulatedPubSub({ topics: { flights: {} } });
  clients = rawClients(pubsub);
  subscription = await clients.subscribe("flights", "delays");
});

afterAll(async () => {
  await clients[Symbol.asyncDispose]();
  await pubsub.close();
});

async function publish(messages: readonly object[], topic = clients.topic("flights")): Promise<number> {
  return codeOf(clients.publisher.publish({ topic, messages: messages as object[] }, NO_RETRY));
}

const data = Buffer.from("x");
const attributes = (count: number): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, ""]));

describe("a publish request", () => {
  // 11 bytes of the message's own fields, 54 of the topic.
  const topicBytes = (): number => 2 + clients.topic("flights").length;

  test.each([
    ["as large as can be", 0, 0],
    ["a byte larger", 1, 3],
  ])("of a size %s", async (_, more, code) => {
    // Tag and length of the message, and of its data: 1 + 4 each.
    const room = 10_000_000 - topicBytes() - 5 - 5;
    expect(await publish([{ data: Buffer.alloc(room + more) }])).toBe(code);
  });

  test.each([
    [1_000, 0],
    [1_001, 3],
    [0, 3],
  ])("of %i messages", async (count, code) => {
    expect(await publish(Array.from({ length: count }, () => ({ data })))).toBe(code);
  });

  test.each([
    ["100 attributes", { attributes: attributes(100) }, 0],
    ["101 attributes", { attributes: attributes(101) }, 3],
    ["an attribute name of 256 bytes", { attributes: { ["é".repeat(128)]: "" } }, 0],
    ["an attribute name of 257 bytes", { attributes: { [`${"é".repeat(128)}x`]: "" } }, 3],
    ["an attribute value of 1,024 bytes", { attributes: { a: "é".repeat(512) } }, 0],
    ["an attribute value of 1,025 bytes", { attributes: { a: `${"é".repeat(512)}x` } }, 3],
    ["a reserved attribute name", { attributes: { google: "" } }, 3],
    ["an attribute of the client libraries", { data, attributes: { googclient_x: "" } }, 0],
    ["an ordering key of 1,024 bytes", { data, orderingKey: "é".repeat(512) }, 0],
    ["an ordering key of 1,025 bytes", { data, orderingKey: `${"é".repeat(512)}x` }, 3],
    ["only attributes", { attributes: { a: "" } }, 0],
    ["neither data nor attributes", { orderingKey: "k" }, 3],
  ])("with %s", async (_, message, code) => {
    expect(await publish([message])).toBe(code);
  });

  test("with two ordering keys, or with a key and without", async () => {
    expect(
      await publish([
        { data, orderingKey: "a" },
        { data, orderingKey: "b" },
      ]),
    ).toBe(3);
    expect(await publish([{ data, orderingKey: "a" }, { data }])).toBe(3);
    expect(
      await publish([
        { data, orderingKey: "a" },
        { data, orderingKey: "a" },
      ]),
    ).toBe(0);
  });

  test("stores nothing if one message is refused, and tells the limit", async () => {
    const fresh = await clients.subscribe("flights", "fresh");
    expect(await publish([{ data }, {}])).toBe(3);
    expect(await clients.pull(fresh)).toEqual([]);
    const tooMany = Array.from({ length: 1_001 }, () => ({ data }));
    const call = clients.publisher.publish({ topic: clients.topic("flights"), messages: tooMany }, NO_RETRY);
    await expect(call).rejects.toThrow(/You passed 1001 in the request, but the maximum value is 1000/);
  });

  test("to a topic that does not exist", async () => {
    expect(await publish([{ data }], clients.topic("none"))).toBe(5);
    expect(await publish([{ data }], "flights")).toBe(3);
  });
});

test.each([
  ["ab", 3],
  ["abc", 0],
  [`a${"b".repeat(254)}`, 0],
  [`a${"b".repeat(255)}`, 3],
  ["1abc", 3],
  ["googol", 3],
  ["a b c", 3],
  ["a-b_c.d~e+f%g", 0],
])("the name %j gets code %i for a topic, a subscription and a snapshot", async (id, code) => {
  const calls = [
    clients.publisher.createTopic({ name: clients.topic(id) }, NO_RETRY),
    clients.subscriber.createSubscription({ name: clients.subscription(id), topic: clients.topic("flights") }, NO_RETRY),
    clients.subscriber.createSnapshot({ name: clients.snapshot(id), subscription }, NO_RETRY),
  ];
  expect(await Promise.all(calls.map(codeOf))).toEqual([code, code, code]);
});

test.each([
  ["a retention below 10 minutes", { messageRetentionDuration: { seconds: 599 } }, 3],
  ["a retention of 10 minutes", { messageRetentionDuration: { seconds: 600 } }, 0],
  ["a retention of 31 days", { messageRetentionDuration: { seconds: 31 * 86_400 } }, 0],
  ["a retention over 31 days", { messageRetentionDuration: { seconds: 31 * 86_400, nanos: 1_000_000 } }, 3],
  ["65 labels", { labels: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${index}`, ""])) }, 3],
  ["a label of capital letters", { labels: { Label: "" } }, 3],
  ["a label", { labels: { label: "é-1_" } }, 0],
  ["a schema that does not exist", { schemaSettings: { schema: "projects/p/schemas/none", encoding: "JSON" as const } }, 5],
])("a topic with %s", async (name, settings, code) => {
  const id = `topic-${name.replaceAll(" ", "-")}`;
  expect(await codeOf(clients.publisher.createTopic({ name: clients.topic(id), ...settings }, NO_RETRY))).toBe(code);
});

describe("a subscription", () => {
  const deadLetter = (maxDeliveryAttempts: number): object => ({
    deadLetterPolicy: { deadLetterTopic: clients.topic("flights"), maxDeliveryAttempts },
  });

  test.each<[string, () => object, number]>([
    ["an ack deadline of 9 s", () => ({ ackDeadlineSeconds: 9 }), 3],
    ["an ack deadline of 10 s", () => ({ ackDeadlineSeconds: 10 }), 0],
    ["an ack deadline of 601 s", () => ({ ackDeadlineSeconds: 601 }), 3],
    ["a retention below 10 minutes", () => ({ messageRetentionDuration: { seconds: 599 } }), 3],
    ["a life below a day", () => ({ messageRetentionDuration: { seconds: 600 }, expirationPolicy: { ttl: { seconds: 86_399 } } }), 3],
    ["a life below its retention", () => ({ expirationPolicy: { ttl: { seconds: 86_400 } } }), 3],
    ["a life of a day", () => ({ messageRetentionDuration: { seconds: 600 }, expirationPolicy: { ttl: { seconds: 86_400 } } }), 0],
    ["no end of its life", () => ({ expirationPolicy: {} }), 0],
    ["4 delivery attempts", () => deadLetter(4), 3],
    ["5 delivery attempts", () => deadLetter(5), 0],
    ["101 delivery attempts", () => deadLetter(101), 3],
    ["a dead-letter topic that does not exist", () => ({ deadLetterPolicy: { deadLetterTopic: clients.topic("none") } }), 5],
    ["a back-off over 600 s", () => ({ retryPolicy: { minimumBackoff: { seconds: 601 } } }), 3],
    ["a topic that does not exist", () => ({ topic: clients.topic("none") }), 5],
  ])("with %s", async (name, settings, code) => {
    const request = { name: clients.subscription(`s-${name.replaceAll(" ", "-")}`), topic: clients.topic("flights"), ...settings() };
    expect(await codeOf(clients.subscriber.createSubscription(request, NO_RETRY))).toBe(code);
  });
});

describe("a request with ack ids", () => {
  const change = async (ackIds: readonly string[], ackDeadlineSeconds: number): Promise<number> =>
    codeOf(clients.subscriber.modifyAckDeadline({ subscription, ackIds: [...ackIds], ackDeadlineSeconds }, NO_RETRY));
  const acknowledge = async (ackIds: readonly string[]): Promise<number> =>
    codeOf(clients.subscriber.acknowledge({ subscription, ackIds: [...ackIds] }, NO_RETRY));

  test("has up to 524,288 bytes, in ids of the service's length", async () => {
    await publish(Array.from({ length: 1_000 }, () => ({ data })));
    const [{ ackId } = { ackId: "" }] = await clients.pull(subscription, 1_000);
    expect(ackId.length).toBeGreaterThan(160);
    const names = 2 + subscription.length;
    const fits = Math.floor((524_288 - names) / (ackId.length + 3));
    const repeated = (count: number): readonly string[] => Array.from({ length: count }, () => ackId);
    expect(await acknowledge(repeated(fits))).toBe(0);
    expect(await acknowledge(repeated(fits + 1))).toBe(3);
    expect(await change(repeated(fits + 1), 10)).toBe(3);
  });

  test("names at least one, and no malformed one", async () => {
    expect(await acknowledge([])).toBe(3);
    expect(await acknowledge(["nonsense"])).toBe(3);
    expect(await change([], 10)).toBe(3);
  });

  test("sets a deadline of 0 to 600 s", async () => {
    await publish([{ data }]);
    const [{ ackId } = { ackId: "" }] = await clients.pull(subscription, 1);
    expect([await change([ackId], -1), await change([ackId], 601), await change([ackId], 600)]).toEqual([3, 3, 0]);
    expect(await acknowledge([ackId])).toBe(0);
  });
});

test("a Pull asks for a positive number of messages, and a seek names a time or a snapshot", async () => {
  expect(await codeOf(clients.subscriber.pull({ subscription, maxMessages: 0 }, NO_RETRY))).toBe(3);
  expect(await codeOf(clients.subscriber.seek({ subscription }, NO_RETRY))).toBe(3);
});
