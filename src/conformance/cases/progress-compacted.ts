import { expectEqual } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { TOMBSTONE_GATE, compactedTopic } from "../compaction-work.ts";
import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { publish, readAll, untilComplete } from "../stream-work.ts";

const tail = defineCase({
  name: "progress/compacted-tail",
  promise: 4,
  mutant: "overlooks-what-is-removed",
  gates: TOMBSTONE_GATE,
  run: async (context) => {
    const { topic, left } = await compactedTopic(context);
    const group = await context.group(topic);
    const first = context.member(topic, { group, commit: { everyMs: 10 } }, recordInto(left, "first"));
    await untilComplete(context, left);
    if (context.capabilities.lagInMessages) {
      const hasNone = async (): Promise<boolean> => (await context.admin.lag(topic.name, group)).messages === 0;
      await context.patience.untilAsked(hasNone, "the lag of a group that has handled all that compaction has left to be 0");
    }
    await first.close();
    checkExactlyOnceInOrder(left.sent, left.received, topic.name);
    const { bookmark } = await context.admin.describeGroup(topic.name, group);
    if (bookmark !== null) {
      const rest = await readAll(context, sequencedTopic(context.connection, topic), { from: { bookmark }, until: "now" });
      expectEqual(rest.length, 0, "messages behind where a group stands that has handled everything");
    }
    const later = left.continued();
    await publish(context, later, topic, keyNames(12), 2);
    const second = context.member(topic, { group }, recordInto(later, "second"));
    await untilComplete(context, later);
    await second.close();
    checkExactlyOnceInOrder(later.sent, later.received, topic.name);
  },
});

const under = defineCase({
  name: "progress/compacted-under-a-group",
  promise: 4,
  mutant: "takes-compaction-for-a-gap",
  gates: TOMBSTONE_GATE,
  run: async (context) => {
    const compact = context.compaction();
    const topic = await context.topic();
    const group = await context.group(topic);
    const handled = context.history();
    const first = context.member(topic, { group }, recordInto(handled, "first"));
    await publish(context, handled, topic, keyNames(12), 2);
    await untilComplete(context, handled);
    await first.close();
    // What comes now and is superseded before the group comes back is nobody's loss.
    const superseded = handled.continued();
    await publish(context, superseded, topic, keyNames(12), 3);
    const left = superseded.continued();
    await publish(context, left, topic, keyNames(12), 1);
    await compact(topic);
    const second = context.member(topic, { group }, recordInto(left, "second"));
    await untilComplete(context, left);
    await second.close();
    checkExactlyOnceInOrder(left.sent, left.received, topic.name);
  },
});

export const progressCompactedCases = [tail, under];
