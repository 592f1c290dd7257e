import { setTimeout as later } from "node:timers/promises";
import type { Failure } from "../../../consume/consumer-types.ts";
import { expectEqual, expectSequence, expectTrue } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { Member } from "../../member.ts";
import { QUICK_RETRY } from "../../support/consumer-settings.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve());
  await promise;
}

/** Some applications throw values that are not errors. */
const NO_ERROR: unknown = "a string";

const alike = defineCase({
  name: "failing/handlers/throw-reject-and-timeout-alike",
  promise: 6,
  mutant: "takes-a-rejection-for-success",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const ways = ["throws", "rejects", "hangs", "throws-no-error"];
    await publish(context, history, topic, ways, 2);
    const failures: Failure[] = [];
    const tries = new Map<string, number>();
    const options = {
      group: await context.group(topic),
      concurrency: 8,
      handlerTimeoutMs: 400,
      retry: { ...QUICK_RETRY, maxAttempts: 2 },
      onFailure: (failure: Failure) => {
        failures.push(failure);
        context.deadline.notify();
        return "skip" as const;
      },
    };
    context.member(topic, options, async (message, { signal }) => {
      const { key, sequence } = message.value;
      if (sequence === 0) {
        tries.set(key, (tries.get(key) ?? 0) + 1);
        if (key === "throws") throw new Error("thrown");
        if (key === "rejects") await Promise.reject(new Error("rejected"));
        if (key === "throws-no-error") throw NO_ERROR;
        await aborted(signal);
        signal.throwIfAborted();
      }
      history.receive(message);
    });
    await context.until(
      () => ways.every((key) => history.hasReceived({ key, sequence: 1 })),
      () => `each key to go on after its failing message; ${history.received.length} of ${ways.length} did`,
    );
    for (const key of ways) expectEqual(tries.get(key), 2, `a handler that ${key} has as many attempts as any other handler`);
    expectEqual(failures.length, ways.length, "each failing message has one failure");
    for (const { error, attempts, message } of failures) {
      expectEqual(attempts, 2, "a failure names the attempts");
      expectEqual(error.code, message.key === "hangs" ? "timeout" : "handler-failed", `the code of a handler that ${message.key}`);
    }
    expectTrue(
      history.received.every(({ sequence }) => sequence === 1),
      "a failed message does not count as handled",
    );
  },
});

const timeoutHoldsItsKey = defineCase({
  name: "failing/handlers/timeout-holds-its-key",
  promise: 5,
  mutant: "does-not-wait-for-late-handlers",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const keys = keyNames(4);
    await publish(context, history, topic, keys, 3);
    const order: string[] = [];
    let running = 0;
    let overlapped = false;
    const options = { group: await context.group(topic), concurrency: 4, handlerTimeoutMs: 200, retry: QUICK_RETRY };
    context.member(topic, options, async (message, { signal, attempt }) => {
      if (message.value.key === keys[0]) {
        overlapped ||= running > 0;
        running += 1;
        order.push(`start ${message.value.sequence}`);
        if (message.value.sequence === 0 && attempt === 1) {
          await aborted(signal);
          // It ignores the signal for a while: the time-out has passed, and the handler still runs.
          await later(40);
          order.push("late end");
          running -= 1;
          return;
        }
        running -= 1;
      }
      history.receive(message);
    });
    await untilComplete(context, history);
    expectTrue(!overlapped, "a handler past its time-out holds its key until it has settled");
    expectSequence(order.slice(0, 3), ["start 0", "late end", "start 0"], "an attempt that timed out has failed, also if it returns later");
    // If the machine stood still for longer than the time-out, a message has one more attempt: repeats are not disorder.
    expectSequence([...new Set(order.slice(2))], ["start 0", "start 1", "start 2"], "the key goes on when its message has succeeded");
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const oneOfABatch = defineCase({
  name: "failing/handlers/one-of-a-batch",
  promise: 6,
  mutant: "ignores-a-failed-member-of-a-batch",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const keys = keyNames(3);
    await publish(context, history, topic, keys, 6);
    const stream = sequencedTopic(context.connection, topic);
    const handled: string[] = [];
    let failedOnce = false;
    const options = {
      group: await context.group(topic),
      initialPosition: topic.start,
      retry: QUICK_RETRY,
      batch: { maxMessages: 50, maxWaitMs: 20 },
    };
    context.watch(
      Member.startBatches(context.deadline, stream, options, (messages, batch) => {
        let blocked: string | null = null;
        for (const message of messages) {
          const { key, sequence } = message.value;
          if (key === blocked) continue;
          if (key === keys[0] && sequence === 2 && !failedOnce) {
            failedOnce = true;
            blocked = key;
            batch.fail(message, new Error("this one"));
          } else {
            handled.push(`${key} ${sequence}`);
            history.receive(message);
          }
        }
      }),
    );
    await untilComplete(context, history);
    expectTrue(failedOnce, "the message that fails was handed out");
    expectEqual(new Set(handled).size, handled.length, "the other messages of a batch count as handled when one has failed");
    checkOrder(history.received);
  },
});

export const failingHandlersCases = [alike, timeoutHoldsItsKey, oneOfABatch];
