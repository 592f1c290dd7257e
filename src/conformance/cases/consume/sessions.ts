import { setTimeout as later } from "node:timers/promises";
import { expectEqual, showError } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { shortestSession } from "../../support/shortest-session.ts";
import { untilOwned } from "../../support/partition-owners.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

/** How much longer the handler runs than the session time-out. */
const LONGER_MS = 400;

const longHandler = defineCase({
  name: "consume/sessions/handler-outlasts-the-session",
  promise: 7,
  mutant: "sessions-end-under-handlers",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const sessionTimeoutMs = await shortestSession(context, topic);
    const aborts: unknown[] = [];
    const slowly = context.member(topic, { group, sessionTimeoutMs, concurrency: 4 }, async (message, { signal }) => {
      signal.addEventListener("abort", () => aborts.push(signal.reason));
      if (message.value.key === "key-0" && message.value.sequence === 0) await later(sessionTimeoutMs + LONGER_MS);
      history.receive(message, "slow");
    });
    await untilOwned(context, topic, [slowly]);
    await publish(context, history, topic, keyNames(8), 3);
    await untilComplete(context, history);
    await slowly.close();
    expectEqual(aborts.length, 0, `signals that aborted although the member was alive: ${aborts.map(showError).join(", ")}`);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const twoTopics = defineCase({
  name: "consume/sessions/two-topics",
  promise: 4,
  mutant: "consumers-share-the-first-topic",
  run: async (context) => {
    const [left, right] = [await context.topic(), await context.topic()];
    const [leftHistory, rightHistory] = [context.history(), context.history()];
    // The same name, but two groups: a group belongs to its topic.
    const leftGroup = await context.group(left);
    const rightGroup = await context.group(right, leftGroup);
    const leftMember = context.member(left, { group: leftGroup }, recordInto(leftHistory, "left"));
    const rightMember = context.member(right, { group: rightGroup }, recordInto(rightHistory, "right"));
    await Promise.all([publish(context, leftHistory, left, keyNames(8), 3), publish(context, rightHistory, right, keyNames(8), 4)]);
    await untilComplete(context, leftHistory);
    await untilComplete(context, rightHistory);
    await leftMember.close();
    await Promise.all([publish(context, leftHistory, left, keyNames(8), 1), publish(context, rightHistory, right, keyNames(8), 2)]);
    await untilComplete(context, rightHistory);
    const again = context.member(left, { group: leftGroup }, recordInto(leftHistory, "again"));
    await untilComplete(context, leftHistory);
    await Promise.all([again.close(), rightMember.close()]);
    checkExactlyOnceInOrder(leftHistory.sent, leftHistory.received, left.name);
    checkExactlyOnceInOrder(rightHistory.sent, rightHistory.received, right.name);
  },
});

export const consumeSessionsCases = [longHandler, twoTopics];
