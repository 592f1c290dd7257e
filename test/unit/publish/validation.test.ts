import { expect, test } from "vitest";
import { isStreamError } from "../../../src/errors.ts";
import type { OutgoingMessage } from "../../../src/message.ts";
import { openRecordSender } from "../../../src/publish/open-record-sender.ts";
import { createProducer } from "../../../src/publish/producer.ts";
import type { ProducerOptions } from "../../../src/publish/producer-types.ts";
import { FakeProducerDriver, fakeContext } from "./fake-producer-driver.ts";

const LIMITS = { messageBytes: 100, keyBytes: 8, headerBytes: 20, headerCount: 3, headerNameBytes: 5, headerValueBytes: 10 };

async function codeOf(
  message: unknown,
  more: object = {},
  without: readonly string[] = [],
): Promise<{ code: string; text: string; sent: number }> {
  const driver = new FakeProducerDriver();
  driver.limits = LIMITS;
  const producer = createProducer(fakeContext(driver, more, without), {});
  try {
    await producer.send(message as OutgoingMessage<string>);
    return { code: "stored", text: "", sent: driver.log.length };
  } catch (error) {
    if (!isStreamError(error)) throw error;
    expect([error.provider, error.topic, error.operation]).toEqual(["fake", "orders", "send"]);
    return { code: error.code, text: error.message, sent: driver.log.length };
  } finally {
    await producer.close();
  }
}

const encoding = (encode: () => unknown): object => ({ codec: { encode, decode: () => "" } });
const throwing = (): never => {
  throw new Error("secret");
};

test.each<[string, unknown, string, RegExp, object?, string[]?]>([
  ["not an object", "text", "invalid-argument", /object.*received a string/],
  ["null", null, "invalid-argument", /received null/],
  ["no value", { key: "a" }, "invalid-argument", /value.*undefined/],
  ["null value", { key: "a", value: null }, "invalid-argument", /tombstones/],
  ["tombstone unsupported", { key: "a", value: null }, "unsupported", /tombstones/, { tombstones: true }, ["tombstones"]],
  ["no key", { value: "v" }, "invalid-argument", /key/],
  ["number as key", { key: 5, value: "v" }, "invalid-argument", /received 5/],
  ["key that is a number", { key: 1, value: "v" }, "invalid-argument", /a key must be a string, or null for none; received 1/],
  ["long key", { key: "123456789", value: "v" }, "too-large", /9 bytes.*8/],
  ["escaped key", { key: "\udc80", value: "v" }, "unsupported", /binaryKeys/, {}, ["binaryKeys"]],
  ["surrogate key", { key: "\ud800", value: "v" }, "invalid-argument", /U\+D800/],
  ["key rule throws", { value: "v" }, "invalid-argument", /key rule/, { keyRule: throwing }],
  ["headers array", { key: "a", value: "v", headers: [] }, "invalid-argument", /array of 0/],
  ["header number", { key: "a", value: "v", headers: { n: 1 } }, "invalid-argument", /"n".*received 1/],
  ["header name that stands for no bytes", { key: "a", value: "v", headers: { "\ud800": "x" } }, "invalid-argument", /a header name holds/],
  ["large headers", { key: "a", value: "v", headers: { name: "x".repeat(17) } }, "too-large", /21 bytes.*20/],
  ["many headers", { key: "a", value: "v", headers: { a: "", b: "", c: "", d: "" } }, "too-large", /4 headers.*3/],
  ["long header name", { key: "a", value: "v", headers: { éxxxx: "" } }, "too-large", /name "éxxxx" has 6 bytes.*5/],
  ["long header value", { key: "a", value: "v", headers: { n: "x".repeat(11) } }, "too-large", /value of header "n" has 11 bytes.*10/],
  ["escaped header", { key: "a", value: "v", headers: { n: "\udcff" } }, "unsupported", /exactHeaders/, {}, ["exactHeaders"]],
  ["partition unsupported", { key: "a", value: "v", toPartition: "1" }, "unsupported", /explicitPartition/, {}, ["explicitPartition"]],
  ["unknown partition", { key: "a", value: "v", toPartition: "9" }, "invalid-argument", /0 to 3/],
  ["partition number", { key: "a", value: "v", toPartition: 1 }, "invalid-argument", /received 1/],
  ["time unsupported", { key: "a", value: "v", producedAt: 1 }, "unsupported", /producerTimestamps/, {}, ["producerTimestamps"]],
  ["invalid time", { key: "a", value: "v", producedAt: new Date(Number.NaN) }, "invalid-argument", /Date/],
  ["time beyond every date", { key: "a", value: "v", producedAt: 8.65e15 }, "invalid-argument", /producedAt must be a valid Date/],
  [
    "time of more than 64 bits",
    { key: "a", value: "v", producedAt: 2n ** 63n },
    "invalid-argument",
    /bigint of 64 bits; received the bigint/,
  ],
  ["large message", { key: "a", value: "v".repeat(100) }, "too-large", /101 bytes.*100/],
  ["codec throws", { key: "a", value: "v" }, "invalid-argument", /codec/, encoding(throwing)],
  ["codec rejects", { key: "a", value: "v" }, "invalid-argument", /codec/, encoding(() => Promise.reject(new Error("secret")))],
  ["codec returns text", { key: "a", value: "v" }, "invalid-argument", /Uint8Array.*received a string/, encoding(() => "text")],
  ["codec returns null", { key: "a", value: "v" }, "invalid-argument", /Uint8Array.*null/, encoding(() => null)],
])("%s is refused", async (_name, message, code, text, more, without) => {
  const result = await codeOf(message, more, without);
  expect(result).toMatchObject({ code, sent: 0 });
  expect(result.text).toMatch(text);
  expect(result.text).not.toContain("secret");
});

test("a tombstone, no key, escaped bytes and the properties of a received message are accepted", async () => {
  expect((await codeOf({ key: null, value: null }, { tombstones: true })).code).toBe("stored");
  expect((await codeOf({ key: "\udc80", value: "v", headers: { n: "\udcff" }, partition: "1", position: "p" })).code).toBe("stored");
  expect((await codeOf({ value: "v" }, { keyRule: (value: string) => value })).code).toBe("stored");
});

test.each([
  [{ maxBufferedBytes: 0 }, /maxBufferedBytes/],
  [{ lingerMs: "1" }, /lingerMs/],
  [{ retry: { factor: 2 } }, /factor/],
  [{ onKeyFailure: "stop" }, /"continue", "hold"/],
  [{ bufferSize: 1 }, /there is no "bufferSize"/],
])("options %j are refused at once", (options, text) => {
  const driver = new FakeProducerDriver();
  expect(() => createProducer(fakeContext(driver), options as ProducerOptions)).toThrow(text);
});

test("call options are checked, and nothing is opened by making a producer", async () => {
  const driver = new FakeProducerDriver();
  const producer = createProducer(fakeContext(driver), undefined);
  expect(driver.prepareCalls).toBe(0);
  const options = { abort: 1 } as object;
  for (const call of [
    producer.send({ key: "a", value: "v" }, options),
    producer.sendBatch([], options),
    producer.sendStream([], options),
    producer.flush(options),
  ]) {
    await expect(call).rejects.toMatchObject({ code: "invalid-argument" });
  }
  await expect(producer.sendStream(5 as unknown as [])).rejects.toMatchObject({ code: "invalid-argument" });
  await expect(producer.sendBatch("no" as unknown as [])).rejects.toMatchObject({ code: "invalid-argument" });
});

test("a record sender prepares, has limits and sizes, and sends bytes as they are", async () => {
  const driver = new FakeProducerDriver();
  driver.limits = LIMITS;
  const sender = openRecordSender(fakeContext(driver), undefined);
  await sender.prepare();
  expect(sender.limits).toBe(LIMITS);
  const record = {
    key: Buffer.from("k"),
    value: Buffer.from("v"),
    headers: [["h", Buffer.from("1")]] as const,
    timestampMs: null,
    toPartition: undefined,
  };
  expect(sender.recordBytes(record)).toBe(4);
  expect(await sender.sendRecord(record)).toMatchObject({ partition: "p3" });
  expect(driver.log[0]!.headers).toEqual(["h=1"]);
  await expect(sender.sendRecord({ ...record, value: Buffer.alloc(200) })).rejects.toMatchObject({ code: "too-large" });
  await expect(sender.sendRecord(record, AbortSignal.abort("why"))).rejects.toBe("why");
  await sender.close();
  await expect(sender.sendRecord(record)).rejects.toMatchObject({ code: "closed" });
});
