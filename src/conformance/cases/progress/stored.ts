import { expectEqual, expectSequence, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder, checkOrder, checkRepeatsInOrder } from "../../history/check.ts";
import { type Sequenced, keyNames, showSequenced } from "../../history/sequenced.ts";
import { Member, recordInto } from "../../member.ts";
import { RARE_COMMITS } from "../../support/consumer-settings.ts";
import { publish, readAll, untilComplete } from "../../support/stream-steps.ts";

const notAgain = defineCase({
  name: "progress/stored/handled-not-again",
  promise: 4,
  mutant: "forgets-progress",
  run: async (context) => {
    const topic = await context.topic();
    const before = context.history();
    const group = await context.group(topic);
    await publish(context, before, topic, keyNames(10), 5);
    const first = context.member(topic, { group }, recordInto(before, "first"));
    await untilComplete(context, before);
    await first.close();
    // The group has no member for a while. Then a member on another connection continues at the position of the group.
    const after = before.continued();
    await publish(context, after, topic, keyNames(10), 2);
    context.member(topic, { group }, recordInto(after, "second"), await context.connect());
    await untilComplete(context, after);
    for (const value of after.received) {
      if (before.hasReceived(value))
        throw new PromiseViolation(`progress: ${showSequenced(value)} was handled before a clean restart and was redelivered`);
    }
    checkAtLeastOnceInOrder(after.sent, after.received, topic.name);
  },
});

/** This stands for another process: the first connection is closed before the second one opens. */
const outlives = defineCase({
  name: "progress/stored/outlives-its-connection",
  promise: 4,
  mutant: "remembers-progress-by-connection",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(10), 4);
    const connection = await context.connect();
    context.member(topic, { group }, recordInto(history, "first"), connection);
    await untilComplete(context, history);
    await context.within(connection.close(), "a connection with a member to close");
    const elsewhere = await context.connect();
    const { bookmark } = await elsewhere.admin.describeGroup(topic.name, group);
    if (bookmark !== null) {
      const rest = await readAll(context, sequencedTopic(elsewhere, topic), { from: { bookmark }, until: "now" });
      expectEqual(rest.length, 0, "messages behind the position of a group whose member handled everything and left");
    }
    const after = history.continued();
    await publish(context, after, topic, keyNames(10), 1);
    const second = context.member(topic, { group }, recordInto(after, "second"), elsewhere);
    await untilComplete(context, after);
    await second.close();
    checkExactlyOnceInOrder(after.sent, after.received, topic.name);
  },
});

const unhandledAgain = defineCase({
  name: "progress/stored/unhandled-again",
  promise: 4,
  mutant: "settles-on-delivery",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const never = context.latch();
    let started = 0;
    const first = context.member(topic, { group, concurrency: 4 }, async () => {
      started += 1;
      await never.opened;
    });
    await publish(context, history, topic, keyNames(8), 5);
    await context.until(() => started >= 2, "some handlers to run");
    await first.close(20);
    context.member(topic, { group, concurrency: 4 }, recordInto(history, "second"), await context.connect());
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const contiguousPrefix = defineCase({
  name: "progress/stored/contiguous-prefix",
  promise: 4,
  mutant: "settles-past-a-gap",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const keys = keyNames(12);
    await publish(context, history, topic, keys, 4);
    const stuck = context.latch();
    const first = context.member(topic, { group, concurrency: 6, commit: { everyMessages: 1, everyMs: 5 } }, async (message) => {
      if (message.value.key === keys[0] && message.value.sequence === 1) await stuck.opened;
      else history.receive(message, "first");
    });
    const wanted = history.sent.length - 3;
    await context.until(
      () => history.distinct === wanted,
      () => `everything but the stuck key's last three to be handled: ${history.distinct} of ${wanted}`,
    );
    await first.close(20);
    const second = context.history();
    context.member(topic, { group, concurrency: 6 }, recordInto(second, "second"), await context.connect());
    await context.until(
      () => [1, 2, 3].every((sequence) => second.hasReceived({ key: keys[0]!, sequence })),
      () =>
        `progress covers a contiguous prefix only: #1 to #3 of ${keys[0]} were not handled; of them #${second.receivedOf(keys[0]!).join(", #")} were redelivered`,
    );
    checkOrder(second.received);
    checkRepeatsInOrder(second.received);
  },
});

const everyPartition = defineCase({
  name: "progress/stored/every-partition",
  promise: 4,
  mutant: "settles-one-partition-only",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(16), 3);
    const stream = sequencedTopic(context.connection, topic);
    const first = context.watch(
      Member.startBatches(
        context.deadline,
        stream,
        { group, initialPosition: topic.start, concurrency: 4, commit: RARE_COMMITS },
        (messages) => {
          for (const message of messages) history.receive(message, "first");
        },
      ),
    );
    await untilComplete(context, history);
    await first.close();
    const again = history.continued();
    context.member(topic, { group }, recordInto(again, "second"), await context.connect());
    await publish(context, again, topic, keyNames(16), 1);
    await untilComplete(context, again);
    const repeated = again.received.filter(({ sequence }) => sequence < 3).map(({ partition }) => partition);
    expectEqual(
      new Set(repeated).size,
      0,
      "the close of a member stores the progress of every partition; partitions with redelivered messages",
    );
  },
});

const whileRunning = defineCase({
  name: "progress/stored/stored-while-running",
  promise: 4,
  mutant: "settles-at-close-only",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const options = { group: await context.group(topic), commit: { everyMessages: 10, everyMs: 50 } };
    const member = context.member(topic, options, recordInto(history));
    expectEqual(member.consumer.status().lastCommit, null, "nothing is stored before anything is handled");
    await publish(context, history, topic, keyNames(5), 6);
    await untilComplete(context, history);
    await context.until(() => member.consumer.status().lastCommit !== null, "progress to be stored while the member runs");
  },
});

const failedCommit = defineCase({
  name: "progress/stored/failed-commit",
  promise: 4,
  mutant: "forgets-a-failed-settlement",
  faults: ["disconnect"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(10), 4);
    const start = context.latch();
    const options = { group, concurrency: 4, commit: { everyMessages: 8, everyMs: 10 } };
    const first = context.member(topic, options, async (message) => {
      await start.opened;
      history.receive(message, "first");
    });
    // Everything is fetched; the fault waits for commits, whatever other calls the member makes.
    await untilFetched(context, first, history.sent.length);
    await context.inject({ kind: "disconnect", topic: topic.name, times: 2, operation: "commit" });
    start.open();
    await untilComplete(context, history);
    await context.until(() => first.consumer.status().lastCommit !== null, "progress to be stored after commits that failed");
    await first.close();
    const after = history.continued();
    context.member(topic, { group }, recordInto(after, "second"), await context.connect());
    await publish(context, after, topic, keyNames(10), 1);
    await untilComplete(context, after);
    checkOrder(after.received);
    expectTrue(
      after.received.every(({ sequence }) => sequence === 4),
      "messages that were handled before close are stored in spite of failed commits",
    );
  },
});

/** Waits until the member has fetched so many messages and has not finished handling any of them. */
async function untilFetched(context: CaseContext, { consumer }: Member<Sequenced>, count: number): Promise<void> {
  const here = (): number => consumer.status().running + consumer.status().buffered;
  await context.until(
    () => here() >= count,
    () => `a member to fetch ${count} messages; it has ${here()}`,
  );
}

const triedAgain = defineCase({
  name: "progress/stored/failed-commit-is-tried-again",
  promise: 4,
  mutant: "forgets-a-failed-settlement",
  faults: ["disconnect"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(10), 2);
    const start = context.latch();
    // Commits by time only: after the last message there is one commit, and no later message causes another one.
    const options = { group, concurrency: 32, commit: { everyMessages: 1_000_000, everyMs: 20 } };
    const member = context.member(topic, options, async (message) => {
      await start.opened;
      history.receive(message);
    });
    await untilFetched(context, member, history.sent.length);
    await context.inject({ kind: "disconnect", topic: topic.name, operation: "commit" });
    start.open();
    await untilComplete(context, history);
    await context.until(() => member.consumer.status().lastCommit !== null, "a failed commit to be retried while the member runs");
    const { bookmark } = await context.admin.describeGroup(topic.name, group);
    if (bookmark !== null) {
      const rest = await readAll(context, sequencedTopic(context.connection, topic), { from: { bookmark }, until: "now" });
      expectEqual(rest.length, 0, "messages behind the position of a group that has stored everything");
    }
  },
});

const iteration = defineCase({
  name: "progress/stored/iteration",
  promise: 4,
  mutant: "iteration-handles-on-handout",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, ["one"], 6);
    const handedOut: number[] = [];
    const iterate = async (stopAt: number): Promise<void> => {
      const consumer = sequencedTopic(context.connection, topic).consumer({ group, initialPosition: topic.start });
      for await (const message of consumer) {
        handedOut.push(message.value.sequence);
        if (message.value.sequence === stopAt) break;
      }
    };
    await context.within(iterate(2), "the first three messages of an iteration");
    await context.within(iterate(5), "the rest of them");
    expectSequence(
      handedOut,
      [0, 1, 2, 2, 3, 4, 5],
      "the request for the next message marks the last one as handled, and leaving the loop does not",
    );
  },
});

export const progressStoredCases = [
  notAgain,
  outlives,
  unhandledAgain,
  contiguousPrefix,
  everyPartition,
  whileRunning,
  failedCommit,
  triedAgain,
  iteration,
];
