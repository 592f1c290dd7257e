import type { Codec } from "../../../codec/codec.ts";
import type { Failure } from "../../../consume/consumer-types.ts";
import { expectBytes, expectEqual, expectSequence } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../../history/sequenced.ts";
import { Member } from "../../member.ts";
import { plainText } from "../../plain-codecs.ts";
import { QUICK_RETRY } from "../../support/consumer-settings.ts";
import { storedBytes } from "../../support/stored-bytes.ts";
import { publish } from "../../support/stream-steps.ts";

const TWO_ATTEMPTS = { ...QUICK_RETRY, maxAttempts: 2 };

/** Refuses to decode a text that begins with "corrupt". */
const pickyCodec: Codec<string> = {
  encode: (value) => Buffer.from(value),
  decode: (stored) => {
    const text = Buffer.from(stored).toString("utf8");
    if (text.startsWith("corrupt")) throw new Error("cannot be decoded");
    return text;
  },
};

const corrupt = defineCase({
  name: "failing/corrupt/message",
  promise: 6,
  mutant: "hides-what-cannot-be-decoded",
  run: async (context) => {
    const [topic, deadLetters] = [await context.topic(), await context.topic()];
    const stream = context.connection.topic(topic.name, { codec: pickyCodec });
    const producer = stream.producer();
    for (const value of ["before", "corrupt bytes", "after"]) await context.within(producer.send({ key: "one", value }), "a send");
    const handled: string[] = [];
    const options = {
      group: await context.group(topic),
      initialPosition: topic.start,
      retry: TWO_ATTEMPTS,
      onFailure: { deadLetter: deadLetters.name },
    };
    context.watch(
      Member.start(context.deadline, stream, options, (message) => {
        handled.push(message.value);
        context.deadline.notify();
      }),
    );
    await context.until(() => handled.length >= 2 && handled.includes("after"), "the key to go on behind a corrupt message");
    expectSequence(handled, ["before", "after"], "a message that cannot be decoded reaches no handler");
    const [letter] = await storedBytes(context, deadLetters);
    expectEqual(letter?.headers["streamport-failure-code"], "corrupt", "a message that cannot be decoded fails as corrupt");
    expectBytes(letter?.raw.value ?? null, Buffer.from("corrupt bytes"), "its bytes are kept");
  },
});

const unexpectedTombstone = defineCase({
  name: "failing/corrupt/unexpected-tombstone",
  promise: 6,
  mutant: "null-value-as-empty",
  gates: {
    tombstones: async (context) => {
      const { capabilities } = context;
      const topic = await context.topic();
      const narrowed = await context.connection.topic(topic.name, { codec: plainText }).capabilities();
      expectEqual(narrowed.tombstones, capabilities.tombstones, "a topic has no capability that its connection lacks");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const allowing = context.connection.topic<string, string, true>(topic.name, { codec: plainText, tombstones: true });
    const producer = allowing.producer();
    for (const value of ["before", null, "after"]) await context.within(producer.send({ key: "one", value }), "a send");
    const handled: string[] = [];
    const codes: string[] = [];
    const options = {
      group: await context.group(topic),
      initialPosition: topic.start,
      retry: TWO_ATTEMPTS,
      onFailure: (failure: Failure) => {
        codes.push(failure.error.code);
        return "skip" as const;
      },
    };
    const strict = context.connection.topic(topic.name, { codec: plainText });
    context.watch(
      Member.start(context.deadline, strict, options, (message) => {
        handled.push(message.value);
        context.deadline.notify();
      }),
    );
    await context.until(() => handled.includes("after"), "the key to go on behind a tombstone");
    expectSequence(handled, ["before", "after"], "a tombstone reaches no handler of a topic without tombstones");
    expectSequence(codes, ["corrupt"], "the tombstone is a failing message");
  },
});

const corruptInABatch = defineCase({
  name: "failing/corrupt/in-a-batch",
  promise: 6,
  mutant: "hides-what-cannot-be-decoded",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(8), 5);
    const isCorrupt = ({ key, sequence }: Pick<Sequenced, "key" | "sequence">): boolean => key === "key-0" && sequence === 2;
    const codec: Codec<Sequenced> = {
      encode: (value, target) => sequencedCodec.encode(value, target),
      decode: async (stored, message) => {
        const value = await sequencedCodec.decode(stored, message);
        if (isCorrupt(value)) throw new Error("cannot be decoded");
        return value;
      },
    };
    const ofItsKey: string[] = [];
    const onFailure = ({ error }: Failure) => {
      ofItsKey.push(error.code);
      return "skip" as const;
    };
    const options = { group, initialPosition: topic.start, batch: { maxMessages: 100 }, onFailure };
    const member = context.watch(
      Member.startBatches(context.deadline, context.connection.topic(topic.name, { codec }), options, (messages) => {
        for (const message of messages) {
          if (message.key === "key-0") ofItsKey.push(`#${message.value.sequence}`);
          history.receive(message);
        }
      }),
    );
    const rest = history.sent.filter((value) => !isCorrupt(value));
    await context.until(() => history.distinct >= rest.length, "every message that can be decoded to be handled");
    await member.close();
    expectSequence(
      ofItsKey,
      ["#0", "#1", "corrupt", "#3", "#4"],
      "messages behind one that cannot be decoded wait until it is settled, also in a batch",
    );
    checkExactlyOnceInOrder(rest, history.received, topic.name);
  },
});

export const failingCorruptCases = [corrupt, unexpectedTombstone, corruptInABatch];
