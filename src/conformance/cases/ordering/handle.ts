import { setImmediate as nextTurn } from "node:timers/promises";
import { expectEqual, expectTrue } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { Member, recordInto } from "../../member.ts";
import { knowsLosses } from "../../support/known-losses.ts";
import { Overlaps } from "../../support/overlaps.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

function turns(count: number): () => Promise<void> {
  return async () => {
    for (let turn = 0; turn < count; turn += 1) await nextTurn();
  };
}

const storedOrder = defineCase({
  name: "ordering/handle/stored-order",
  promise: 5,
  mutant: "delivers-backwards",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(10), 15);
    context.member(topic, { group: await context.group(topic), concurrency: 8 }, recordInto(history));
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const noOverlap = defineCase({
  name: "ordering/handle/no-overlap",
  promise: 5,
  mutant: "forgets-the-order-option",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const overlaps = new Overlaps();
    await publish(context, history, topic, keyNames(5), 12);
    context.member(topic, { group: await context.group(topic), concurrency: 16 }, async (message) => {
      const { key, sequence } = message.value;
      await overlaps.during(key, "no two handlers of a key at once", turns((sequence % 3) + 1));
      history.receive(message);
    });
    await untilComplete(context, history);
    overlaps.check();
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const keysAtOnce = defineCase({
  name: "ordering/handle/keys-at-once",
  promise: 5,
  mutant: "handles-one-at-a-time",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const keys = keyNames(6);
    await publish(context, history, topic, keys, 2);
    const running = new Set<string>();
    const all = context.latch();
    context.member(topic, { group: await context.group(topic), concurrency: keys.length }, async (message) => {
      running.add(message.value.key);
      if (running.size === keys.length) all.open();
      history.receive(message);
      await all.opened;
    });
    await context.until(
      () => all.isOpen,
      () => `handlers of ${keys.length} keys to run at once; ${running.size} did`,
    );
    await untilComplete(context, history);
    checkOrder(history.received);
  },
});

const atMost = defineCase({
  name: "ordering/handle/at-most-concurrency",
  promise: 5,
  mutant: "forgets-the-concurrency",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const overlaps = new Overlaps();
    await publish(context, history, topic, keyNames(24), 4);
    context.member(topic, { group: await context.group(topic), concurrency: 3 }, async (message) => {
      await overlaps.during(message.value.key, "no two handlers of a key at once", turns(2));
      history.receive(message);
    });
    await untilComplete(context, history);
    overlaps.check();
    expectEqual(overlaps.highest, 3, "handlers that ran at once, of 24 keys with a concurrency of 3");
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const slowKey = defineCase({
  name: "ordering/handle/slow-key",
  promise: 3,
  mutant: "orders-by-partition",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const keys = keyNames(16);
    await publish(context, history, topic, keys, 6);
    const slow = context.latch();
    context.member(topic, { group: await context.group(topic), concurrency: 4 }, async (message) => {
      if (message.value.key === keys[0]) await slow.opened;
      history.receive(message);
    });
    const others = history.sent.filter(({ key }) => key !== keys[0]).length;
    await context.until(
      () => history.distinct === others,
      () => `the messages of all other keys to be handled while one key is slow: ${history.distinct} of ${others} were`,
    );
    expectEqual(history.receivedOf(keys[0]!).length, 0, "the slow key has not finished");
    slow.open();
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const byPartition = defineCase({
  name: "ordering/handle/by-partition",
  promise: 5,
  mutant: "forgets-the-order-option",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const overlaps = new Overlaps();
    await publish(context, history, topic, keyNames(12), 6);
    context.member(topic, { group: await context.group(topic), concurrency: 16, order: "partition" }, async (message) => {
      await overlaps.during(message.partition, "order by partition: one at a time", turns((message.value.sequence % 2) + 1));
      history.receive(message);
    });
    await untilComplete(context, history);
    overlaps.check();
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const noOrder = defineCase({
  name: "ordering/handle/no-order",
  promise: 5,
  mutant: "orders-by-key-always",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, ["one"], 4);
    const together = context.latch();
    let running = 0;
    context.member(topic, { group: await context.group(topic), concurrency: 4, order: "none" }, async (message) => {
      running += 1;
      if (running === 2) together.open();
      await together.opened;
      history.receive(message);
    });
    await context.until(() => together.isOpen, "two messages of one key to be handled at once without an order");
    await untilComplete(context, history);
  },
});

const batches = defineCase({
  name: "ordering/handle/batches",
  promise: 5,
  mutant: "forgets-the-order-option",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const overlaps = new Overlaps();
    await publish(context, history, topic, keyNames(5), 30);
    const stream = sequencedTopic(context.connection, topic);
    const options = { group: await context.group(topic), initialPosition: topic.start, concurrency: 4, batch: { maxMessages: 7 } };
    let problem: string | null = null;
    context.watch(
      Member.startBatches(context.deadline, stream, options, async (messages) => {
        if (messages.length === 0 || messages.length > 7) problem = `a batch has 1 to maxMessages messages, not ${messages.length}`;
        if (new Set(messages.map(({ partition }) => partition)).size > 1) problem = "a batch is of one partition";
        const keys = new Set(messages.map(({ value }) => value.key));
        await Promise.all([...keys].map(async (key) => overlaps.during(key, "no key in two running batches", turns(2))));
        for (const message of messages) history.receive(message);
      }),
    );
    await untilComplete(context, history);
    expectTrue(problem === null, String(problem));
    overlaps.check();
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const noOverlapOverOwnerships = defineCase({
  name: "ordering/handle/no-overlap-over-ownerships",
  promise: 5,
  mutant: "does-not-wait-for-late-handlers",
  faults: ["steal-partition"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const overlaps = new Overlaps();
    const [late, lost] = [context.latch(), context.latch()];
    // Enough that each partition has some: whichever one is taken, a handler loses it.
    const held = keyNames(16);
    const others = keyNames(32).slice(held.length);
    let running = 0;
    context.member(topic, { group: await context.group(topic), concurrency: 32, commit: { everyMs: 5 } }, async (message, { signal }) => {
      const { key } = message.value;
      await overlaps.during(key, "no two handlers of a key at once, over the loss and return of its partition", async () => {
        if (lost.isOpen || !held.includes(key)) return turns(2)();
        running += 1;
        signal.addEventListener("abort", () => lost.open());
        await late.opened;
      });
      if (!signal.aborted) history.receive(message);
    });
    await publish(context, history, topic, held, 2);
    await context.until(() => running === held.length, "handlers of every key to run");
    await context.inject({ kind: "steal-partition", topic: topic.name });
    // The next call of the member reports the loss.
    await publish(context, history, topic, others, 1);
    if (knowsLosses(context)) {
      await context.until(() => lost.isOpen, "the signal of a running handler to abort when its partition is taken");
    }
    // These messages are delivered after those of the keys whose handlers still run.
    await publish(context, history, topic, others, 1);
    await context.until(
      () => others.every((key) => history.hasReceived({ key, sequence: 1 })),
      "the other keys to go on while handlers of a lost partition still run",
    );
    late.open();
    await untilComplete(context, history);
    overlaps.check();
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const orderingHandleCases = [
  storedOrder,
  noOverlap,
  noOverlapOverOwnerships,
  keysAtOnce,
  atMost,
  slowKey,
  byPartition,
  noOrder,
  batches,
];
