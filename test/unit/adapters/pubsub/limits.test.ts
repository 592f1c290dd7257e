import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytes } from "../../../../src/codec/bytes.ts";
import { text } from "../../../../src/codec/text.ts";
import { connect } from "../../../../src/connect.ts";
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

  test("settings of a schema that do not fit", async () => {
    under.emulator.answerWith({ method: "Publish", code: 9 });
    await expect(flights(under.connection).producer().send({ key: "schema", value: "x" })).rejects.toMatchObject({ code: "conflict" });
  });

  test("one message of a call that the schema of the topic refuses: the others are stored, in their order", async () => {
    await under.emulator.createTopic("checked");
    under.emulator.inject({ kind: "fail-entry", topic: "checked", after: 2 });
    const checked = under.connection.topic("checked", { codec: bytes() });
    const sends = ["0", "1", "2", "3", "4"].map((value) =>
      checked.producer({ onKeyFailure: "continue" }).send({ key: value, value: Buffer.from(value) }),
    );
    const results = await Promise.allSettled(sends);
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused.map(({ reason }) => (reason as { readonly code: string }).code)).toEqual(["invalid-argument"]);
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
