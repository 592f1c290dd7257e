import { setImmediate as nextTurn } from "node:timers/promises";
import { type StreamErrorCode, isStreamError } from "../../../errors.ts";
import { expectEqual, expectRejection, expectTrue } from "../../assertions.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { plainText } from "../../plain-codecs.ts";
import { publish, readStored } from "../../support/stream-steps.ts";

const afterClose = defineCase({
  name: "close/connection/use-after-close",
  promise: 10,
  mutant: "close-does-nothing",
  run: async (context) => {
    const topic = await context.topic();
    const connection = await context.connect();
    const stream = connection.topic(topic.name, { codec: plainText });
    const [producer, other] = [stream.producer(), stream.producer()];
    await context.within(producer.send({ key: "one", value: "x" }), "a send");
    await producer.close();
    await expectRejection(async () => producer.send({ key: "one", value: "x" }), "closed", "a send on a closed producer");
    await context.within(producer.close(), "a second close of a producer");
    await context.within(connection.close(), "a connection to close");
    const calls: (() => Promise<unknown>)[] = [
      async () => other.send({ key: "one", value: "x" }),
      async () => other.sendBatch([{ key: "one", value: "x" }]),
      async () => stream.producer().send({ key: "one", value: "x" }),
      async () => stream.consumer({ group: "any" }).run(() => undefined),
      async () => stream.reader({ until: "now" })[Symbol.asyncIterator]().next(),
      async () => connection.admin.describeTopic(topic.name),
      async () => stream.capabilities(),
    ];
    for (const call of calls)
      await expectRejection(async () => context.within(call(), "a call after close to be refused"), "closed", "a call after close");
    await context.within(connection.close(), "a second close of a connection");
    await context.within(connection[Symbol.asyncDispose](), "disposal after close");
  },
});

const flushes = defineCase({
  name: "close/connection/stores-what-was-sent",
  promise: 10,
  mutant: "close-drops-what-is-queued",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const connection = await context.connect();
    const producer = sequencedTopic(connection, topic).producer({ lingerMs: 20 });
    const sends: Promise<unknown>[] = [];
    for (let round = 0; round < 8; round += 1) {
      for (const key of keyNames(8)) sends.push(producer.send({ value: history.next(topic.name, key) }));
    }
    const settled = Promise.allSettled(sends);
    await context.within(connection.close(), "a connection with messages in its queue to close");
    const failures = (await settled).filter(({ status }) => status === "rejected");
    expectEqual(failures.length, 0, "close stores what was sent before it; number of sends that rejected");
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const unsent = defineCase({
  name: "close/connection/unsent-messages-reject",
  promise: 10,
  mutant: "close-waits-for-ever",
  faults: ["stall"],
  run: async (context) => {
    const topic = await context.topic();
    const connection = await context.connect();
    const producer = connection.topic(topic.name, { codec: plainText }).producer();
    await context.within(producer.send({ key: "one", value: "first" }), "a first send");
    await context.inject({ kind: "stall", topic: topic.name, durationMs: 60_000, times: 3 });
    const codes: StreamErrorCode[] = [];
    const sends = ["a", "b", "c"].map(async (value) => {
      try {
        await producer.send({ key: "one", value });
      } catch (error) {
        if (!isStreamError(error)) throw error;
        codes.push(error.code);
      }
    });
    await nextTurn();
    sends.push(
      producer.send({ key: "one", value: "d" }).then(
        () => undefined,
        (error: unknown) => void (isStreamError(error) && codes.push(error.code)),
      ),
    );
    await context.within(connection.close({ timeoutMs: 50 }), "close to give up after its time-out");
    await context.within(Promise.all(sends), "every send to settle when close gives up");
    expectEqual(codes.length, 4, "number of unsent messages that reject");
    for (const code of codes) {
      if (code !== "closed" && code !== "outcome-unknown" && code !== "key-blocked")
        throw new PromiseViolation(`unsent messages reject as closed, not ${code}`);
    }
    expectTrue(codes.includes("closed") || codes.includes("outcome-unknown"), "the first rejection names the reason");
  },
});

const reopen = defineCase({
  name: "close/connection/reopen-over-a-backlog",
  promise: 4,
  mutant: "settles-what-it-hands-over",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(10), 12);
    for (let time = 1; history.distinct < history.sent.length; time += 1) {
      const enough = Math.min(history.sent.length, time * 25);
      const member = context.member(
        topic,
        { group, concurrency: 3 },
        async (message) => {
          await nextTurn();
          history.receive(message, `member-${time}`);
        },
        await context.connect(),
      );
      await context.until(
        () => history.distinct >= enough,
        () => `completeness: ${history.distinct} of ${history.sent.length} messages after ${time} members, ${enough} expected by now`,
      );
      await member.close();
    }
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const unchanged = defineCase({
  name: "close/connection/capabilities-unchanged",
  promise: 11,
  mutant: "capabilities-change",
  run: async (context) => {
    const topic = await context.topic();
    const connection = await context.connect();
    const before = JSON.stringify(connection.capabilities);
    await context.within(connection.topic(topic.name, { codec: plainText }).producer().send({ key: "one", value: "x" }), "a send");
    const narrowed = await context.within(connection.topic(topic.name, { codec: plainText }).capabilities(), "a topic's capabilities");
    expectEqual(JSON.stringify(connection.capabilities), before, "use does not change what is declared");
    for (const [name, value] of Object.entries(narrowed)) {
      const declared: unknown = connection.capabilities[name as keyof typeof narrowed];
      expectTrue(value !== true || declared === true, `a topic only narrows: ${name} is on for the topic and off for its connection`);
    }
    await context.within(connection.close(), "a connection to close");
    expectEqual(JSON.stringify(connection.capabilities), before, "close does not change what is declared");
  },
});

const failedStart = defineCase({
  name: "close/connection/after-a-failed-start",
  promise: 10,
  mutant: "close-hangs-after-a-failed-start",
  run: async (context) => {
    const connection = await context.connect();
    const stream = connection.topic(context.unusedName(), { codec: plainText });
    const consumer = stream.consumer({ group: "any" });
    await expectRejection(
      async () =>
        context.within(
          consumer.run(() => undefined),
          "run on a missing topic",
        ),
      ["not-found", "permission-denied"],
      "a consumer of a missing topic",
    );
    await context.within(consumer.close(), "a consumer that never ran to close");
    await context.within(connection.close(), "a connection to close after a failed start");
  },
});

export const closeConnectionCases = [afterClose, flushes, unsent, reopen, unchanged, failedStart];
