import type { Failure } from "../../../consume/consumer-types.ts";
import { isStreamError } from "../../../errors.ts";
import { expectBytes, expectEqual, expectSequence, expectTrue, showError } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";
import { keyNames } from "../../history/sequenced.ts";
import { Member, recordInto } from "../../member.ts";
import { plainText } from "../../plain-codecs.ts";
import { QUICK_RETRY } from "../../support/consumer-settings.ts";
import { storedBytes } from "../../support/stored-bytes.ts";
import { publish, readAll } from "../../support/stream-steps.ts";

const TWO_ATTEMPTS = { ...QUICK_RETRY, maxAttempts: 2 };

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
        { group, initialPosition: topic.start, retry: TWO_ATTEMPTS, onFailure: { deadLetter: deadLetters.name } },
        (message) => {
          if (message.value.startsWith("bad")) throw new Error("poison");
          handled.push(message.value);
          context.deadline.notify();
        },
      ),
    );
    await context.until(() => handled.length === 2, "the key to go on behind the dead letter");
    expectSequence(handled, ["good", "after"], "the key goes on behind the dead letter, in order");
    const [letter, ...more] = await storedBytes(context, deadLetters);
    expectEqual(more.length, 0, "one failing message is one dead letter");
    const [, original] = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(letter?.key, "one", "a dead letter has the same key");
    expectBytes(letter?.raw.value ?? null, original?.raw.value ?? null, "a dead letter has the same bytes");
    for (const [name, value] of Object.entries(HEADERS)) expectEqual(letter?.headers[name], value, `a dead letter has the header ${name}`);
    const failureHeader = (what: string): string | undefined => letter?.headers[`streamport-failure-${what}`];
    expectEqual(failureHeader("code"), "handler-failed", "a dead letter names the code");
    expectEqual(failureHeader("attempts"), "2", "a dead letter names the attempts");
    expectEqual(failureHeader("topic"), topic.name, "a dead letter names the topic");
    expectEqual(failureHeader("partition"), original?.partition, "a dead letter names the partition");
    expectEqual(failureHeader("position"), original?.position, "a dead letter names the position");
    expectEqual(failureHeader("group"), group, "a dead letter names the group");
    expectTrue(
      failureHeader("message") !== undefined && failureHeader("time") !== undefined,
      "a dead letter names the message of the error and the time",
    );
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
      retry: TWO_ATTEMPTS,
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
    expectEqual(failures.length, bad, "calls of the function: one for each failing message");
    for (const { error, attempts, message } of failures) {
      expectEqual(error.code, "handler-failed", "a failure names the code");
      expectEqual(attempts, TWO_ATTEMPTS.maxAttempts, "a failure names the attempts");
      expectTrue(message.value instanceof Uint8Array, "a failure has the message undecoded");
    }
    expectEqual((await storedBytes(context, deadLetters)).length, bad / 2, "number of dead letters, as the function chose");
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
    const error = await member.failure("run to reject because the dead-letter topic does not exist");
    expectTrue(isStreamError(error, "not-found"), `a missing dead-letter topic is not-found when run starts, not ${showError(error)}`);
    expectEqual(history.received.length, 0, "messages handled before the target is known to exist");
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
      .member(topic, { group, concurrency: 4, retry: TWO_ATTEMPTS, onFailure: () => ({ deadLetter: missing }) }, (message) => {
        if (isBad(message.value)) throw new Error("poison");
        history.receive(message, "first");
      })
      .expectFailure();
    await member.failure("run to reject because the dead letter cannot be stored");
    const second = history.continued();
    context.member(topic, { group }, recordInto(second, "second"), await context.connect());
    await context.until(
      () => second.hasReceived({ key: "key-1", sequence: 2 }) && second.hasReceived({ key: "key-1", sequence: 3 }),
      () =>
        `the message whose dead letter could not be stored to be redelivered; of its key, these were delivered: #${second.receivedOf("key-1").join(", #")}`,
    );
  },
});

/** Where the number of headers is not bounded. */
const MANY_HEADERS = 24;

const longErrorText = defineCase({
  name: "failing/dead-letter/long-error-text",
  promise: 6,
  mutant: "does-not-cut-failure-headers",
  run: async (context) => {
    const [topic, deadLetters] = [await context.topic(), await context.topic()];
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const { limits } = await context.connection.topic(deadLetters.name, { codec: plainText }).capabilities();
    const { headerCount = MANY_HEADERS + 8, headerValueBytes = Infinity } = limits;
    const headersOf = (count: number): Readonly<Record<string, string>> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`header-${index}`, String(index)]));
    // There is room for all failure headers, for two of them, and for none where the number is bounded.
    const counts = [0, headerCount - 2, limits.headerCount ?? 1];
    const producer = stream.producer();
    for (const [index, count] of counts.entries()) {
      await context.within(producer.send({ key: "one", value: `bad-${index}`, headers: headersOf(count) }), "a send");
    }
    await context.within(producer.send({ key: "one", value: "after" }), "a send");
    const handled: string[] = [];
    const options = { group: await context.group(topic), initialPosition: topic.start, retry: { ...QUICK_RETRY, maxAttempts: 1 } };
    context.watch(
      Member.start(context.deadline, stream, { ...options, onFailure: { deadLetter: deadLetters.name } }, (message) => {
        // Two bytes a character: more than any message may have.
        if (message.value.startsWith("bad")) throw new Error("ü".repeat(limits.messageBytes / 2 + 1));
        handled.push(message.value);
        context.deadline.notify();
      }),
    );
    await context.until(() => handled.length === 1, "the key to go on behind failures with a text larger than a message");
    const letters = await storedBytes(context, deadLetters);
    expectEqual(letters.length, counts.length, "number of dead letters");
    for (const [index, { headers, value }] of letters.entries()) {
      expectEqual(Buffer.from(value).toString(), `bad-${index}`, "dead letters in the order of the failures");
      for (const [name, text] of Object.entries(headersOf(counts[index]!))) expectEqual(headers[name], text, `a dead letter has ${name}`);
      const hasRoom = Object.keys(headers).length > counts[index]!;
      expectTrue(hasRoom || counts[index] === limits.headerCount, "failure headers are there as far as there is room");
      if (hasRoom) expectEqual(headers["streamport-failure-code"], "handler-failed", "the code is the last to be left out");
      const text = headers["streamport-failure-message"] ?? "";
      expectTrue(index > 0 || text.length > 0, "the text of the error is truncated, not left out");
      expectTrue(Buffer.byteLength(text) <= headerValueBytes, "the text of the error is within the limit of a value");
      expectTrue(!text.includes("\ufffd"), "no character is cut in two");
    }
  },
});

export const failingDeadLetterCases = [sameBytes, releasesItsKey, checkedAtStart, durableFirst, longErrorText];
