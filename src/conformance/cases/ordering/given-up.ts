import { setImmediate as nextTurn } from "node:timers/promises";
import { type StreamError, isStreamError } from "../../../errors.ts";
import type { Producer } from "../../../publish/producer-types.ts";
import { expectEqual, expectTrue } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkComplete, checkOrder } from "../../history/check.ts";
import { identify } from "../../history/history.ts";
import { type Sequenced, sequencedCodec } from "../../history/sequenced.ts";
import { readStored } from "../../support/stream-steps.ts";
import { untilRetried } from "../../support/until-retried.ts";

/** No retry before the deadline. */
const LONG_BACK_OFF = { initialDelayMs: 60_000, maxDelayMs: 60_000 };
/** The deadline for a provider that answers at once. For a slow provider the time of a first send is added. */
const DEADLINE_MS = 2_000;

const neverHandedOver = defineCase({
  name: "ordering/given-up/blocked-means-never-handed-over",
  promise: 2,
  mutant: "calls-the-unknown-blocked",
  faults: ["fail-after-write"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const firstSend = async (producer: Producer<Sequenced>): Promise<number> => {
      const startedAtMs = performance.now();
      await context.within(producer.send({ value: context.history().next(topic.name, "another key") }), "a first send");
      return performance.now() - startedAtMs;
    };
    const tookMs = await firstSend(sequencedTopic(context.connection, topic).producer());
    const deliveryTimeoutMs = DEADLINE_MS + Math.ceil(tookMs);
    const producer = sequencedTopic(context.connection, topic).producer({ retry: LONG_BACK_OFF, deliveryTimeoutMs });
    await firstSend(producer);
    await context.inject({ kind: "fail-after-write", topic: topic.name });
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
    const sends: Promise<void>[] = [];
    await untilRetried(context, topic, () => sends.push(send(), send()));
    sends.push(send());
    await context.within(Promise.all(sends), "the messages of the key to fail");
    expectEqual(errors.get(0)?.code, "outcome-unknown", "the code of a message whose deadline passed after it had left");
    await readStored(context, history, topic);
    checkOrder(history.received);
    expectTrue(history.hasReceived({ key: "key", sequence: 0 }), "the call whose answer was lost is stored");
    for (const [sequence, error] of errors) {
      const isStored = history.hasReceived({ key: "key", sequence });
      expectTrue(
        error.code === "outcome-unknown" || (error.code === "key-blocked" && !isStored),
        `a message that was handed to the provider is of unknown outcome, not ${error.code}: #${sequence}`,
      );
    }
    // The other messages of the key fail together with the first one, however late the deadlines are checked and whatever their own deadline is.
    expectEqual(errors.get(2)?.code, "key-blocked", "the code of a message that was queued behind it and never handed over");
  },
});

const DELIVERY_TIMEOUT_MS = 1_000;
/** Long enough for a separate deadline, and short enough for a slow machine to send before the first deadline. */
const LATER_MS = 100;

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
    await context.deadline.pause(LATER_MS, "the followers of a message to have a later deadline");
    const followers = [send(), send()];
    await context.within(first, "a message to be given up at its deadline");
    await nextTurn();
    expectEqual(codes[0], "timeout", "the code of a message that was never handed over by its deadline");
    for (const sequence of [1, 2])
      expectEqual(codes[sequence], "key-blocked", "a message behind an expired one of its key fails in the same step");
    await context.within(Promise.all(followers), "the followers to settle");
    latch.open();
    await context.within(producer.flush(), "flush to resolve");
    await readStored(context, history, topic);
    expectEqual(history.received.length, 0, "stored messages that were never handed over");
  },
});

/** Between the attempts one message is given up and others are sent. */
const BACK_OFF = { initialDelayMs: 100, maxDelayMs: 100 };

const givenUpBetweenAttempts = defineCase({
  name: "ordering/given-up/between-attempts",
  promise: 2,
  mutant: "takes-one-slice-for-another",
  faults: ["fail-after-write"],
  run: async (context) => {
    const topic = await context.topic({ partitions: 1 });
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer({ retry: BACK_OFF });
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
    await context.within(send("first"), "a first send");
    await context.inject({ kind: "fail-after-write", topic: topic.name });
    const sends: Promise<void>[] = [];
    await untilRetried(context, topic, () => sends.push(send("a"), send("b", changedMind.signal), send("c")));
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
