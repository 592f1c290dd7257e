import { expectEqual } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import { identify } from "../../history/history.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { TOMBSTONE_GATE, compactedTopic } from "../../support/compacted-topic.ts";
import { publish, readAll, untilComplete } from "../../support/stream-steps.ts";

const tail = defineCase({
  name: "progress/compacted/tail",
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
      await context.deadline.untilAsked(hasNone, "the lag of a group that has handled all that compaction has left to be 0");
    }
    await first.close();
    checkExactlyOnceInOrder(left.sent, left.received, topic.name);
    const { bookmark } = await context.admin.describeGroup(topic.name, group);
    if (bookmark !== null) {
      const rest = await readAll(context, sequencedTopic(context.connection, topic), { from: { bookmark }, until: "now" });
      expectEqual(rest.length, 0, "messages behind the position of a group that has handled everything");
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
  name: "progress/compacted/under-a-group",
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
    // Messages that are superseded before the group returns are not lost: compaction may remove them.
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

/** A hole ends a delivery, so several deliveries are open at once. A hole counts as handled only once every message before it is handled. */
const openDeliveries = defineCase({
  name: "progress/compacted/holes-behind-open-deliveries",
  promise: 4,
  mutant: "reports-holes-to-members-too-early",
  run: async (context) => {
    const compact = context.compaction();
    const topic = await context.topic();
    const group = await context.group(topic);
    const superseded = context.history();
    const left = superseded.continued();
    const parts = ["first", "second", "third"].map((part) => keyNames(12).map((key) => `${part}-${key}`));
    for (const keys of parts) {
      await publish(context, left, topic, keys, 1);
      await publish(context, superseded, topic, keyNames(12), 1);
    }
    // The last messages of the keys between the parts stay, so the log has no hole at its end.
    left.sent.push(...superseded.sent.filter(({ sequence }) => sequence === parts.length - 1));
    await compact(topic);
    const crash = context.latch();
    let running = 0;
    const crashing = context.member(topic, { group, concurrency: left.sent.length, commit: { everyMs: 5 } }, async (message) => {
      running += 1;
      context.deadline.notify();
      // The last message is delivered, so all holes were reported to the member.
      await context.until(() => running >= left.sent.length, "handlers of everything that is left to run");
      if (!parts[0]!.includes(message.value.key)) await crash.opened;
      else left.receive(message, "crashing");
    });
    await context.until(() => left.distinct === parts[0]!.length, "the first part to be handled");
    await crashing.close(20);
    const handled = new Set(left.received.map(identify));
    const rest = left.continued();
    rest.sent.push(...left.sent.filter((value) => !handled.has(identify(value))));
    const second = context.member(topic, { group }, (message) => {
      // The messages that were handled last may be redelivered.
      if (!handled.has(identify(message.value))) rest.receive(message, "second");
    });
    await untilComplete(context, rest);
    await second.close();
    checkAtLeastOnceInOrder(rest.sent, rest.received, topic.name);
  },
});

export const progressCompactedCases = [tail, under, openDeliveries];
