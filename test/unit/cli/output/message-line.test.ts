import * as fc from "fast-check";
import { expect, test } from "vitest";
import { messageLines } from "../../../../src/cli/input/outgoing-line.ts";
import { messageLine } from "../../../../src/cli/output/message-line.ts";
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
