import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkNothingForeign, checkOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { RARE_COMMITS } from "../../support/consumer-settings.ts";
import { knowsLosses } from "../../support/known-losses.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const earlierOwnership = defineCase({
  name: "progress/ownership/earlier-cannot-commit",
  promise: 7,
  mutant: "ownerships-pass-for-one",
  faults: ["lose-coordinator"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const [first, second] = [context.latch(), context.latch()];
    let attempts = 0;
    let finished = 0;
    let lost = 0;
    const onRevoked = (partitions: readonly string[]): void => void (lost += partitions.length);
    const member = context.member(topic, { group, commit: { everyMs: 5, everyMessages: 1 }, onRevoked }, async () => {
      attempts += 1;
      await (attempts === 1 ? first : second).opened;
      finished += 1;
    });
    await publish(context, history, topic, ["key"], 1);
    await context.until(() => attempts === 1, "the message to be in its handler");
    await context.inject({ kind: "lose-coordinator", topic: topic.name });
    // The same member owns the partition again. The message is in its handler again, or waits until its key is free.
    await publish(context, context.history(), topic, ["other"], 1);
    const mustComeAgain = knowsLosses(context);
    // What a handler returns before the member knows of the loss may count, if nobody else has owned the partition.
    await context.until(
      () => (lost >= topic.partitions.length || !mustComeAgain) && member.consumer.assigned.length === topic.partitions.length,
      "the member to lose everything, and to own it again",
    );
    first.open();
    await context.until(
      () => finished === 1 && (attempts >= 2 || !mustComeAgain),
      "the message to be redelivered after the partition was lost",
    );
    await member.close(20);
    expectTrue(finished === 1, "the second handler has not returned");
    await publish(context, history, topic, ["key"], 1);
    const third = context.member(topic, { group }, recordInto(history, "third"));
    await context.until(() => history.hasReceived({ key: "key", sequence: 1 }), "the next message of the key to come");
    checkOrder(history.received);
    expectTrue(
      !mustComeAgain || history.hasReceived({ key: "key", sequence: 0 }),
      "a message is redelivered if the only handler that finished belongs to an earlier ownership",
    );
    await third.close();
  },
});

const lateResult = defineCase({
  name: "progress/ownership/late-result-cannot-commit",
  promise: 7,
  mutant: "ownerships-pass-for-one",
  faults: ["steal-partition"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const late = context.latch();
    const lost = context.latch();
    let running = 0;
    let firstAttempts = 0;
    let otherReason: unknown = null;
    context.member(topic, { group, concurrency: 8, commit: { everyMs: 5 } }, async (message, { signal }) => {
      if (history.hasReceived(message.value)) return;
      if (!lost.isOpen && message.value.sequence === 0) {
        firstAttempts += 1;
        running += 1;
        signal.addEventListener("abort", () => {
          if (isStreamError(signal.reason, "ownership-lost")) lost.open();
          else otherReason = signal.reason;
        });
        await late.opened;
        running -= 1;
        // The result of a handler does not count after the loss of its partition: the message has to be redelivered.
        if (signal.aborted) return;
      }
      history.receive(message);
    });
    await publish(context, history, topic, keyNames(8), 2);
    await context.until(() => running === 8, "handlers of every key to run");
    await context.inject({ kind: "steal-partition", topic: topic.name });
    // The next call of the member reports the loss.
    await publish(context, history, topic, keyNames(8), 1);
    if (knowsLosses(context)) {
      await context.until(() => lost.isOpen || otherReason !== null, "the signal of a running handler to abort as ownership-lost");
    }
    expectEqual(otherReason, null, "the reason of the abort is ownership-lost");
    late.open();
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
    expectTrue(firstAttempts === 8 || !knowsLosses(context), "only messages of the lost partition were redelivered");
  },
});

/**
 * A partition is taken from its owner without notice, while the owner leaves and stores its last result.
 * @returns whether the message comes again that only the former owner has handled
 */
async function comesAgain(context: CaseContext): Promise<boolean> {
  const topic = await context.topic();
  const history = context.history();
  const group = await context.group(topic);
  let isHandled = false;
  const member = context.member(topic, { group, commit: RARE_COMMITS }, async ({ partition }) => {
    await context.inject({ kind: "steal-partition", topic: topic.name, partition, operation: "commit" });
    isHandled = true;
  });
  await publish(context, history, topic, ["key"], 1);
  await context.until(() => isHandled, "the message to be handled");
  await member.close();
  await publish(context, history, topic, ["key"], 1);
  const next = context.member(topic, { group }, recordInto(history, "next"));
  await context.until(() => history.hasReceived({ key: "key", sequence: 1 }), "the next message of the key to come");
  await next.close();
  checkNothingForeign(history.sent, history.received, topic.name);
  checkOrder(history.received);
  // What the next owner has stored is not moved back by the late result.
  await publish(context, history, topic, ["key"], 1);
  const last = context.history();
  const third = context.member(topic, { group }, recordInto(last, "last"));
  await context.until(() => last.hasReceived({ key: "key", sequence: 2 }), "the message sent last to come");
  await third.close();
  expectEqual(last.received.length, 1, "messages that come after the next owner has stored its progress");
  return history.hasReceived({ key: "key", sequence: 0 });
}

const fenced = defineCase({
  name: "progress/ownership/stolen-while-committing",
  promise: 7,
  mutant: "results-of-former-owners-count",
  faults: ["steal-partition"],
  // Without fencing a late result may count. Nothing is lost by it: the former owner has handled the message.
  gates: { fencing: async (context) => void (await comesAgain(context)) },
  run: async (context) => {
    expectTrue(await comesAgain(context), "a message is redelivered if the only result is that of a former owner");
  },
});

const startStoredOnce = defineCase({
  name: "progress/ownership/start-is-stored-before-the-first-delivery",
  promise: 4,
  mutant: "forgets-the-group-when-it-is-empty",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, context.history(), topic, keyNames(8), 2);
    const first = context.member(topic, { group, initialPosition: "latest" }, recordInto(history, "first"));
    await context.until(() => first.consumer.assigned.length === topic.partitions.length, "the member to be given every partition");
    await first.close();
    // The group has handled nothing, but it has a position. So it has to handle all that is sent now.
    await publish(context, history, topic, keyNames(8), 1);
    context.member(topic, { group, initialPosition: "latest" }, recordInto(history, "second"), await context.connect());
    await untilComplete(context, history);
    expectEqual(history.received.length, 8, "number of messages: a group starts at the end once, and goes on from there");
  },
});

const epochs = defineCase({
  name: "progress/ownership/epoch-rises",
  promise: 7,
  mutant: "epoch-stands-still",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const highest = new Map<string, string>();
    for (const name of ["first", "second", "third"]) {
      const seen = new Map<string, string>();
      const member = context.member(topic, { group }, (message, { epoch }) => {
        if (epoch !== null) seen.set(message.partition, epoch);
        history.receive(message, name);
      });
      await publish(context, history, topic, keyNames(12), 1);
      await untilComplete(context, history);
      await member.close();
      for (const [partition, epoch] of seen) {
        const before = highest.get(partition);
        expectTrue(
          before === undefined || BigInt(epoch) > BigInt(before),
          `the epoch of a new owner is higher: ${epoch} came after ${before}`,
        );
        highest.set(partition, epoch);
      }
    }
  },
});

export const progressOwnershipCases = [earlierOwnership, lateResult, fenced, startStoredOnce, epochs];
