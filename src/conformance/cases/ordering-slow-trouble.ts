import { setImmediate as nextTurn } from "node:timers/promises";
import type { FaultKind } from "../../driver/fault.ts";
import { type StreamError, isStreamError } from "../../errors.ts";
import type { Receipt } from "../../receipt.ts";
import { expectEqual, expectTrue } from "../assertions.ts";
import type { DefinedCase } from "../case.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder, checkOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { readStored } from "../stream-steps.ts";

const STALL_MS = 60;

interface SlowFault {
  readonly name: string;
  readonly fault: FaultKind;
  readonly mutant: string;
  readonly mayRepeat: boolean;
}

/** A call takes its time and fails then: what was sent meanwhile is queued behind it, and has to stay there. */
function slowFault({ name, mutant, fault, mayRepeat }: SlowFault): DefinedCase {
  return defineCase({
    name: `ordering/publish/${name}`,
    promise: 2,
    mutant,
    faults: ["stall", fault],
    run: async (context) => {
      const topic = await context.topic();
      const history = context.history();
      const keys = keyNames(8);
      const producer = sequencedTopic(context.connection, topic).producer({ retry: { initialDelayMs: 1, maxDelayMs: 10 } });
      await context.within(producer.send({ value: history.next(topic.name, keys[0]!) }), "a first send");
      context.inject({ kind: "stall", topic: topic.name, durationMs: STALL_MS, times: 3 });
      context.inject({ kind: fault, topic: topic.name, times: 3 });
      const sends: Promise<Receipt>[] = [];
      for (let tick = 0; tick < 20; tick += 1) {
        for (const key of keys) sends.push(context.later(producer.send({ value: history.next(topic.name, key) })));
        await nextTurn();
      }
      await context.within(Promise.all(sends), "all sends to resolve in spite of the trouble");
      await context.within(producer.close(), "a producer to close that has stored everything");
      await readStored(context, history, topic);
      (mayRepeat ? checkAtLeastOnceInOrder : checkExactlyOnceInOrder)(history.sent, history.received, topic.name);
    },
  });
}

/** Nothing is tried again before the deadline. */
const LONG_BACK_OFF = { initialDelayMs: 60_000, maxDelayMs: 60_000 };
const DEADLINE_MS = 3_000;
/** How much later the deadline of the last message is, so that it is still ahead when the others have failed. */
const LATER_MS = 500;

const neverHandedOver = defineCase({
  name: "ordering/publish/blocked-means-never-handed-over",
  promise: 2,
  mutant: "calls-the-unknown-blocked",
  faults: ["fail-after-write"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer({ retry: LONG_BACK_OFF, deliveryTimeoutMs: DEADLINE_MS });
    await context.within(producer.send({ value: context.history().next(topic.name, "another key") }), "a first send");
    context.inject({ kind: "fail-after-write", topic: topic.name });
    const errors = new Map<number, StreamError>();
    const send = async (): Promise<void> => {
      const value = history.next(topic.name, "key");
      try {
        await producer.send({ value });
      } catch (error) {
        if (!isStreamError(error)) throw error;
        errors.set(value.sequence, error);
      }
    };
    // Two in a call whose answer is lost, and one that comes when it has been.
    const sends = [send(), send()];
    await context.deadline.untilAsked(async () => {
      const stored = context.history();
      await readStored(context, stored, topic);
      return stored.received.length > 1;
    }, "the call to be stored whose answer is lost");
    await context.deadline.pause(LATER_MS, "the last message to have a later deadline");
    sends.push(send());
    await context.within(Promise.all(sends), "the messages of the key to fail");
    expectEqual(errors.get(0)?.code, "outcome-unknown", "the code of a message whose deadline passed after it had left");
    await readStored(context, history, topic);
    checkOrder(history.received);
    for (const [sequence, error] of errors) {
      const isStored = history.hasReceived({ key: "key", sequence });
      expectTrue(
        error.code === "outcome-unknown" || ((error.code === "key-blocked" || error.code === "timeout") && !isStored),
        `a message that was handed to the provider is of unknown outcome, not ${error.code}: #${sequence}`,
      );
    }
    // On a machine that was away for longer its own deadline has passed as well.
    const last = errors.get(2);
    expectTrue(
      isStreamError(last, "key-blocked", "timeout"),
      `a message that was queued behind it and never handed over is key-blocked, not ${last?.code}`,
    );
  },
});

export const slowFaultCases = [
  slowFault({ name: "slow-and-throttled", mutant: "retries-behind-the-queue", fault: "throttle", mayRepeat: false }),
  slowFault({
    name: "slow-and-failed-before-the-write",
    mutant: "retries-behind-the-queue",
    fault: "fail-before-write",
    mayRepeat: false,
  }),
  slowFault({ name: "slow-and-of-unknown-outcome", mutant: "stores-every-second-call-late", fault: "fail-after-write", mayRepeat: true }),
  slowFault({ name: "slow-and-disconnected", mutant: "retries-behind-the-queue", fault: "disconnect", mayRepeat: true }),
  neverHandedOver,
];
