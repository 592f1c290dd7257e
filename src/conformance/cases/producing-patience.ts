import { setImmediate as nextTurn, setTimeout as later } from "node:timers/promises";
import { isStreamError } from "../../errors.ts";
import type { Producer } from "../../publish/producer-types.ts";
import { expectEqual, expectTrue } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkAtLeastOnceInOrder, checkComplete, checkExactlyOnceInOrder, checkOrder } from "../history/check.ts";
import { type History, identify } from "../history/history.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../history/sequenced.ts";
import { readStored } from "../stream-steps.ts";

/** Longer than any producer needs to look at what it has open. */
const SLOW_MS = 120;

/** Sends of several keys, and a flush right behind them: all have settled when it has. */
async function flushed(context: CaseContext, producer: Producer<Sequenced>, history: History, topic: CaseTopic): Promise<void> {
  let settled = 0;
  const sends = keyNames(8).flatMap((key) =>
    [1, 2, 3].map(() => context.later(producer.send({ value: history.next(topic.name, key) }).then(() => void (settled += 1)))),
  );
  await context.within(producer.flush(), "flush to resolve");
  expectEqual(settled, sends.length, "when flush resolves, everything sent before it has settled, however slow it is");
  await Promise.all(sends);
}

const slowlyEncoded = defineCase({
  name: "producing/flush/slowly-encoded",
  promise: 1,
  mutant: "flush-waits-a-moment",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const codec = {
      ...sequencedCodec,
      encode: async (value: Sequenced): Promise<Uint8Array> => {
        await later(SLOW_MS);
        return sequencedCodec.encode(value, { topic: topic.name, key: value.key, headers: {} });
      },
    };
    const producer = context.connection.topic(topic.name, { codec, key: (value: Sequenced) => value.key }).producer();
    await flushed(context, producer, history, topic);
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const stalled = defineCase({
  name: "producing/flush/stalled",
  promise: 1,
  mutant: "flush-waits-a-moment",
  faults: ["stall"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    await context.within(producer.send({ value: history.next(topic.name, "first") }), "a first send");
    context.inject({ kind: "stall", topic: topic.name, durationMs: SLOW_MS, times: 3 });
    await flushed(context, producer, history, topic);
    await readStored(context, history, topic);
    // A producer may give a slow call up, and not know whether it was stored.
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const DELIVERY_TIMEOUT_MS = 1_000;

const expiredBlocksItsKey = defineCase({
  name: "ordering/publish/expired-blocks-its-key",
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
      // On a machine that stood still its own deadline may have passed as well.
      expectTrue(
        codes[sequence] === "key-blocked" || codes[sequence] === "timeout",
        `what is queued behind an expired message of its key fails in the same step, not ${codes[sequence] ?? "later"}`,
      );
    }
    await context.within(Promise.all(followers), "the followers to settle");
    latch.open();
    await context.within(producer.flush(), "flush to resolve");
    await readStored(context, history, topic);
    expectEqual(history.received.length, 0, "nothing is stored of what was never handed over");
  },
});

/** Long enough to see, before the next attempt, that the call was stored. */
const BACK_OFF = { initialDelayMs: 1_000, maxDelayMs: 1_000 };

const givenUpBetweenAttempts = defineCase({
  name: "ordering/publish/given-up-between-attempts",
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
    // One in the middle is given up, others come behind: what goes now begins as before and is another call.
    changedMind.abort(new Error("changed my mind"));
    for (const key of ["a", "c", "d", "a", "d"]) sends.push(send(key));
    await context.within(Promise.all(sends), "the other messages to be stored");
    await readStored(context, history, topic);
    checkOrder(history.received);
    checkComplete(resolved, history.received);
    const distinct = new Set(history.sent.map(identify));
    expectTrue(
      history.received.every((value) => distinct.has(identify(value))),
      "nothing comes that was not sent",
    );
  },
});

export const producingPatienceCases = [slowlyEncoded, stalled, expiredBlocksItsKey, givenUpBetweenAttempts];
