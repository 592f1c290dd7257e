import * as fc from "fast-check";
import { expect, test } from "vitest";
import { messageLines } from "../../../../src/cli/input/outgoing-line.ts";
import { messageLine } from "../../../../src/cli/output/message-line.ts";
import { MessageLines } from "../../../../src/cli/output/message-lines.ts";
import { plainTopic } from "../../../../src/cli/process/plain-topic.ts";
import { connect } from "../../../../src/index.ts";
import { bytesToText } from "../../../../src/text-bytes.ts";
import { gather } from "../gather.ts";

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(text)),
);
const keys = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 20 }).map(bytesToText), fc.string({ minLength: 1, unit: "grapheme" }));
const anyMessage = fc.record({
  key: fc.option(keys),
  value: fc.option(anyBytes),
  headers: fc.dictionary(fc.string({ minLength: 1 }), anyBytes.map(bytesToText), { maxKeys: 3 }),
});

test("a line makes the same bytes again: any key, value, tombstone and header", async () => {
  await using source = await connect("memory:?create=lines");
  await using copy = await connect("memory:?create=lines");
  await fc.assert(
    fc.asyncProperty(fc.array(anyMessage, { minLength: 1, maxLength: 8 }), async (messages) => {
      const bookmark = await plainTopic(source, "lines").reader({ from: "latest" }).bookmark();
      const copyMark = await plainTopic(copy, "lines").reader({ from: "latest" }).bookmark();
      await using producer = plainTopic(source, "lines").producer();
      for (const message of messages) await producer.send({ ...message, toPartition: "0" });
      const stored = await gather(plainTopic(source, "lines").reader({ from: { bookmark }, until: "now" }));
      const readLine = messageLines(undefined, ["partition", "timestamp"]);
      await using copier = plainTopic(copy, "lines").producer();
      // As a program in between would have them: bytes of UTF-8.
      for (const message of stored) await copier.send(readLine(Buffer.from(messageLine(message), "utf8"))!);
      const copied = await gather(plainTopic(copy, "lines").reader({ from: { bookmark: copyMark }, until: "now" }));
      expect(copied.map(({ raw }) => raw.key)).toEqual(stored.map(({ raw }) => raw.key));
      expect(copied.map(({ raw }) => raw.value)).toEqual(stored.map(({ raw }) => raw.value));
      expect(copied.map(({ raw }) => new Map(raw.headers))).toEqual(stored.map(({ raw }) => new Map(raw.headers)));
      expect(copied.map(({ timestamp, partition }) => [timestamp, partition])).toEqual(
        stored.map(({ timestamp, partition }) => [timestamp, partition]),
      );
      expect(stored).toHaveLength(messages.length);
    }),
    { numRuns: 60 },
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
    key: fc.option(
      fc.oneof(
        keys,
        escaped.filter((key) => key !== ""),
      ),
    ),
    value: fc.option(value),
    producedAt,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(message, anyMessage), { minLength: 1, maxLength: 8 }), async (messages) => {
      const bookmark = await plainTopic(connection, "lines").reader({ from: "latest" }).bookmark();
      await using producer = plainTopic(connection, "lines").producer();
      for (const each of messages) await producer.send(each);
      const stored = await gather(plainTopic(connection, "lines").reader({ from: { bookmark }, until: "now" }));
      expect(Buffer.from(lines.of(stored)).toString("utf8")).toBe(stored.map(messageLine).join(""));
    }),
    { numRuns: 100 },
  );
});

test("lines of any length are whole, whatever was printed before", async () => {
  await using connection = await connect("memory:?create=lines,other");
  const lines = new MessageLines();
  for (const name of ["lines", "other", "lines"]) {
    const topic = plainTopic(connection, name);
    for (const length of [0, 1_000, 100_000, 1_000_000]) await topic.producer().send({ key: "k", value: Buffer.alloc(length, '"') });
    const stored = await gather(topic.reader({ until: "now" }));
    expect(Buffer.from(lines.of(stored)).toString("utf8")).toBe(stored.map(messageLine).join(""));
  }
});

test("the names of the line are those that other programs read, in one line", async () => {
  await using connection = await connect("memory:?create=lines");
  const topic = plainTopic(connection, "lines");
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
  for (const line of lines) expect(line.indexOf("\n")).toBe(line.length - 1);
});
