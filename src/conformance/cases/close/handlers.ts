import { setTimeout as later } from "node:timers/promises";
import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectTrue, showError } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { publish, readStored, untilComplete } from "../../support/stream-steps.ts";

const drains = defineCase({
  name: "close/handlers/drains-handlers",
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
    expectTrue(!after.received.some(({ sequence }) => sequence === 0), "messages that were handled during close are stored as progress");
    checkAtLeastOnceInOrder(after.sent, after.received, topic.name);
  },
});

const aborts = defineCase({
  name: "close/handlers/time-out-aborts-handlers",
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
    expectEqual(reasons.length, 2, "number of signals that aborted, of handlers that outlast close");
    for (const reason of reasons)
      expectTrue(isStreamError(reason, "closed"), `the reason of the abort is closed, not ${showError(reason)}`);
    context.member(topic, { group, concurrency: 2 }, recordInto(history, "second"), await context.connect());
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const fromHandler = defineCase({
  name: "close/handlers/from-its-own-handler",
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
    await context.within(closing, "the close in the handler to resolve");
    expectEqual(history.received.length, 3, "no handler starts after close");
  },
});

const handlersSend = defineCase({
  name: "close/handlers/handlers-may-send",
  promise: 10,
  mutant: "closes-producers-first",
  run: async (context) => {
    const source = await context.topic();
    const target = await context.topic();
    const connection = await context.connect();
    const producer = sequencedTopic(connection, target).producer();
    const release = context.latch();
    const out = context.history();
    const keys = keyNames(4);
    await publish(context, context.history(), source, keys, 1);
    const options = { group: await context.group(source), concurrency: keys.length, retry: { maxAttempts: 1 } };
    let running = 0;
    const member = context.member(
      source,
      options,
      async (message) => {
        running += 1;
        await release.opened;
        await producer.send({ value: out.next(target.name, message.value.key) });
      },
      connection,
    );
    await context.until(() => running === keys.length, "handlers of every key to run");
    const closing = connection.close();
    await context.until(() => member.consumer.status().state === "draining", "the member to drain");
    release.open();
    await context.within(closing, "a connection with running handlers to close");
    expectTrue(member.ended && member.unexpectedFailure === null, "handlers that send while their connection closes do not fail");
    await readStored(context, out, target);
    checkExactlyOnceInOrder(out.sent, out.received, target.name);
    expectTrue(out.received.length === keys.length, "messages that handlers send while their connection closes are stored");
  },
});

export const closeHandlersCases = [drains, aborts, fromHandler, handlersSend];
