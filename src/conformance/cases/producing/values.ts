import type { Codec } from "../../../codec/codec.ts";
import type { Message } from "../../../message.ts";
import { expectBytes, expectEqual, expectSequence, expectTrue, expectUnsupported } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { plainBytes, plainText } from "../../plain-codecs.ts";
import { readAll, readStored } from "../../support/stream-steps.ts";

const oneByOne = defineCase({
  name: "producing/values/one-by-one",
  promise: 1,
  mutant: "drops-a-record",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    for (let round = 0; round < 5; round += 1) {
      for (const key of keyNames(5)) await context.within(producer.send({ value: history.next(topic.name, key) }), "a send to resolve");
    }
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

/** Sends these values under one key and reads back what is stored. */
async function storedValues(context: CaseContext, values: readonly Uint8Array[]): Promise<readonly (Uint8Array | null)[]> {
  const topic = await context.topic();
  const stream = context.connection.topic(topic.name, { codec: plainBytes });
  const sends = values.map((value) => stream.producer().send({ key: "one", value }));
  await context.within(Promise.all(sends), "the sends to resolve");
  const messages = await readAll(context, stream, { from: topic.start, until: "now" });
  expectEqual(messages.length, values.length, "as many messages are stored as were sent");
  return messages.map((message) => message.raw.value);
}

const arbitraryBytes = defineCase({
  name: "producing/values/arbitrary-bytes",
  promise: 1,
  mutant: "values-through-text",
  run: async (context) => {
    const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
    const [stored] = await storedValues(context, [everyByte]);
    expectBytes(stored ?? null, everyByte, "a value with every possible byte is read back unchanged");
    const notUtf8 = Uint8Array.of(0xc3, 0x28, 0xff, 0x00, 0xfe);
    expectBytes((await storedValues(context, [notUtf8]))[0] ?? null, notUtf8, "a value that is not text is read back unchanged");
  },
});

const jsonUnchanged = defineCase({
  name: "producing/values/json-unchanged",
  promise: 1,
  mutant: "reformats-json",
  run: async (context) => {
    const json = Buffer.from('{ "b": 1.0, "a": [ 1e2, "\\u00e9" ],\n"a2":0.10 }');
    expectBytes((await storedValues(context, [json]))[0] ?? null, json, "JSON is stored as it was encoded");
  },
});

const emptyValue = defineCase({
  name: "producing/values/empty-value",
  promise: 1,
  mutant: "empty-value-as-null",
  run: async (context) => {
    expectBytes((await storedValues(context, [new Uint8Array(0)]))[0] ?? null, new Uint8Array(0), "an empty value is not a tombstone");
  },
});

const tombstone = defineCase({
  name: "producing/values/tombstone",
  promise: 1,
  mutant: "null-value-as-empty",
  gates: {
    tombstones: async (context) => {
      const topic = await context.topic();
      // Refused when the topic is opened, or at the send.
      await expectUnsupported(async () => {
        const stream = context.connection.topic<string, string, true>(topic.name, { codec: plainText, tombstones: true });
        await stream.producer().send({ key: "gone", value: null });
      }, "tombstones");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic<string, string, true>(topic.name, { codec: plainText, tombstones: true });
    const producer = stream.producer();
    for (const value of ["here", null, ""]) await context.within(producer.send({ key: "one", value }), "a send to resolve");
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectSequence(
      messages.map((message) => message.value),
      ["here", null, ""],
      "values and tombstones are read back as they were sent",
    );
    expectTrue(messages[1]?.raw.value === null, "a tombstone has no stored bytes");
  },
});

const ODD_HEADERS: Readonly<Record<string, string>> = {
  plain: "value",
  "with space": " leading and trailing ",
  ünïcode: "naïve ☂ 🛫",
  "a=b;c,d": "=;,\"'\\",
  Case: "upper",
  case: "lower",
  empty: "",
  lines: "one\r\ntwo\ttab",
};

const headers = defineCase({
  name: "producing/values/headers",
  promise: 1,
  mutant: "loses-headers",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    await context.within(producer.send({ key: "one", value: "with", headers: ODD_HEADERS }), "a send to resolve");
    await context.within(producer.send({ key: "one", value: "without" }), "a send to resolve");
    const [first, second] = await readAll(context, stream, { from: topic.start, until: "now" });
    for (const [name, value] of Object.entries(ODD_HEADERS))
      expectEqual(first?.headers[name], value, `the header ${JSON.stringify(name)} is read back`);
    expectEqual(Object.keys(first?.headers ?? {}).length, Object.keys(ODD_HEADERS).length, "no header is added");
    expectEqual(Object.keys(second?.headers ?? {}).length, 0, "a message without headers has none");
  },
});

const SEEN_BY_OTHERS = "conformance-header";

/** Does the object of the SDK have this name, as a property or as a text? Bytes are not searched: an envelope lies in bytes. */
function names(native: unknown, name: string, depth = 4): boolean {
  if (native === name) return true;
  if (typeof native !== "object" || native === null || ArrayBuffer.isView(native) || depth === 0) return false;
  if (native instanceof Map) return names([...native], name, depth);
  return Object.entries(native).some(([property, value]) => property === name || names(value, name, depth - 1));
}

/** A message with a header, as it is read back. */
async function withHeader(context: CaseContext): Promise<Message<string>> {
  const topic = await context.topic();
  const stream = context.connection.topic(topic.name, { codec: plainText });
  const message = { key: "one", value: "with", headers: { [SEEN_BY_OTHERS]: "seen" } };
  await context.within(stream.producer().send(message), "a send to resolve");
  const [stored] = await readAll(context, stream, { from: topic.start, until: "now" });
  expectEqual(stored?.headers[SEEN_BY_OTHERS], "seen", "the header is read back");
  expectBytes(stored?.raw.value ?? null, Buffer.from("with"), "the value is read back as it was sent, without the header");
  return stored!;
}

const nativeHeaders = defineCase({
  name: "producing/values/native-headers",
  promise: 11,
  mutant: "headers-in-an-envelope",
  gates: {
    nativeHeaders: async (context) => {
      const { native } = await withHeader(context);
      expectTrue(!names(native, SEEN_BY_OTHERS), "other clients do not see the header: it travels in an envelope");
    },
  },
  run: async (context) => {
    const { native } = await withHeader(context);
    expectTrue(names(native, SEEN_BY_OTHERS), "other clients see the header: the object of the SDK has it");
  },
});

const BINARY_HEADER = { second: "\udcff\udc80 text", first: "1" };

const exactHeaders = defineCase({
  name: "producing/values/exact-headers",
  promise: 1,
  mutant: "header-values-through-text",
  gates: {
    exactHeaders: async (context) => {
      const topic = await context.topic();
      const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
      await expectUnsupported(async () => producer.send({ key: "one", value: "x", headers: BINARY_HEADER }), "exactHeaders");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    await context.within(stream.producer().send({ key: "one", value: "x", headers: BINARY_HEADER }), "a send to resolve");
    const [message] = await readAll(context, stream, { from: topic.start, until: "now" });
    expectSequence(message?.raw.headers.map(([name]) => name) ?? [], Object.keys(BINARY_HEADER), "headers keep their order");
    expectBytes(
      message?.raw.headers[0]?.[1] ?? null,
      Buffer.from("ff802074657874", "hex"),
      "a header value that is not text is read back unchanged",
    );
    expectEqual(message?.headers["second"], BINARY_HEADER.second, "bytes that are not text show as lone surrogates");
  },
});

function reversed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).toReversed();
}

/** Names the encoding in a header, and decodes by that header. */
const markedCodec: Codec<string> = {
  encode: (value, target) => {
    target.headers["encoding"] = "reversed";
    return reversed(Buffer.from(value));
  },
  decode: (stored, message) => {
    const isMarked = message.headers["encoding"] === "reversed";
    return isMarked ? Buffer.from(reversed(stored)).toString() : `not marked: ${Buffer.from(stored).toString()}`;
  },
};

const codecHeaders = defineCase({
  name: "producing/values/codec-headers",
  promise: 1,
  mutant: "loses-headers",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: markedCodec });
    await context.within(stream.producer().send({ key: "one", value: "abc", headers: { own: "1" } }), "a send to resolve");
    const [message] = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(message?.value, "abc", "a codec finds at decoding the header it added at encoding");
    expectEqual(message?.headers["own"], "1", "the headers of the application are kept with those of the codec");
  },
});

export const producingValuesCases = [
  oneByOne,
  arbitraryBytes,
  jsonUnchanged,
  emptyValue,
  tombstone,
  headers,
  nativeHeaders,
  exactHeaders,
  codecHeaders,
];
