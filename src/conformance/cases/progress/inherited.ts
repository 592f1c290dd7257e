import type { ConsumerOptions } from "../../../consume/consumer-types.ts";
import { expectTrue, expectUnsupported } from "../../assertions.ts";
import type { DefinedCase } from "../../case.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import { identify } from "../../history/history.ts";
import { keyNames } from "../../history/sequenced.ts";
import { Member, recordInto } from "../../member.ts";
import { AHEAD_GATE, checkNotRepeated, groupWithGaps, isSlow, withLater } from "../../support/handled-ahead.ts";
import { topicWithRetention, untilRetentionActed } from "../../support/retention.ts";
import { publish, readStored, sendInterleaved, untilComplete } from "../../support/stream-steps.ts";

interface Way {
  readonly name: string;
  readonly options: Partial<ConsumerOptions>;
  readonly use: "run" | "batches" | "iteration";
}

/** Nothing that is unhandled is taken for handled, however the next member works. */
function readOn({ name, options, use }: Way): DefinedCase {
  return defineCase({
    name: `progress/inherited/${name}`,
    promise: 4,
    mutant: "skips-one-too-many",
    gates: AHEAD_GATE,
    run: async (context) => {
      const gaps = await groupWithGaps(context);
      const { topic, group } = gaps;
      const next = await withLater(context, gaps);
      const stream = sequencedTopic(await context.connect(), topic);
      const settings: ConsumerOptions = { group, initialPosition: topic.start, ...options };
      if (use === "iteration") {
        const iterate = async (): Promise<void> => {
          const consumer = stream.consumer(settings);
          for await (const message of consumer) {
            next.receive(message, name);
            if (next.distinct === next.sent.length) break;
          }
        };
        await context.within(iterate(), "an iteration to hand out what is left");
      } else {
        const member =
          use === "run"
            ? Member.start(context.deadline, stream, settings, recordInto(next, name))
            : Member.startBatches(context.deadline, stream, settings, (messages) => {
                for (const message of messages) next.receive(message, name);
              });
        context.watch(member);
        await untilComplete(context, next);
        await member.close();
      }
      checkNotRepeated(gaps.before.received, next.received);
      checkExactlyOnceInOrder(next.sent, next.received, topic.name);
    },
  });
}

const moreThanFits = defineCase({
  name: "progress/inherited/more-than-fits",
  promise: 4,
  mutant: "cuts-the-list-only",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, [...keyNames(60).map((key) => `slow-${key}`), ...keyNames(12)], 4);
    const stuck = context.latch();
    const first = context.member(topic, { group, concurrency: 512, commit: { everyMs: 5 } }, async (message) => {
      if (isSlow(message.value)) await stuck.opened;
      else history.receive(message, "first");
    });
    await context.until(() => history.distinct === 48, "what is behind many slow messages to be handled");
    await first.close(20);
    const second = context.member(topic, { group }, recordInto(history, "second"), await context.connect());
    await untilComplete(context, history);
    await second.close();
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const switchedOff = defineCase({
  name: "progress/inherited/switched-off",
  promise: 4,
  mutant: "forgets-the-option-ahead",
  gates: {
    ...AHEAD_GATE,
    // Without partitions, messages may be settled one by one: then nothing lies ahead of a position.
    partitions: async (context) => {
      const gaps = await groupWithGaps(context, undefined, { commit: { ahead: false } });
      const next = await withLater(context, gaps);
      const member = context.member(gaps.topic, { group: gaps.group, commit: { ahead: false } }, recordInto(next));
      await context.until(() => next.sent.every((value) => next.hasReceived(value)), "what is left to be handled");
      await member.close();
    },
  },
  run: async (context) => {
    const gaps = await groupWithGaps(context);
    const { topic, group, before } = gaps;
    const again = before.continued();
    const stuck = context.latch();
    const second = context.member(topic, { group, concurrency: 64, commit: { ahead: false } }, async (message) => {
      again.receive(message, "second");
      if (isSlow(message.value)) await stuck.opened;
    });
    await context.until(
      () => before.received.some((value) => again.hasReceived(value)),
      "what was stored ahead to come again with ahead: false",
    );
    await second.close(20);
  },
});

const reset = defineCase({
  name: "progress/inherited/reset",
  promise: 8,
  mutant: "keeps-ahead-over-a-reset",
  gates: {
    ...AHEAD_GATE,
    groupReset: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", "earliest"), "groupReset");
    },
  },
  run: async (context) => {
    const { topic, group, before } = await groupWithGaps(context);
    await context.within(context.admin.resetGroup(topic.name, group, topic.start), "a group to be moved back");
    const again = before.again();
    const member = context.member(topic, { group }, recordInto(again, "again"), await context.connect());
    await untilComplete(context, again);
    await member.close();
    checkExactlyOnceInOrder(again.sent, again.received, topic.name);
  },
});

const compacted = defineCase({
  name: "progress/inherited/compaction-between",
  promise: 4,
  mutant: "skips-one-too-many",
  gates: AHEAD_GATE,
  run: async (context) => {
    const compact = context.compaction();
    const gaps = await groupWithGaps(context);
    const { topic, group, before } = gaps;
    const left = before.continued();
    await publish(context, left, topic, keyNames(12), 1);
    await compact(topic);
    // Compaction leaves the last message of each key, and the group has handled none of these.
    left.sent.push(...gaps.left.filter(({ sequence }) => sequence === 1));
    const member = context.member(topic, { group }, recordInto(left, "next"), await context.connect());
    await untilComplete(context, left);
    await member.close();
    checkNotRepeated(before.received, left.received);
    checkExactlyOnceInOrder(left.sent, left.received, topic.name);
  },
});

const retention = defineCase({
  name: "progress/inherited/retention-between",
  promise: 4,
  mutant: "skips-one-behind-the-end",
  gates: AHEAD_GATE,
  run: async (context) => {
    const topic = await topicWithRetention(context);
    const gaps = await groupWithGaps(context, topic);
    const { group } = gaps;
    await untilRetentionActed(context, topic);
    const next = gaps.before.continued();
    await publish(context, next, topic, keyNames(12), 1);
    const member = context.member(topic, { group, onGap: () => undefined }, recordInto(next, "next"), await context.connect());
    await untilComplete(context, next);
    await member.close();
    checkExactlyOnceInOrder(next.sent, next.received, topic.name);
  },
});

const MAX_AHEAD = 12;

/** What was handled ahead before a restart counts in how far the partition runs ahead. */
const withinBounds = defineCase({
  name: "progress/inherited/runs-ahead-within-bounds",
  promise: 10,
  mutant: "passes-over-what-was-handled",
  gates: {
    ...AHEAD_GATE,
    // Without partitions, messages may be settled one by one: then each member counts from the oldest that it has got itself.
    partitions: async (context) => {
      const { topic, group, before, left } = await groupWithGaps(context);
      const rest = before.continued();
      rest.sent.push(...left);
      const member = context.member(topic, { group, maxAhead: MAX_AHEAD }, recordInto(rest));
      await context.until(() => left.every((value) => rest.hasReceived(value)), "what is left to be handled");
      await member.close();
    },
  },
  run: async (context) => {
    const topic = await context.topic({ partitions: 2 });
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const keys = keyNames(40);
    await sendInterleaved(context, producer, history, topic, ["slow-key"], 1);
    const options: ConsumerOptions = { group: await context.group(topic), concurrency: 4, maxAhead: MAX_AHEAD };
    const stuck = context.latch();
    for (const name of ["first", "second", "third"]) {
      let isStuck = false;
      const member = context.member(topic, options, async (message, { signal }) => {
        if (isSlow(message.value)) {
          isStuck = true;
          context.deadline.notify();
          await stuck.opened;
        }
        if (!signal.aborted) history.receive(message, name);
      });
      await context.until(() => isStuck, "the message that holds back the others to be handled");
      await sendInterleaved(context, producer, history, topic, keys, 3);
      const stored = context.history();
      await readStored(context, stored, topic);
      const stuckIn = stored.received.find(({ key }) => key === "slow-key")!.partition;
      const others = stored.received.filter(({ partition }) => partition !== stuckIn);
      const available = stored.received.length - others.length - 1;
      const ahead = (): number => new Set(history.received.filter(({ partition }) => partition === stuckIn).map(identify)).size;
      await context.until(
        () => ahead() >= Math.min(MAX_AHEAD, available) - 1,
        () => `a partition to run ${MAX_AHEAD} messages ahead of its oldest unfinished one; it is ${ahead()} ahead`,
      );
      // Once everything of the other partition is handled, only the bound holds this one back.
      await context.until(() => others.every((value) => history.hasReceived(value)), "the other partition to be handled");
      await context.until(() => member.consumer.status().running === 1, "one running handler");
      expectTrue(
        ahead() <= MAX_AHEAD,
        `a partition runs at most ${MAX_AHEAD} messages ahead of its oldest unfinished one, whichever member handled them; with the ${name} member it ran ${ahead()}`,
      );
      if (name === "third") stuck.open();
      else await member.close(20);
    }
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const progressInheritedCases: readonly DefinedCase[] = [
  readOn({ name: "in-key-order", options: { concurrency: 8 }, use: "run" }),
  readOn({ name: "in-partition-order", options: { concurrency: 8, order: "partition" }, use: "run" }),
  readOn({ name: "without-order", options: { concurrency: 1, order: "none" }, use: "run" }),
  readOn({ name: "in-batches", options: { concurrency: 2, batch: { maxMessages: 5 } }, use: "batches" }),
  readOn({ name: "in-iteration", options: {}, use: "iteration" }),
  moreThanFits,
  switchedOff,
  reset,
  compacted,
  retention,
  withinBounds,
];
