import { isStreamError } from "../../../errors.ts";
import type { Producer } from "../../../publish/producer-types.ts";
import { expectBytes, expectEqual, expectSequence, expectTrue, expectUnsupported, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { defineCase } from "../../define-case.ts";
import { plainText } from "../../plain-codecs.ts";
import { readAll } from "../../support/stream-steps.ts";

// Unusual messages of other programs must pass through an application unchanged.

/** Names that every JavaScript object has, or that have a special meaning there. */
const INHERITED_NAMES = ["constructor", "toString", "__proto__"] as const;

const headerNames = defineCase({
  name: "producing/copies/header-names",
  promise: 1,
  mutant: "headers-with-a-prototype",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    const headers = Object.fromEntries(INHERITED_NAMES.map((name) => [name, `of ${name}`]));
    await context.within(producer.send({ key: "one", value: "with", headers }), "a send to resolve");
    await context.within(producer.send({ key: "one", value: "without" }), "a send to resolve");
    const [first, second] = await readAll(context, stream, { from: topic.start, until: "now" });
    for (const name of INHERITED_NAMES) {
      expectEqual(first?.headers[name], `of ${name}`, `the header ${name} is read back`);
      expectTrue(second?.headers[name] === undefined, `a message without the header ${name} has none`);
    }
    await context.within(producer.send({ ...first! }), "a received message to be sent on");
    const [, , copy] = await readAll(context, stream, { from: topic.start, until: "now" });
    for (const name of INHERITED_NAMES) expectEqual(copy?.headers[name], `of ${name}`, `the header ${name} is sent on`);
  },
});

const emptyKey = defineCase({
  name: "producing/copies/empty-key",
  promise: 1,
  mutant: "empty-key-as-none",
  gates: {
    binaryKeys: async (context) => {
      const topic = await context.topic();
      const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
      await expectUnsupported(async () => producer.send({ key: "", value: "x" }), "binaryKeys");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    const values = ["0", "1", "2", "3"];
    await context.within(Promise.all(values.map(async (value) => producer.send({ key: "", value }))), "the sends to resolve");
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectSequence(
      messages.map(({ value }) => value),
      values,
      "messages with an empty key keep the order of a key",
    );
    for (const { key, raw } of messages) {
      expectEqual(key, "", "an empty key is a key, not a missing key");
      expectBytes(raw.key, new Uint8Array(0), "an empty key is stored as such");
    }
    await context.within(producer.send({ ...messages[0]! }), "a received message to be sent on");
    producer.releaseKey("");
  },
});

const emptyHeaderName = defineCase({
  name: "producing/copies/empty-header-name",
  promise: 1,
  mutant: "drops-unnamed-headers",
  gates: {
    exactHeaders: async (context) => {
      const topic = await context.topic();
      const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
      for (const name of ["", "\udcff"]) {
        await expectUnsupported(async () => producer.send({ key: "one", value: "x", headers: { [name]: "value" } }), "exactHeaders");
      }
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const headers = { before: "1", "": "of no name", "\udcff\udc80": "of a name that is no text", behind: "2" };
    const producer = stream.producer();
    await context.within(producer.send({ key: "one", value: "x", headers }), "a send to resolve");
    const [message] = await readAll(context, stream, { from: topic.start, until: "now" });
    await context.within(producer.send({ ...message! }), "a received message to be sent on");
    for (const { headers: stored } of await readAll(context, stream, { from: topic.start, until: "now" })) {
      expectSequence(Object.entries(stored).flat(), Object.entries(headers).flat(), "headers are read back, whatever their names are");
    }
  },
});

/** Other clients store this if they have no time. A provider might not keep a real time that is as old. */
const NO_TIME = -1n;

/** Nanoseconds instead of milliseconds, as some clients store them. */
const NANOSECONDS = 1_700_000_000_123_456_789n;

/** A provider may refuse a late time, with an error and without storing the message. */
async function storesLateTime(context: CaseContext, producer: Producer<string>): Promise<boolean> {
  try {
    await context.within(producer.send({ key: "one", value: "late", producedAt: NANOSECONDS }), "a send of a late time to settle");
    return true;
  } catch (error) {
    expectTrue(isStreamError(error, "invalid-argument"), `a time that the provider refuses is invalid-argument, not ${showError(error)}`);
    return false;
  }
}

const exactTimes = defineCase({
  name: "producing/copies/exact-times",
  promise: 1,
  mutant: "odd-times-are-none",
  gates: {
    producerTimestamps: async (context) => {
      const topic = await context.topic();
      const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
      await expectUnsupported(async () => producer.send({ key: "one", value: "x", producedAt: NANOSECONDS }), "producerTimestamps");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    await context.within(producer.send({ key: "one", value: "none", producedAt: NO_TIME }), "a send to resolve");
    // A lent topic must not hold times in the future.
    const isOwn = topic.start === "earliest";
    const times = isOwn && (await storesLateTime(context, producer)) ? [NO_TIME, NANOSECONDS] : [NO_TIME];
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectSequence(
      messages.map(({ raw }) => raw.timestamp),
      times,
      "times are read back with all their digits",
    );
    for (const { timestamp } of messages) {
      expectTrue(Number.isFinite(timestamp.getTime()), "the timestamp of a message is a valid date");
      if (!isOwn || !context.capabilities.startAtTimestamp) continue;
      const found = await readAll(context, stream, { from: { timestamp }, until: "now" });
      expectTrue(found[0] !== undefined && found[0].timestamp >= timestamp, "reading can begin at the timestamp of a message");
    }
  },
});

export const producingCopiesCases = [headerNames, emptyKey, emptyHeaderName, exactTimes];
