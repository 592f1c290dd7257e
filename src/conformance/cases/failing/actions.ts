import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectSequence, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import type { CaseTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkComplete, checkOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { QUICK_RETRY } from "../../support/consumer-settings.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const BAD = { key: "key-0", sequence: 2 };

function isBad(value: { readonly key: string; readonly sequence: number }): boolean {
  return value.key === BAD.key && value.sequence === BAD.sequence;
}

/** Publishes several keys, one of which has a message that will fail. */
async function published(context: CaseContext): Promise<{ topic: CaseTopic; history: History; group: string }> {
  const topic = await context.topic();
  const history = context.history();
  await publish(context, history, topic, keyNames(8), 5);
  return { topic, history, group: await context.group(topic) };
}

const retried = defineCase({
  name: "failing/actions/retried-in-place",
  promise: 6,
  mutant: "retries-at-the-end",
  run: async (context) => {
    const { topic, history, group } = await published(context);
    const tried: number[] = [];
    const attempts: number[] = [];
    context.member(topic, { group, concurrency: 4, retry: QUICK_RETRY }, (message, { attempt }) => {
      if (message.value.key === BAD.key) tried.push(message.value.sequence);
      if (isBad(message.value)) {
        attempts.push(attempt);
        if (attempts.length < 3) throw new Error("not yet");
      }
      history.receive(message);
    });
    await untilComplete(context, history);
    expectSequence(tried, [0, 1, 2, 2, 2, 3, 4], "a failing message holds back its key until it succeeds");
    expectSequence(
      attempts.map((attempt) => attempt - attempts[0]!),
      [0, 1, 2],
      "attempts are counted",
    );
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const othersGoOn = defineCase({
  name: "failing/actions/other-keys-go-on",
  promise: 6,
  mutant: "orders-by-partition",
  run: async (context) => {
    const { topic, history, group } = await published(context);
    const others = history.sent.filter(({ key }) => key !== BAD.key).length;
    const handledOfOthers = (): number => history.received.filter(({ key }) => key !== BAD.key).length;
    let healed = false;
    context.member(topic, { group, concurrency: 2, retry: { ...QUICK_RETRY, maxAttempts: 1_000_000 } }, (message) => {
      if (message.value.key === BAD.key && !healed) throw new Error("not before the others");
      history.receive(message);
    });
    await context.until(
      () => handledOfOthers() >= others,
      () => `a failing key blocks no other: ${handledOfOthers()} of ${others} messages of other keys were handled`,
    );
    healed = true;
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const everyTenth = defineCase({
  name: "failing/actions/every-tenth-once",
  promise: 6,
  mutant: "skips-what-failed",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(10), 20);
    const failed = new Set<string>();
    let handled = 0;
    context.member(topic, { group: await context.group(topic), concurrency: 8, retry: QUICK_RETRY }, (message) => {
      handled += 1;
      const name = `${message.value.key} ${message.value.sequence}`;
      if (handled % 10 === 0 && !failed.has(name)) {
        failed.add(name);
        throw new Error("every tenth fails once");
      }
      history.receive(message);
    });
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const stop = defineCase({
  name: "failing/actions/stop-stays-before-the-message",
  promise: 6,
  mutant: "settles-what-failed",
  run: async (context) => {
    const { topic, history, group } = await published(context);
    const cause = new Error("poison");
    const member = context
      .member(topic, { group, concurrency: 4, retry: { ...QUICK_RETRY, maxAttempts: 2 } }, (message) => {
        if (isBad(message.value)) throw cause;
        history.receive(message, "first");
      })
      .expectFailure();
    const error = await member.failure("run to reject after the last attempt");
    expectTrue(isStreamError(error, "handler-failed"), "run rejects as handler-failed");
    expectTrue(error.cause === cause, "the cause is what the handler threw");
    const second = history.continued();
    context.member(topic, { group, concurrency: 4 }, recordInto(second, "second"), await context.connect());
    await context.until(
      () => [2, 3, 4].every((sequence) => second.hasReceived({ key: BAD.key, sequence })),
      () =>
        `the failed message and those of its key behind it to be redelivered; of the key, these were delivered: #${second.receivedOf(BAD.key).join(", #")}`,
    );
    checkOrder(second.received);
    const all = (): number => new Set([...history.received, ...second.received].map(({ key, sequence }) => `${key} ${sequence}`)).size;
    await context.until(
      () => all() === history.sent.length,
      () => `completeness: ${all()} of ${history.sent.length} messages handled by the two members`,
    );
    checkComplete(history.sent, [...history.received, ...second.received]);
  },
});

const skip = defineCase({
  name: "failing/actions/skip-counts-as-handled",
  promise: 6,
  mutant: "stops-at-what-failed",
  run: async (context) => {
    const { topic, history, group } = await published(context);
    let attempts = 0;
    const options = { group, concurrency: 4, retry: { ...QUICK_RETRY, maxAttempts: 3 }, onFailure: "skip" } as const;
    const first = context.member(topic, options, (message) => {
      if (isBad(message.value)) {
        attempts += 1;
        throw new Error("poison");
      }
      history.receive(message, "first");
    });
    await context.until(
      () => history.distinct === history.sent.length - 1,
      () => `all but the skipped message to be handled: ${history.distinct} of ${history.sent.length - 1}`,
    );
    expectEqual(attempts, 3, "a message is skipped after maxAttempts calls of the handler");
    checkOrder(history.received);
    await first.close();
    const after = history.continued();
    context.member(topic, { group }, recordInto(after, "second"), await context.connect());
    await publish(context, after, topic, keyNames(8), 1);
    await untilComplete(context, after);
    expectTrue(!after.hasReceived(BAD), "a skipped message counts as handled");
  },
});

const notWorthAnother = defineCase({
  name: "failing/actions/not-worth-another-attempt",
  promise: 6,
  mutant: "retries-everything",
  run: async (context) => {
    const { topic, history, group } = await published(context);
    let attempts = 0;
    const hopeless = new Error("hopeless");
    const retry = { ...QUICK_RETRY, maxAttempts: 5, retryable: (error: unknown) => error !== hopeless };
    context.member(topic, { group, concurrency: 4, retry, onFailure: "skip" }, (message) => {
      if (isBad(message.value)) {
        attempts += 1;
        throw hopeless;
      }
      history.receive(message);
    });
    await context.until(() => history.distinct === history.sent.length - 1, "all but the hopeless message to be handled");
    expectEqual(attempts, 1, "an error that is not retryable gets no further attempt");
  },
});

export const failingActionsCases = [retried, othersGoOn, everyTenth, stop, skip, notWorthAnother];
