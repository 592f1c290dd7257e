import { getEventListeners } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { HandlerContext } from "../../../consume/consumer-types.ts";
import { expectEqual, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { plainText } from "../../plain-codecs.ts";
import { SignalWatch } from "../../support/signal-watch.ts";
import { untilComplete } from "../../support/stream-steps.ts";

const CALLS = 50;

const ownSignal = defineCase({
  name: "close/signals/of-the-caller",
  promise: 10,
  mutant: "listens-for-ever",
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const connection = await context.connect();
    const stream = connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    const { signal } = new AbortController();
    const listeners = (of = signal): number => getEventListeners(of, "abort").length;
    const message = { key: "one", value: "x" };
    const calls: Readonly<Record<string, (options: { signal: AbortSignal }) => Promise<unknown>>> = {
      send: async (options) => producer.send(message, options),
      "a refused send": async (options) => producer.send({ key: "", value: "x" }, options),
      sendBatch: async (options) => producer.sendBatch([message, message], options),
      sendStream: async (options) => producer.sendStream([message, message], options),
      flush: async (options) => producer.flush(options),
      "topic.capabilities": async (options) => stream.capabilities(options),
      "connection.check": async (options) => connection.check(options),
      "admin.describeTopic": async (options) => connection.admin.describeTopic(topic.name, options),
      "admin.describeTopic of a missing topic": async (options) => connection.admin.describeTopic(context.unusedName(), options),
      "admin.describeGroup": async (options) => connection.admin.describeGroup(topic.name, group, options),
    };
    for (const [name, call] of Object.entries(calls)) {
      const made = Array.from({ length: CALLS }, async () => call({ signal }));
      await context.within(Promise.allSettled(made), `${CALLS} calls of ${name} with one signal to settle`);
      await context.until(
        () => listeners() === 0,
        () => `${CALLS} calls of ${name} to leave no listener on their signal; there are ${listeners()}`,
      );
    }
    // The signal of a handler, which the handler passes to its calls.
    let left: number | null = null;
    const options = { group, initialPosition: topic.start, concurrency: 1 };
    const handler = async (_: unknown, { signal: own }: HandlerContext): Promise<void> => {
      if (left !== null) return;
      await Promise.all(Array.from({ length: CALLS }, async () => producer.send(message, { signal: own })));
      await nextTurn();
      left = listeners(own);
      context.deadline.notify();
    };
    const consumer = stream.consumer(options);
    const running = context.later(consumer.run(handler));
    await context.until(() => left !== null, "a handler to send with its signal");
    expectEqual(left, 0, `listeners left on a handler's signal by ${CALLS} sends`);
    const lags = context.capabilities.lagInMessages || context.capabilities.lagInTime ? CALLS : 0;
    await context.within(Promise.all(Array.from({ length: lags }, async () => consumer.lag({ signal }))), "the calls of lag to resolve");
    expectEqual(listeners(), 0, "listeners left by calls of lag");
    await context.within(consumer.close(), "the consumer to close");
    await context.within(running, "run to resolve after close");
  },
});

const ROUNDS = 40;

const innerSignals = defineCase({
  name: "close/signals/within",
  promise: 10,
  mutant: "piles-up-listeners",
  // It counts the listeners of the whole process.
  exclusive: true,
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const watch = new SignalWatch();
    try {
      await oneByOne(context, topic, group);
      const { most } = watch;
      expectTrue(most < ROUNDS / 2, `after ${ROUNDS} messages, one at a time, one signal has ${most} listeners: they are never removed`);
    } finally {
      watch.stop();
    }
  },
});

/** All messages have one key and so one partition, so that the reader and the member wait anew in each round. */
async function oneByOne(context: CaseContext, topic: CaseTopic, group: string): Promise<void> {
  const history = context.history();
  const stream = sequencedTopic(context.connection, topic);
  const producer = stream.producer();
  context.member(topic, { group, commit: { everyMessages: 1 } }, async (message) => {
    await nextTurn();
    history.receive(message);
  });
  const iterator = stream.reader({ from: topic.start })[Symbol.asyncIterator]();
  for (let round = 1; round <= ROUNDS; round += 1) {
    await context.within(producer.send({ value: history.next(topic.name, "key") }), "a send");
    await context.within(Promise.resolve(iterator.next()), "a reader to follow");
    await untilComplete(context, history);
    if (round % 4 === 0) await context.within(context.connection.admin.describeTopic(topic.name), "a call of the administration");
  }
}

export const closeSignalsCases = [ownSignal, innerSignals];
