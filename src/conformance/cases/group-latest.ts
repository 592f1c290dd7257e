import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { publish, untilComplete } from "../stream-work.ts";

/** Longer than what is sent meanwhile takes to be stored. */
const STALL_MS = 300;

const beforeTheFirstFetch = defineCase({
  name: "group/start/latest-before-the-first-fetch",
  promise: 4,
  mutant: "latest-is-where-the-first-fetch-ends",
  faults: ["stall"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, context.history(), topic, keyNames(16), 1);
    context.inject({ kind: "stall", topic: topic.name, durationMs: STALL_MS, times: topic.partitions.length });
    const options = { group: await context.group(topic), initialPosition: "latest" as const };
    const member = context.member(topic, options, recordInto(history));
    await context.until(() => member.consumer.assigned.length === topic.partitions.length, "the member to be given every partition");
    // It is a member and owns everything; that its first fetch takes long changes nothing about where the group starts.
    await publish(
      context,
      history,
      topic,
      keyNames(16).map((key) => `later-${key}`),
      2,
    );
    await untilComplete(context, history);
    await member.close();
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const everyPartition = defineCase({
  name: "group/start/latest-for-every-partition",
  promise: 4,
  mutant: "latest-anew-where-nothing-was-handled",
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    await publish(context, context.history(), topic, keyNames(16), 1);
    const history = context.history();
    const first = context.member(topic, { group, initialPosition: "latest" }, recordInto(history, "first"));
    await context.until(() => first.consumer.assigned.length === topic.partitions.length, "the member to be given every partition");
    // Of one key and so of one partition: in the others the group has a start and nothing handled.
    await publish(context, history, topic, ["alone"], 3);
    await untilComplete(context, history);
    await first.close();
    await publish(context, history, topic, [...keyNames(16).map((key) => `later-${key}`), "alone"], 2);
    const second = context.member(topic, { group, initialPosition: "latest" }, recordInto(history, "second"), await context.connect());
    await untilComplete(context, history);
    await second.close();
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const groupLatestCases = [beforeTheFirstFetch, everyPartition];
