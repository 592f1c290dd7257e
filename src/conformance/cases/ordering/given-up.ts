import { setImmediate as nextTurn } from "node:timers/promises";
import { type StreamError, isStreamError } from "../../../errors.ts";
import { expectEqual, expectTrue } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkComplete, checkOrder } from "../../history/check.ts";
import { identify } from "../../history/history.ts";
import { type Sequenced, sequencedCodec } from "../../history/sequenced.ts";
import { readStored } from "../../support/stream-steps.ts";

/** No retry before the deadline. */
const LONG_BACK_OFF = { initialDelayMs: 60_000, maxDelayMs: 60_000 };

const DEADLINE_MS = 3_000;

/** How much later the deadline of the last message is, so that it has not passed when the others fail. */
const LATER_MS = 500;

const neverHandedOver = defineCase({
  name: "ordering/given-up/blocked-means-never-handed-over",
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
    // Two messages in a call whose answer is lost, and one that is sent after that.
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
    // If the machine stood still for long, its own deadline has passed too.
    const last = errors.get(2);
    expectTrue(
      isStreamError(last, "key-blocked", "timeout"),
      `a message that was queued behind it and never handed over is key-blocked, not ${last?.code}`,
    );
  },
});

const DELIVERY_TIMEOUT_MS = 1_000;

const expiredBlocksItsKey = defineCase({
  name: "ordering/given-up/expired-blocks-its-key",
  promise: 2,
  mutant: "sends-what-was-blocked",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const latch = context.latch();
    const codec = {
      ...sequencedCodec,
      encode: async (value: Sequenced): Promise<Uint8Array> => {
        if (value.sequence === 0) await latch.opened;
        return sequencedCodec.encode(value, { topic: topic.name, key: value.key, headers: {} });
      },
    };
    const stream = context.connection.topic(topic.name, { codec, key: (value: Sequenced) => value.key });
    const producer = stream.producer({ deliveryTimeoutMs: DELIVERY_TIMEOUT_MS });
    const codes: string[] = [];
    const send = async (): Promise<void> => {
      const value = history.next(topic.name, "key");
      try {
        await producer.send({ value });
        codes[value.sequence] = "stored";
      } catch (error) {
        if (!isStreamError(error)) throw error;
        codes[value.sequence] = error.code;
      }
    };
    const first = send();
    await context.deadline.pause(DELIVERY_TIMEOUT_MS / 2, "the followers of a message to have a later deadline");
    const followers = [send(), send()];
    await context.within(first, "a message to be given up at its deadline");
    await nextTurn();
    expectEqual(codes[0], "timeout", "the code of a message that was never handed over by its deadline");
    for (const sequence of [1, 2]) {
      // If the machine stood still, its own deadline may have passed too.
      expectTrue(
        codes[sequence] === "key-blocked" || codes[sequence] === "timeout",
        `a message behind an expired one of its key fails in the same step, not ${codes[sequence] ?? "later"}`,
      );
    }
    await context.within(Promise.all(followers), "the followers to settle");
    latch.open();
    await context.within(producer.flush(), "flush to resolve");
    await readStored(context, history, topic);
    expectEqual(history.received.length, 0, "stored messages that were never handed over");
  },
});

/** Long enough to see that the call was stored, before the next attempt. */
const BACK_OFF = { initialDelayMs: 1_000, maxDelayMs: 1_000 };

const givenUpBetweenAttempts = defineCase({
  name: "ordering/given-up/between-attempts",
  promise: 2,
  mutant: "takes-one-slice-for-another",
  faults: ["fail-after-write"],
  run: async (context) => {
    const topic = await context.topic({ partitions: 1 });
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer({ retry: BACK_OFF });
    context.inject({ kind: "fail-after-write", topic: topic.name });
    const changedMind = new AbortController();
    const resolved: Sequenced[] = [];
    const send = async (key: string, signal?: AbortSignal): Promise<void> => {
      const value = history.next(topic.name, key);
      try {
        await producer.send({ value }, { signal });
        resolved.push(value);
      } catch (error) {
        if (signal === undefined || !isStreamError(error, "outcome-unknown")) throw error;
      }
    };
    const sends = [send("a"), send("b", changedMind.signal), send("c")];
    await context.deadline.untilAsked(async () => {
      const stored = context.history();
      await readStored(context, stored, topic);
      return stored.distinct === sends.length;
    }, "the call to be stored whose answer is lost");
    // One message in the middle is given up, and others are added: the next call begins with the same message but differs.
    changedMind.abort(new Error("changed my mind"));
    for (const key of ["a", "c", "d", "a", "d"]) sends.push(send(key));
    await context.within(Promise.all(sends), "the other messages to be stored");
    await readStored(context, history, topic);
    checkOrder(history.received);
    checkComplete(resolved, history.received);
    const distinct = new Set(history.sent.map(identify));
    expectTrue(
      history.received.every((value) => distinct.has(identify(value))),
      "every stored message was sent",
    );
  },
});

export const orderingGivenUpCases = [neverHandedOver, expiredBlocksItsKey, givenUpBetweenAttempts];
