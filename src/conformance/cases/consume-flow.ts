import { expectEqual, expectTrue } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkAtLeastOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { publish, readAll, readStored, sendInterleaved, untilComplete } from "../stream-steps.ts";

const MAX_AHEAD = 12;

const bounded = defineCase({
  name: "consume/runs-ahead-within-bounds",
  promise: 10,
  mutant: "ignores-max-ahead",
  run: async (context) => {
    const topic = await context.topic({ partitions: 2 });
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const keys = keyNames(40);
    await sendInterleaved(context, producer, history, topic, ["stuck"], 1);
    await sendInterleaved(context, producer, history, topic, keys, 10);
    const stored = context.history();
    await readStored(context, stored, topic);
    const stuckIn = stored.received.find(({ key }) => key === "stuck")?.partition;
    const others = stored.received.filter(({ partition }) => partition !== stuckIn);
    const available = stored.received.length - others.length - 1;
    const stuck = context.latch();
    const options = { group: await context.group(topic), concurrency: 4, maxAhead: MAX_AHEAD };
    const member = context.member(topic, options, async (message) => {
      if (message.value.key === "stuck") await stuck.opened;
      history.receive(message);
    });
    const ahead = (): number => history.received.filter(({ partition }) => partition === stuckIn).length;
    await context.until(
      () => ahead() >= Math.min(MAX_AHEAD, available) - 1,
      () => `a partition to run ${MAX_AHEAD} messages ahead of its oldest unfinished one; it is ${ahead()} ahead`,
    );
    // When all other partitions are done, nothing but the bound holds this one back.
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
  name: "consume/pause-and-resume",
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
    // Another group has been given them: so they were there for the paused member too.
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

const facts = defineCase({
  name: "consume/message-tells-where-it-is",
  promise: 9,
  mutant: "stamps-the-time-of-reading",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(6), 2);
    const stream = sequencedTopic(context.connection, topic);
    const stored = new Map(
      (await readAll(context, stream, { from: topic.start, until: "now" })).map((message) => [message.position, message]),
    );
    await context.deadline.pause(5, "the clock to move on");
    const problems: string[] = [];
    context.member(topic, { group: await context.group(topic) }, (message) => {
      const other = stored.get(message.position);
      if (other === undefined) problems.push("a message has the same position for a member as for a reader");
      if (other?.timestamp.getTime() !== message.timestamp.getTime())
        problems.push("a message has the same time whoever reads it, and whenever");
      if (message.topic !== topic.name || !topic.partitions.includes(message.partition))
        problems.push("a message names its topic and a partition of it");
      if (message.raw.value === null || "raw" in { ...message })
        problems.push("a message has its bytes beside it: they do not show when it is spread");
      history.receive(message);
    });
    await untilComplete(context, history);
    expectTrue(problems.length === 0, problems[0] ?? "");
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const consumeFlowCases = [bounded, paused, facts];
