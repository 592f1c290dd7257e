import type { Codec } from "../../codec/codec.ts";
import type { Failure } from "../../consume/consumer-types.ts";
import { isStreamError } from "../../errors.ts";
import type { Message } from "../../message.ts";
import { expectBytes, expectEqual, expectSequence, expectTrue, showError } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import type { CaseTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { keyNames } from "../history/sequenced.ts";
import { Member, recordInto } from "../member.ts";
import { plainBytes, plainText } from "../plain-codecs.ts";
import { publish, readAll } from "../stream-steps.ts";

const SOON = { initialDelayMs: 1, maxDelayMs: 4, maxAttempts: 2 };

async function storedIn(context: CaseContext, topic: CaseTopic): Promise<readonly Message<Uint8Array>[]> {
  const stream = context.connection.topic(topic.name, { codec: plainBytes });
  return readAll(context, stream, { from: topic.start, until: "now" });
}

const HEADERS = { trace: "abc", ünïcode: "☂" };

const sameBytes = defineCase({
  name: "failing/dead-letter/same-message",
  promise: 6,
  mutant: "loses-headers",
  run: async (context) => {
    const [topic, deadLetters] = [await context.topic(), await context.topic()];
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    for (const value of ["good", "bad \u0000 é", "after"])
      await context.within(producer.send({ key: "one", value, headers: HEADERS }), "a send");
    const group = await context.group(topic);
    const handled: string[] = [];
    context.watch(
      Member.start(
        context.deadline,
        stream,
        { group, initialPosition: topic.start, retry: SOON, onFailure: { deadLetter: deadLetters.name } },
        (message) => {
          if (message.value.startsWith("bad")) throw new Error("poison");
          handled.push(message.value);
          context.deadline.notify();
        },
      ),
    );
    await context.until(() => handled.length === 2, "the key to go on behind the dead letter");
    expectSequence(handled, ["good", "after"], "the key goes on behind the dead letter, in order");
    const [letter, ...more] = await storedIn(context, deadLetters);
    expectEqual(more.length, 0, "one failing message is one dead letter");
    const [, original] = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(letter?.key, "one", "a dead letter has the same key");
    expectBytes(letter?.raw.value ?? null, original?.raw.value ?? null, "a dead letter has the same bytes");
    for (const [name, value] of Object.entries(HEADERS)) expectEqual(letter?.headers[name], value, `a dead letter has the header ${name}`);
    const told = (what: string): string | undefined => letter?.headers[`streamport-failure-${what}`];
    expectEqual(told("code"), "handler-failed", "a dead letter tells the code");
    expectEqual(told("attempts"), "2", "a dead letter tells the attempts");
    expectEqual(told("topic"), topic.name, "a dead letter tells the topic");
    expectEqual(told("partition"), original?.partition, "a dead letter tells the partition");
    expectEqual(told("position"), original?.position, "a dead letter tells the position");
    expectEqual(told("group"), group, "a dead letter tells the group");
    expectTrue(told("message") !== undefined && told("time") !== undefined, "a dead letter tells the message of the error and the time");
  },
});

const releasesItsKey = defineCase({
  name: "failing/dead-letter/chosen-by-a-function",
  promise: 6,
  mutant: "stops-at-what-failed",
  run: async (context) => {
    const [topic, deadLetters] = [await context.topic(), await context.topic()];
    const history = context.history();
    await publish(context, history, topic, keyNames(6), 6);
    const failures: Failure[] = [];
    const options = {
      group: await context.group(topic),
      concurrency: 4,
      retry: SOON,
      onFailure: async (failure: Failure) => {
        const isEven = failures.push(failure) % 2 === 0;
        await Promise.resolve();
        return isEven ? ("skip" as const) : { deadLetter: deadLetters.name };
      },
    };
    const bad = history.sent.filter(({ sequence }) => sequence === 1 || sequence === 4).length;
    context.member(topic, options, (message) => {
      if (message.value.sequence === 1 || message.value.sequence === 4) throw new Error("poison");
      history.receive(message);
    });
    await context.until(
      () => history.distinct === history.sent.length - bad,
      () => `every key to go on behind its failing messages: ${history.distinct} of ${history.sent.length - bad} handled`,
    );
    expectEqual(failures.length, bad, "the function is asked once a failing message");
    for (const { error, attempts, message } of failures) {
      expectEqual(error.code, "handler-failed", "a failure tells the code");
      expectEqual(attempts, SOON.maxAttempts, "a failure tells the attempts");
      expectTrue(message.value instanceof Uint8Array, "a failure has the message undecoded");
    }
    expectEqual((await storedIn(context, deadLetters)).length, bad / 2, "what the function sends to the dead letters is there");
  },
});

const checkedAtStart = defineCase({
  name: "failing/dead-letter/target-checked-at-start",
  promise: 6,
  mutant: "dead-letter-target-checked-late",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(4), 2);
    const missing = await context.missingTopic();
    const group = await context.group(topic);
    const member = context.member(topic, { group, onFailure: { deadLetter: missing } }, recordInto(history)).expectFailure();
    const error = await member.failure("run to reject because there is no such dead-letter topic");
    expectTrue(isStreamError(error, "not-found"), `a missing dead-letter topic is not-found when run starts, not ${showError(error)}`);
    expectEqual(history.received.length, 0, "nothing is handled before the target is known to exist");
  },
});

const durableFirst = defineCase({
  name: "failing/dead-letter/stored-before-the-original-is-settled",
  promise: 6,
  mutant: "settles-what-failed",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(5), 4);
    const missing = context.unusedName();
    const isBad = (value: { key: string; sequence: number }): boolean => value.key === "key-1" && value.sequence === 2;
    const member = context
      .member(topic, { group, concurrency: 4, retry: SOON, onFailure: () => ({ deadLetter: missing }) }, (message) => {
        if (isBad(message.value)) throw new Error("poison");
        history.receive(message, "first");
      })
      .expectFailure();
    await member.failure("run to reject because the dead letter cannot be stored");
    const again = history.continued();
    context.member(topic, { group }, recordInto(again, "second"), await context.connect());
    await context.until(
      () => again.hasReceived({ key: "key-1", sequence: 2 }) && again.hasReceived({ key: "key-1", sequence: 3 }),
      () => `the message whose dead letter could not be stored to come again; of its key came #${again.receivedOf("key-1").join(", #")}`,
    );
  },
});

/** Refuses to decode what begins with this. */
const pickyCodec: Codec<string> = {
  encode: (value) => Buffer.from(value),
  decode: (stored) => {
    const text = Buffer.from(stored).toString("utf8");
    if (text.startsWith("corrupt")) throw new Error("cannot be decoded");
    return text;
  },
};

const corrupt = defineCase({
  name: "failing/corrupt-message",
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
      retry: SOON,
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
    const [letter] = await storedIn(context, deadLetters);
    expectEqual(letter?.headers["streamport-failure-code"], "corrupt", "what cannot be decoded fails as corrupt");
    expectBytes(letter?.raw.value ?? null, Buffer.from("corrupt bytes"), "its bytes are kept");
  },
});

const unexpectedTombstone = defineCase({
  name: "failing/unexpected-tombstone",
  promise: 6,
  mutant: "null-value-as-empty",
  gates: {
    tombstones: async (context) => {
      const { capabilities } = context;
      const topic = await context.topic();
      const narrowed = await context.connection.topic(topic.name, { codec: plainText }).capabilities();
      expectEqual(narrowed.tombstones, capabilities.tombstones, "a topic has no capability that its connection has not");
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
      retry: SOON,
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
    expectSequence(handled, ["before", "after"], "a tombstone reaches no handler of a topic that does not allow for it");
    expectSequence(codes, ["corrupt"], "it is a failing message");
  },
});

export const deadLetterCases = [sameBytes, releasesItsKey, checkedAtStart, durableFirst, corrupt, unexpectedTombstone];
