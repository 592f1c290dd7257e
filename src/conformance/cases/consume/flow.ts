import { expectEqual, expectTrue } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { Member, recordInto } from "../../member.ts";
import { plainBytes } from "../../plain-codecs.ts";
import { RARE_COMMITS } from "../../support/consumer-settings.ts";
import { publish, readStored, sendInterleaved, untilComplete } from "../../support/stream-steps.ts";

const VALUE_BYTES = 16_384;

const MESSAGES = 640;

const BOUND_BYTES = 4 * VALUE_BYTES;

const boundedBytes = defineCase({
  name: "consume/flow/buffers-within-bounds",
  promise: 10,
  mutant: "buffers-without-bound",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainBytes });
    const producer = stream.producer();
    const keys = keyNames(16);
    const value = new Uint8Array(VALUE_BYTES).fill(7);
    const messages = Array.from({ length: MESSAGES }, (_, index) => ({ key: keys[index % keys.length]!, value }));
    await context.within(producer.sendBatch(messages), "the messages to be stored");
    const blocked = context.latch();
    const options = { initialPosition: topic.start, maxBufferedBytes: BOUND_BYTES };
    let handled = 0;
    const member = context.watch(
      Member.start(context.deadline, stream, { ...options, group: await context.group(topic) }, async () => {
        await blocked.opened;
        handled += 1;
        context.deadline.notify();
      }),
    );
    // Another group receives everything, so all of it was available to the blocked member too.
    let witnessed = 0;
    const witness = context.watch(
      Member.start(context.deadline, stream, { ...options, group: await context.group(topic) }, () => {
        witnessed += 1;
        context.deadline.notify();
      }),
    );
    await context.until(() => member.consumer.status().buffered > 0, "the blocked member to be given something");
    await context.until(
      () => witnessed >= MESSAGES,
      () => `another group to be given everything: ${witnessed} of ${MESSAGES}`,
    );
    const { buffered } = member.consumer.status();
    // Of each partition one fetch is kept whole once it has arrived; later ones have to wait.
    expectTrue(
      buffered * VALUE_BYTES <= (MESSAGES * VALUE_BYTES * 2) / 3,
      `a member that is bound to ${BOUND_BYTES} bytes and handles nothing holds ${buffered} of ${MESSAGES} messages of ${VALUE_BYTES} bytes`,
    );
    await witness.close();
    blocked.open();
    await context.until(
      () => handled >= MESSAGES,
      () => `the other messages to be handled once there is room: ${handled} of ${MESSAGES}`,
    );
  },
});

const MAX_AHEAD = 12;

const bounded = defineCase({
  name: "consume/flow/runs-ahead-within-bounds",
  promise: 10,
  mutant: "ignores-max-ahead",
  run: async (context) => {
    const topic = await context.topic({ partitions: 2 });
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const keys = keyNames(40);
    await sendInterleaved(context, producer, history, topic, ["stuck"], 1);
    const stuck = context.latch();
    let isStuck = false;
    const options = { group: await context.group(topic), concurrency: 4, maxAhead: MAX_AHEAD };
    const member = context.member(topic, options, async (message) => {
      if (message.value.key === "stuck") {
        isStuck = true;
        context.deadline.notify();
        await stuck.opened;
      }
      history.receive(message);
    });
    // Without an order between keys, the message that holds back the others could otherwise be delivered behind them.
    await context.until(() => isStuck, "the message that holds back the others to be handled");
    await sendInterleaved(context, producer, history, topic, keys, 10);
    const stored = context.history();
    await readStored(context, stored, topic);
    const stuckIn = stored.received.find(({ key }) => key === "stuck")?.partition;
    const others = stored.received.filter(({ partition }) => partition !== stuckIn);
    const available = stored.received.length - others.length - 1;
    const ahead = (): number => history.received.filter(({ partition }) => partition === stuckIn).length;
    await context.until(
      () => ahead() >= Math.min(MAX_AHEAD, available) - 1,
      () => `a partition to run ${MAX_AHEAD} messages ahead of its oldest unfinished one; it is ${ahead()} ahead`,
    );
    // Once all other partitions are done, only the bound holds this one back.
    await context.until(() => others.every((value) => history.hasReceived(value)), "the other partitions to be handled");
    await context.until(
      () => member.consumer.status().running === 1 && member.consumer.status().oldest?.partition === stuckIn,
      "the status to name the partition that is held back, and one running handler",
    );
    expectTrue(
      ahead() <= MAX_AHEAD,
      `a partition runs at most ${MAX_AHEAD} messages ahead of its oldest unfinished one; it ran ${ahead()}`,
    );
    stuck.open();
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const paused = defineCase({
  name: "consume/flow/pause-and-resume",
  promise: 10,
  mutant: "pause-does-nothing",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const member = context.member(topic, { group, concurrency: 4 }, recordInto(history, "first"));
    await publish(context, history, topic, keyNames(8), 2);
    await untilComplete(context, history);
    const assigned = [...member.consumer.assigned];
    member.consumer.pause();
    const before = history.received.length;
    await publish(context, history, topic, keyNames(8), 2);
    // Another group receives them, so they were available to the paused member too.
    const witness = context.history();
    context.member(topic, { group: await context.group(topic) }, recordInto(witness, "witness"));
    await context.until(() => witness.distinct === history.sent.length, "another group to be given the messages");
    expectEqual(history.received.length, before, "a paused member starts no handler");
    expectEqual(member.consumer.status().state, "paused", "its status says so");
    expectEqual([...member.consumer.assigned].toSorted().join(), assigned.toSorted().join(), "a paused member stays in the group");
    member.consumer.resume();
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const rareCommits = defineCase({
  name: "consume/flow/rare-commits",
  promise: 10,
  mutant: "settles-as-rarely-as-requested",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    // More messages than a service delivers without results: progress that is stored rarely must not stop the flow.
    await publish(context, history, topic, keyNames(50), 50);
    context.member(topic, { group: await context.group(topic), commit: RARE_COMMITS }, recordInto(history));
    await untilComplete(context, history);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const consumeFlowCases = [boundedBytes, bounded, paused, rareCommits];
