import { expectEqual, expectRejection, expectSequence, expectTrue } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";
import { plainBytes, plainText } from "../../plain-codecs.ts";
import { readAll } from "../../support/stream-steps.ts";

/** The bytes that a provider may add to a message when it counts its size. */
const LARGEST_OVERHEAD_BYTES = 1_024;

const messageBytes = defineCase({
  name: "limit/largest/message",
  promise: 11,
  mutant: "enforces-half-the-limit",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainBytes });
    const producer = stream.producer();
    const { limits } = await stream.capabilities();
    const description = await context.connection.admin.describeTopic(topic.name);
    expectEqual(limits.messageBytes, description.maxMessageBytes, "capabilities and description of a topic have the same limit");
    const largest = new Uint8Array(limits.messageBytes - LARGEST_OVERHEAD_BYTES).fill(7);
    await context.within(producer.send({ key: "one", value: largest }), "a message of nearly the declared size");
    const over = new Uint8Array(limits.messageBytes + 1);
    const refused = await expectRejection(
      async () => context.within(producer.send({ key: "one", value: over }), "a message over the declared size"),
      "too-large",
      "a message over the declared size",
    );
    expectTrue(/\d/.test(refused.message), "the error names the received size and the allowed one");
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(messages.map(({ value }) => value.length).join(), String(largest.length), "the sizes of what is stored");
  },
});

const keyBytes = defineCase({
  name: "limit/largest/key",
  promise: 11,
  mutant: "truncates-keys",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    const { limits } = await stream.capabilities();
    expectTrue(limits.keyBytes >= 128, "keys of 128 bytes are possible everywhere");
    // If a key may fill a whole message, the limit of the message applies first.
    const length = Math.min(limits.keyBytes, limits.messageBytes - LARGEST_OVERHEAD_BYTES);
    const key = "é".repeat(Math.floor(length / 2)) + "x".repeat(length % 2);
    await context.within(producer.send({ key, value: "fits" }), "a key of the declared size");
    await expectRejection(
      async () => context.within(producer.send({ key: "k".repeat(limits.keyBytes + 1), value: "x" }), "a key over the declared size"),
      ["too-large", "invalid-argument"],
      "a key over the declared size",
    );
    const [message, ...more] = await readAll(context, stream, { from: topic.start, until: "now" });
    expectTrue(message?.key === key, "a key of the declared size comes back whole");
    expectEqual(more.length, 0, "the key over the limit is not stored");
  },
});

const headerBytes = defineCase({
  name: "limit/largest/headers",
  promise: 11,
  mutant: "loses-headers",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    const { limits } = await stream.capabilities();
    const size = Math.min(limits.headerBytes, limits.messageBytes - LARGEST_OVERHEAD_BYTES);
    const value = "v".repeat(Math.min(900, size - 100));
    const names = Array.from({ length: Math.max(1, Math.min(20, Math.floor((size - 100) / 1_000))) }, (_, index) => `header-${index}`);
    const headers = Object.fromEntries(names.map((name) => [name, value]));
    await context.within(producer.send({ key: "one", value: "x", headers }), "headers below the declared size");
    const over = { large: "v".repeat(limits.headerBytes + 1) };
    await expectRejection(
      async () => context.within(producer.send({ key: "one", value: "x", headers: over }), "headers over the declared size"),
      "too-large",
      "headers over the declared size",
    );
    const [message, ...more] = await readAll(context, stream, { from: topic.start, until: "now" });
    for (const name of names) expectTrue(message?.headers[name] === value, `the header ${name} comes back whole`);
    expectEqual(more.length, 0, "the headers over the limit are not stored");
  },
});

const MESSAGES = 6;

const largeBatch = defineCase({
  name: "limit/largest/batch",
  promise: 11,
  mutant: "stores-the-first-of-a-call",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainBytes });
    const producer = stream.producer();
    const { messageBytes } = (await stream.capabilities()).limits;
    // Together more than one call may carry, but each well within the limit.
    const value = (index: number): Uint8Array => new Uint8Array(Math.floor(messageBytes / 2.5)).fill(index);
    const messages = Array.from({ length: MESSAGES }, (_, index) => ({ key: "one", value: value(index) }));
    await context.within(producer.sendBatch(messages), "a batch that takes several calls");
    const stored = await readAll(context, stream, { from: topic.start, until: "now" });
    expectSequence(
      stored.map((message) => message.value[0]),
      messages.map((_, index) => index),
      "a batch that takes several calls is stored completely and in order",
    );
  },
});

export const limitLargestCases = [messageBytes, keyBytes, headerBytes, largeBatch];
