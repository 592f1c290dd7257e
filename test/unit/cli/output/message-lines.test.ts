import * as fc from "fast-check";
import { expect, test } from "vitest";
import { messageLines } from "../../../../src/cli/input/outgoing-line.ts";
import { MessageLines, messageLine } from "../../../../src/cli/output/message-lines.ts";
import { bytesTopic } from "../../../../src/cli/process/with-connection.ts";
import { type Message, connect } from "../../../../src/index.ts";
import { ReceivedMessage, messageSource } from "../../../../src/message.ts";
import { bytesToText } from "../../../../src/text-bytes.ts";
import { gather } from "../gather.ts";

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(text)),
);
const keys = fc.uint8Array({ maxLength: 20 });
const headers = fc.array(fc.tuple(fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constant(Buffer.from("1"))), fc.option(anyBytes)), {
  maxLength: 4,
});
const times = fc.oneof(
  fc.constantFrom(-1, 0),
  fc.integer({ min: 1, max: 8_640_000_000_000_000 }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 62n }),
);
const anyRecord = fc.record({ key: fc.option(keys), value: fc.option(anyBytes), headers, timestampMs: times });

const anyMessage = fc.record({
  key: fc.option(keys.map(bytesToText)),
  value: fc.option(anyBytes),
  headers: fc.dictionary(fc.string(), anyBytes.map(bytesToText), { maxKeys: 3 }),
  producedAt: fc.option(times, { nil: undefined }),
});

test("a line makes the same record again: any key, value, header and time", async () => {
  await using copy = await connect("memory:?create=lines");
  const identity = { cluster: "c", topic: "lines", incarnation: "" };
  const source = messageSource({ provider: "memory", topic: "lines", partition: "0", identity });
  await using copier = bytesTopic(copy, "lines").producer();
  await fc.assert(
    fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 8 }), async (records) => {
      const bookmark = await bytesTopic(copy, "lines").reader({ from: "latest" }).bookmark();
      const stored = records.map(({ key, value, headers: pairs, timestampMs }) => {
        const list = pairs.map(([name, content]) => [bytesToText(name), content] as const);
        const record = { key, value, headers: list, timestampMs, position: "0", bytes: 0, deliveryAttempt: null, native: null };
        return new ReceivedMessage(source, record, key === null ? null : bytesToText(key), value);
      });
      const readLine = messageLines(undefined, ["partition", "timestamp"]);
      // As a program in between would have them: bytes of UTF-8.
      for (const message of stored) await copier.send(readLine(Buffer.from(messageLine(message), "utf8"))!);
      const copied = await gather(bytesTopic(copy, "lines").reader({ from: { bookmark }, until: "now" }));
      const whole = ({ raw, partition, timestamp }: Message<unknown>) => ({
        key: raw.key === null ? null : Buffer.from(raw.key),
        value: raw.value === null ? null : Buffer.from(raw.value),
        headers: raw.headers.map(([name, value]) => [name, value === null ? null : Buffer.from(value)]),
        time: raw.timestamp,
        partition,
        timestamp,
      });
      expect(copied.map(whole)).toEqual(stored.map(whole));
    }),
    { numRuns: 150 },
  );
});

test("the lines that are printed are those of each message, byte for byte", async () => {
  await using connection = await connect("memory:?create=lines");
  const lines = new MessageLines();
  const escaped = fc.string({
    unit: fc.constantFrom("a", '"', "\\", "\n", "\u0000", "\u001f", "\u007f", "é", "\u2028", "😀"),
    maxLength: 20,
  });
  const value = fc.oneof(
    anyBytes,
    escaped.map((text) => new TextEncoder().encode(text)),
  );
  const producedAt = fc.oneof(fc.constantFrom(0, 1, 9, 10, 99, 1_000_000_000_000), fc.nat(4_102_444_800_000));
  const message = fc.record({
    key: fc.option(fc.oneof(keys.map(bytesToText), escaped)),
    value: fc.option(value),
    producedAt,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(message, anyMessage), { minLength: 1, maxLength: 8 }), async (messages) => {
      const bookmark = await bytesTopic(connection, "lines").reader({ from: "latest" }).bookmark();
      await using producer = bytesTopic(connection, "lines").producer();
      for (const each of messages) await producer.send(each);
      const stored = await gather(bytesTopic(connection, "lines").reader({ from: { bookmark }, until: "now" }));
      expect(Buffer.from(lines.of(stored)).toString("utf8")).toBe(stored.map(messageLine).join(""));
    }),
    { numRuns: 100 },
  );
});

test("lines of any length are whole, whatever was printed before", async () => {
  await using connection = await connect("memory:?create=lines,other");
  const lines = new MessageLines();
  for (const name of ["lines", "other", "lines"]) {
    const topic = bytesTopic(connection, name);
    for (const length of [0, 1_000, 100_000, 1_000_000]) await topic.producer().send({ key: "k", value: Buffer.alloc(length, '"') });
    const stored = await gather(topic.reader({ until: "now" }));
    expect(Buffer.from(lines.of(stored)).toString("utf8")).toBe(stored.map(messageLine).join(""));
  }
});

test("the names of the line are those that other programs read, in one line", async () => {
  await using connection = await connect("memory:?create=lines");
  const topic = bytesTopic(connection, "lines");
  const producer = topic.producer();
  const producedAt = Date.UTC(2026, 0, 1);
  await producer.send({ key: "k", value: Buffer.from('{"a":\n1}'), headers: { h: "v" }, producedAt });
  await producer.send({ key: "k", value: Buffer.from([0xff]), producedAt });
  await producer.send({ key: "k", value: null, producedAt });
  const lines = (await gather(topic.reader({ until: "now" }))).map(messageLine);
  const common = {
    topic: "lines",
    partition: expect.any(String),
    position: expect.stringMatching(/^p1\./),
    timestamp: producedAt,
    key: "k",
  };
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { ...common, value: '{"a":\n1}', headers: { h: "v" } },
    { ...common, valueBase64: "/w==", headers: {} },
    { ...common, value: null, headers: {} },
  ]);
  const nanoseconds = 1_700_000_000_123_456_789n;
  await producer.send({ key: "", value: Buffer.from("v"), headers: { b: "", "1": "\udcff" }, producedAt: nanoseconds });
  const odd = messageLine((await gather(topic.reader({ until: "now" }))).find(({ key }) => key === "")!);
  expect(odd).toContain('"timestamp":1700000000123456789,"key":"","value":"v","headers":{"1":"\\udcff","b":""}}');
  // An object has names that are numbers first.
  const repeated = { "1": "x", b: "y" };
  const [message] = await gather(topic.reader({ until: "now" }));
  const pairs = [
    ["b", Buffer.from("y")],
    ["1", null],
    ["1", Buffer.from("x")],
  ] as const;
  const raw = { key: null, value: null, headers: pairs, timestamp: 0n };
  const line = messageLine({ ...message!, position: "p", native: null, headers: repeated, raw });
  expect(JSON.parse(line)).toMatchObject({
    headers: repeated,
    rawHeaders: [
      ["b", "eQ=="],
      ["1", null],
      ["1", "eA=="],
    ],
  });
  for (const text of lines) expect(text.indexOf("\n")).toBe(text.length - 1);
});
