import { setImmediate as nextTurn } from "node:timers/promises";
import { type StreamError, isStreamError } from "../../../errors.ts";
import type { Producer } from "../../../publish/producer-types.ts";
import type { Receipt } from "../../../receipt.ts";
import { expectEqual, expectRejection, expectTrue, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { EnvironmentMissing, PromiseViolation } from "../../case-outcome.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkComplete, checkExactlyOnceInOrder, checkNoDuplicates, checkOrder } from "../../history/check.ts";
import { type History, identify } from "../../history/history.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../../history/sequenced.ts";
import { publish, readStored } from "../../support/stream-steps.ts";

interface Settled {
  readonly value: Sequenced;
  readonly error: StreamError | null;
}

async function settle(value: Sequenced, send: Promise<Receipt>): Promise<Settled> {
  try {
    await send;
    return { value, error: null };
  } catch (error) {
    if (isStreamError(error)) return { value, error };
    throw error;
  }
}

/** Queues several keys in one tick with one message that fails for good among them, and says how each ended. */
async function sendWithOneFailure(
  context: CaseContext,
  producer: Producer<Sequenced>,
  history: History,
  topic: CaseTopic,
): Promise<{ outcomes: readonly Settled[]; failedKey: string }> {
  context.inject({ kind: "fail-entry", topic: topic.name });
  const sends: Promise<Settled>[] = [];
  for (let round = 0; round < 6; round += 1) {
    for (const key of keyNames(6)) {
      const value = history.next(topic.name, key);
      sends.push(settle(value, producer.send({ value })));
    }
  }
  const outcomes = await context.within(Promise.all(sends), "all sends to settle");
  const culprits = outcomes.filter(({ error }) => error !== null && error.code !== "key-blocked");
  expectEqual(culprits.length, 1, "one message fails for good");
  return { outcomes, failedKey: culprits[0]!.value.key };
}

const blocksItsKey = defineCase({
  name: "ordering/failed-keys/failure-blocks-its-key",
  promise: 2,
  mutant: "stores-what-it-refuses",
  faults: ["fail-entry"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const { outcomes, failedKey } = await sendWithOneFailure(context, producer, history, topic);
    let failed = false;
    for (const { error } of outcomes.filter((outcome) => outcome.value.key === failedKey)) {
      if (failed)
        expectEqual(error?.code, "key-blocked", "what is queued behind a failed message of its key is never handed to the provider");
      failed ||= error !== null;
    }
    for (const { value, error } of outcomes) {
      if (value.key !== failedKey && error !== null)
        throw new PromiseViolation(`another key goes on, but ${value.key} was told ${showError(error)}`);
    }
    await readStored(context, history, topic);
    checkOrder(history.received);
    checkNoDuplicates(history.received);
    const resolved = new Set(outcomes.filter(({ error }) => error === null).map(({ value }) => identify(value)));
    for (const value of history.received) expectTrue(resolved.has(identify(value)), "nothing is stored of what failed or was blocked");
    expectEqual(history.distinct, resolved.size, "everything that resolved is stored");
    await context.within(producer.send({ value: history.next(topic.name, failedKey) }), "the next send of the key to start afresh");
  },
});

const holds = defineCase({
  name: "ordering/failed-keys/hold-a-failed-key",
  promise: 2,
  mutant: "ignores-hold",
  faults: ["fail-entry"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer({ onKeyFailure: "hold" });
    const { failedKey } = await sendWithOneFailure(context, producer, history, topic);
    const next = (key: string): { value: Sequenced } => ({ value: history.next(topic.name, key) });
    await expectRejection(
      async () => context.within(producer.send(next(failedKey)), "a send to a held key"),
      "key-blocked",
      "a held key stays blocked",
    );
    const otherKey = keyNames(6).find((key) => key !== failedKey)!;
    await context.within(producer.send(next(otherKey)), "a send of another key");
    producer.releaseKey(failedKey);
    const released = next(failedKey);
    await context.within(producer.send(released), "a send after the key was released");
    await readStored(context, history, topic);
    expectTrue(history.hasReceived(released.value), "a released key goes on");
    checkOrder(history.received);
  },
});

const refusalBlocksNothing = defineCase({
  name: "ordering/failed-keys/refusal-blocks-nothing",
  promise: 2,
  mutant: "refusal-blocks-the-key",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const codec = {
      ...sequencedCodec,
      encode: (value: Sequenced): Uint8Array => {
        if (value.sequence < 0) throw new Error("not encodable");
        return sequencedCodec.encode(value, { topic: topic.name, key: value.key, headers: {} }) as Uint8Array;
      },
    };
    const producer = context.connection.topic(topic.name, { codec, key: (value: Sequenced) => value.key }).producer();
    const sends: Promise<unknown>[] = [];
    for (let round = 0; round < 5; round += 1) {
      for (const key of keyNames(4)) sends.push(producer.send({ value: history.next(topic.name, key) }));
      const bad = producer.send({ value: { key: "key-1", sequence: -1, topic: topic.name } });
      sends.push(expectRejection(async () => bad, "invalid-argument", "a message that cannot be encoded"));
    }
    await context.within(Promise.all(sends), "all sends to settle");
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const independentKeys = defineCase({
  name: "ordering/failed-keys/independent-keys",
  promise: 3,
  mutant: "one-lane-for-all",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const keys = keyNames(12);
    // Where each key lives: keys of one partition share its fate where the provider orders by partition.
    await publish(context, history, topic, keys, 1);
    await readStored(context, history, topic);
    const partitionOf = new Map(history.received.map(({ key, partition }) => [key, partition]));
    const slow = keys[0]!;
    const shares = (key: string): boolean =>
      context.capabilities.orderingUnit === "partition" && partitionOf.get(key) === partitionOf.get(slow);
    const others = keys.filter((key) => key !== slow && !shares(key));
    if (others.length === 0) throw new EnvironmentMissing("topics: twelve keys share one partition, and with it one fate");
    const latch = context.latch();
    const codec = {
      ...sequencedCodec,
      encode: async (value: Sequenced): Promise<Uint8Array> => {
        if (value.key === slow) await latch.opened;
        return sequencedCodec.encode(value, { topic: topic.name, key: value.key, headers: {} });
      },
    };
    const producer = context.connection.topic(topic.name, { codec, key: (value: Sequenced) => value.key }).producer();
    await context.within(
      Promise.all(others.map((key) => producer.send({ value: history.next(topic.name, key) }))),
      "sends before the slow key",
    );
    const slowSend = context.later(producer.send({ value: history.next(topic.name, slow) }));
    const sends = others.map((key) => producer.send({ value: history.next(topic.name, key) }));
    await context.within(Promise.all(sends), "other keys to be stored while one is slow");
    latch.open();
    await context.within(slowSend, "the slow key to be stored in the end");
  },
});

/** Nothing is tried again before the deadline. */
const LONG_BACK_OFF = { initialDelayMs: 60_000, maxDelayMs: 60_000 };

const DEADLINE_MS = 3_000;

/** How much later the deadline of the last message is, so that it is still ahead when the others have failed. */
const LATER_MS = 500;

const neverHandedOver = defineCase({
  name: "ordering/failed-keys/blocked-means-never-handed-over",
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

const DELIVERY_TIMEOUT_MS = 1_000;

const expiredBlocksItsKey = defineCase({
  name: "ordering/failed-keys/expired-blocks-its-key",
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
  name: "ordering/failed-keys/given-up-between-attempts",
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

export const orderingFailedKeysCases = [
  blocksItsKey,
  holds,
  refusalBlocksNothing,
  independentKeys,
  neverHandedOver,
  expiredBlocksItsKey,
  givenUpBetweenAttempts,
];
