import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytes } from "../../../../src/codec/bytes.ts";
import { text } from "../../../../src/codec/text.ts";
import { connect } from "../../../../src/connect.ts";
import type { Message, OutgoingMessage } from "../../../../src/index.ts";
import { NO_RETRY } from "../../localstack/pubsub/raw-clients.ts";
import { type Harness, flights, harness, valuesOf } from "./harness.ts";

let under: Harness;
let publishes = 0;
const heard = (event: unknown): void => {
  if ((event as { readonly operation: string }).operation === "Publish") publishes += 1;
};

beforeAll(async () => {
  under = await harness();
  subscribe("streamport:call", heard);
});

afterAll(async () => {
  unsubscribe("streamport:call", heard);
  await under[Symbol.asyncDispose]();
});

// The service counts bytes of UTF-8: this character has 2.
const two = "é";

describe("limits are those of the service, to the byte, and what is over them never reaches it", () => {
  const headers = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`h${index}`, "x"]));

  test.each([
    ["a key", { key: two.repeat(512) }, { key: `${two.repeat(512)}x` }],
    ["the name of a header", { headers: { [two.repeat(128)]: "x" } }, { headers: { [`${two.repeat(128)}x`]: "x" } }],
    ["the text of a header", { headers: { h: two.repeat(512) } }, { headers: { h: `${two.repeat(512)}x` } }],
    ["the number of headers", { headers: headers(99) }, { headers: headers(100) }],
  ])("%s", async (_, most, more) => {
    const producer = flights(under.connection).producer();
    await producer.send({ key: "k", value: "x", ...most });
    const before = publishes;
    await expect(producer.send({ key: "k", value: "x", ...more })).rejects.toMatchObject({ code: "too-large", provider: "pubsub" });
    expect(publishes).toBe(before);
  });

  test("a message", { timeout: 30_000 }, async () => {
    const topic = under.connection.topic("flights", { codec: bytes() });
    const { messageBytes } = under.connection.capabilities.limits;
    const producer = topic.producer();
    await producer.send({ key: "k", value: Buffer.alloc(messageBytes - 200) });
    const before = publishes;
    await expect(producer.send({ key: "k", value: Buffer.alloc(10_000_001) })).rejects.toMatchObject({ code: "too-large" });
    expect(publishes).toBe(before);
  });
});

describe("what the service refuses has a code", () => {
  test("a project that does not exist", async () => {
    await using other = await harness({ projects: [] });
    await using connection = await connect(other.emulator.url.replace("streamport-emulator", "another-project"));
    await expect(
      flights(connection as never)
        .producer()
        .send({ key: "k", value: "x" }),
    ).rejects.toMatchObject({ code: "not-found" });
    expect(await connection.check()).toMatchObject({ ok: false, error: { code: "not-found" } });
  });

  test("a group that does not exist, where none is to be made", async () => {
    const consumer = flights(under.connection).consumer({ group: "missing", initialPosition: "fail" });
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({ code: "not-found" });
  });

  test("settings of a topic's state that do not fit", async () => {
    under.emulator.answerWith({ method: "Publish", code: 9 });
    await expect(flights(under.connection).producer().send({ key: "state", value: "x" })).rejects.toMatchObject({ code: "conflict" });
  });
});

describe("a topic with a schema", () => {
  const fields = [
    { name: "number", type: "int" },
    { name: "isLate", type: "boolean" },
  ];
  const definition = { type: "record", name: "Flight", fields };
  const flight = (number: unknown): string => JSON.stringify({ number, isLate: false });
  const checkedTopic = async (name: string, encoding: "JSON" | "BINARY" = "JSON"): Promise<void> => {
    const { raw } = under;
    await raw.createSchema(name, definition);
    const messageRetentionDuration = { seconds: 86_400 };
    const schemaSettings = { schema: raw.schema(name), encoding };
    await raw.publisher.createTopic({ name: raw.topic(name), messageRetentionDuration, schemaSettings }, NO_RETRY);
  };
  const sendAll = async (name: string, messages: readonly OutgoingMessage<string>[]): Promise<readonly string[]> => {
    const producer = under.connection.topic(name, { codec: text() }).producer();
    const results = await Promise.allSettled(messages.map((message) => producer.send(message)));
    await producer.close();
    return results.map((result) => (result.status === "fulfilled" ? "stored" : (result.reason as { readonly code: string }).code));
  };
  const stored = (name: string): Promise<readonly string[]> =>
    valuesOf(under.connection.topic(name, { codec: text() }).reader({ until: "now" }));

  test("one message of a call that is refused fails alone: the others of the call are stored", async () => {
    await checkedTopic("keyless");
    const values = [0, 1, "two", 3, 4, 5, 6, 7].map(flight);
    const codes = values.map((_, at) => (at === 2 ? "invalid-argument" : "stored"));
    expect(
      await sendAll(
        "keyless",
        values.map((value) => ({ key: null, value })),
      ),
    ).toEqual(codes);
    expect((await stored("keyless")).toSorted()).toEqual(values.filter((_, at) => at !== 2));
  });

  test("one message of a key that is refused: those before it are stored in order, those behind it are blocked, another key goes on", async () => {
    await checkedTopic("keyed");
    const messages = [0, 1, 2, "three", 4, 5].map((number) => ({ key: "a", value: flight(number) }));
    const others = [10, 11, 12].map((number) => ({ key: "b", value: flight(number) }));
    const codes = await sendAll("keyed", [...messages, ...others]);
    expect(codes.slice(0, 6)).toEqual(["stored", "stored", "stored", "invalid-argument", "key-blocked", "key-blocked"]);
    expect(codes.slice(6)).toEqual(["stored", "stored", "stored"]);
    const values = await stored("keyed");
    expect(values.filter((value) => messages.some((message) => message.value === value))).toEqual([0, 1, 2].map(flight));
    expect(values.filter((value) => others.some((message) => message.value === value))).toEqual([10, 11, 12].map(flight));
  });

  test("messages in another encoding than its own are all refused, and none is lost from sight", async () => {
    await checkedTopic("binary", "BINARY");
    expect(
      await sendAll(
        "binary",
        [0, 1, 2].map((number) => ({ key: null, value: flight(number) })),
      ),
    ).toEqual(["invalid-argument", "invalid-argument", "invalid-argument"]);
  });

  test("a schema that was deleted is not-found, at once and without a search for a culprit", async () => {
    await checkedTopic("deleted");
    await under.raw.schemas.deleteSchema({ name: under.raw.schema("deleted") }, NO_RETRY);
    const producer = under.connection.topic("deleted", { codec: text() }).producer();
    await expect(producer.send({ key: null, value: flight(1) })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining("schema"),
    });
  });

  test("what the service adds to a message does not keep it from being sent on", async () => {
    await checkedTopic("source");
    await sendAll("source", [{ key: "k", value: flight(1), headers: { a: "b" } }]);
    let message: Message<string> | undefined;
    for await (message of under.connection.topic("source", { codec: text() }).reader({ until: "now" }));
    expect(message?.headers).toMatchObject({ a: "b", googclient_schemaencoding: "JSON" });
    expect(await sendAll("source", [{ key: "k", value: message!.value, headers: message!.headers }])).toEqual(["stored"]);
  });
});

test("what is throttled, and what meets a service that is away, is tried until it is stored", { timeout: 30_000 }, async () => {
  await under.emulator.createTopic("busy");
  const topic = under.connection.topic("busy", { codec: text() });
  under.emulator.answerWith({ method: "Publish", code: 8, times: 3, topic: "busy" });
  const producer = topic.producer({ retry: { initialDelayMs: 1, maxDelayMs: 10 } });
  await producer.send({ key: "k", value: "0" });
  under.emulator.answerWith({ method: "Publish", code: 14, times: 30, topic: "busy" });
  await Promise.all(["1", "2", "3"].map((value) => producer.send({ key: "k", value })));
  expect(await valuesOf(topic.reader({ until: "now" }))).toEqual(["0", "1", "2", "3"]);
});
