import type { ConsumerOptions } from "../../../consume/consumer-types.ts";
import { expectEqual, expectTrue, expectUnsupported } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkComplete, checkExactlyOnceInOrder, checkOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { publish, readAll, untilComplete } from "../../support/stream-steps.ts";

const positionWins = defineCase({
  name: "group/start/its-position-wins",
  promise: 4,
  mutant: "forgets-progress",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(6), 3);
    const first = context.member(topic, { group }, recordInto(history, "first"));
    await untilComplete(context, history);
    await first.close();
    const after = history.continued();
    await publish(context, after, topic, keyNames(6), 2);
    context.member(topic, { group, initialPosition: topic.start }, recordInto(after, "second"));
    await untilComplete(context, after);
    checkAtLeastOnceInOrder(after.sent, after.received, topic.name);
    const third = context.member(topic, { group, initialPosition: "fail" }, () => undefined);
    await context.until(() => third.consumer.status().state === "running" || third.ended, "a member of a group that has a position to run");
  },
});

/** A new group starts with these options. @returns what it received */
async function startedAt(context: CaseContext, topic: CaseTopic, wanted: number, options: Partial<ConsumerOptions>): Promise<History> {
  const history = context.history();
  const member = context.member(topic, { group: await context.group(topic), ...options }, recordInto(history));
  await context.until(
    () => history.distinct >= wanted,
    () => `completeness: a group received ${history.distinct} of ${wanted} messages`,
  );
  await member.close();
  return history;
}

const fromBookmark = defineCase({
  name: "group/start/from-a-bookmark",
  promise: 9,
  mutant: "bookmark-off-by-one",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(8), 4);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
    // A provider that makes bookmarks itself has that of a closed reader only if it was asked for one before.
    await context.within(reader.bookmark(), "a reader to open");
    let left = 13;
    const reading = async (): Promise<void> => {
      for await (const message of reader) {
        history.receive(message, "reader");
        left -= 1;
        if (left === 0) break;
      }
    };
    await context.within(reading(), "the first thirteen messages");
    const bookmark = await reader.bookmark();
    const rest = await startedAt(context, topic, history.sent.length - 13, { initialPosition: { bookmark } });
    checkOrder(rest.received);
    checkComplete(history.sent, [...history.received, ...rest.received]);
    expectEqual(rest.distinct, history.sent.length - 13, "a group that begins at a bookmark receives what is behind it, and nothing else");
  },
});

const fromTimestamp = defineCase({
  name: "group/start/from-a-timestamp",
  promise: 8,
  mutant: "timestamp-off-by-one",
  gates: {
    startAtTimestamp: async (context) => {
      const topic = await context.topic();
      const group = await context.group(topic);
      const stream = sequencedTopic(context.connection, topic);
      await expectUnsupported(
        async () => stream.consumer({ group, initialPosition: { timestamp: 0 } }).run(() => undefined),
        "startAtTimestamp",
      );
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(8), 2);
    const stored = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
    const boundary = Math.max(...stored.map(({ timestamp }) => timestamp.getTime())) + 1;
    await context.deadline.pause(Math.max(20, boundary + 15 - Date.now()), "the clock to move on");
    const after = history.continued();
    await publish(context, after, topic, keyNames(8), 2);
    const group = await startedAt(context, topic, after.sent.length, { initialPosition: { timestamp: boundary } });
    checkAtLeastOnceInOrder(after.sent, group.received, topic.name);
    const newest = stored.filter(({ timestamp }) => timestamp.getTime() === boundary - 1);
    const earlier = await startedAt(context, topic, after.sent.length + newest.length, { initialPosition: { timestamp: boundary - 1 } });
    expectTrue(
      newest.every(({ value }) => earlier.hasReceived(value)),
      "a message stored exactly at the time is in the range",
    );
  },
});

const earliest = defineCase({
  name: "group/start/earliest",
  promise: 4,
  mutant: "earliest-is-latest",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 4);
    // No option means the earliest, which is right for a new topic.
    const initialPosition = topic.start === "earliest" ? undefined : topic.start;
    const member = context.member(topic, { group: await context.group(topic), initialPosition }, recordInto(history));
    await context.until(() => member.consumer.status().state === "running", "the member to run");
    const later = history.continued();
    await publish(context, later, topic, keyNames(12), 1);
    const everything = [...history.sent, ...later.sent];
    // The newest message of each key is last, so all others have come before.
    await context.until(() => later.sent.every((value) => history.hasReceived(value)), "what was sent last to come");
    await member.close();
    checkExactlyOnceInOrder(everything, history.received, topic.name);
  },
});

export const groupStartCases = [positionWins, fromBookmark, fromTimestamp, earliest];
