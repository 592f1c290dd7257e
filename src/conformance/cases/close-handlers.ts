import { setTimeout as later } from "node:timers/promises";
import { isStreamError } from "../../errors.ts";
import { expectEqual, expectTrue, showError } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkAtLeastOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { publish, untilComplete } from "../stream-steps.ts";

const drains = defineCase({
  name: "close/drains-handlers",
  promise: 10,
  mutant: "close-abandons-handlers",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(3), 1);
    const connection = await context.connect();
    const release = context.latch();
    let running = 0;
    context.member(
      topic,
      { group, concurrency: 3 },
      async (message) => {
        running += 1;
        await release.opened;
        await later(30);
        history.receive(message, "first");
      },
      connection,
    );
    await context.until(() => running === 3, "three handlers to run");
    const closing = connection.close();
    release.open();
    await context.within(closing, "a connection with running handlers to close");
    expectEqual(history.received.length, 3, "close waits for running handlers");
    const after = history.continued();
    await publish(context, after, topic, keyNames(3), 2);
    context.member(topic, { group }, recordInto(after, "second"), await context.connect());
    await untilComplete(context, after);
    expectTrue(!after.received.some(({ sequence }) => sequence === 0), "what handlers finished during close is stored as progress");
    checkAtLeastOnceInOrder(after.sent, after.received, topic.name);
  },
});

const aborts = defineCase({
  name: "close/time-out-aborts-handlers",
  promise: 10,
  mutant: "close-waits-for-ever",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(4), 1);
    const connection = await context.connect();
    const never = context.latch();
    const reasons: unknown[] = [];
    let running = 0;
    context.member(
      topic,
      { group, concurrency: 2 },
      async (_, { signal }) => {
        running += 1;
        signal.addEventListener("abort", () => reasons.push(signal.reason));
        await never.opened;
      },
      connection,
    );
    await context.until(() => running === 2, "two handlers to run");
    await context.within(connection.close({ timeoutMs: 50 }), "close to give up after its time-out");
    expectEqual(reasons.length, 2, "the signals of handlers that outlive close have aborted");
    for (const reason of reasons)
      expectTrue(isStreamError(reason, "closed"), `the reason of the abort is closed, not ${showError(reason)}`);
    context.member(topic, { group, concurrency: 2 }, recordInto(history, "second"), await context.connect());
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const fromHandler = defineCase({
  name: "close/from-its-own-handler",
  promise: 10,
  mutant: "close-does-nothing",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, ["one"], 5);
    const consumer = sequencedTopic(context.connection, topic).consumer({
      group: await context.group(topic),
      initialPosition: topic.start,
    });
    let closing: Promise<void> | null = null;
    const run = consumer.run((message) => {
      history.receive(message);
      if (message.value.sequence === 2) closing = consumer.close();
    });
    await context.within(run, "run to resolve after a handler closed its consumer");
    expectTrue(closing !== null, "the handler closed its consumer");
    await context.within(closing, "that close to resolve");
    expectEqual(history.received.length, 3, "no handler starts after close");
  },
});

export const closeHandlerCases = [drains, aborts, fromHandler];
