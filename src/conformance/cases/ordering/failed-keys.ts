import { setImmediate as nextTurn } from "node:timers/promises";
import { type StreamError, isStreamError } from "../../../errors.ts";
import type { Producer } from "../../../publish/producer-types.ts";
import type { Receipt } from "../../../receipt.ts";
import { expectEqual, expectRejection, expectTrue, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder, checkNoDuplicates, checkOrder } from "../../history/check.ts";
import { type History, identify } from "../../history/history.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../../history/sequenced.ts";
import { readStored } from "../../support/stream-steps.ts";

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

/** Queues messages of several keys in one tick; one of them fails permanently. @returns how each ended */
async function sendWithOneFailure(
  context: CaseContext,
  producer: Producer<Sequenced>,
  history: History,
  topic: CaseTopic,
): Promise<{ outcomes: readonly Settled[]; failedKey: string }> {
  await context.inject({ kind: "fail-entry", topic: topic.name });
  const sends: Promise<Settled>[] = [];
  for (let round = 0; round < 6; round += 1) {
    for (const key of keyNames(6)) {
      const value = history.next(topic.name, key);
      sends.push(settle(value, producer.send({ value })));
    }
  }
  const outcomes = await context.within(Promise.all(sends), "all sends to settle");
  const culprits = outcomes.filter(({ error }) => error !== null && error.code !== "key-blocked");
  expectEqual(culprits.length, 1, "number of messages that fail permanently");
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
      if (failed) expectEqual(error?.code, "key-blocked", "a message behind a failed one of its key is never handed to the provider");
      failed ||= error !== null;
    }
    for (const { value, error } of outcomes) {
      if (value.key !== failedKey && error !== null)
        throw new PromiseViolation(`another key goes on, but ${value.key} failed with ${showError(error)}`);
    }
    await readStored(context, history, topic);
    checkOrder(history.received);
    checkNoDuplicates(history.received);
    const resolved = new Set(outcomes.filter(({ error }) => error === null).map(({ value }) => identify(value)));
    for (const value of history.received) expectTrue(resolved.has(identify(value)), "no message that failed or was blocked is stored");
    expectEqual(history.distinct, resolved.size, "everything that resolved is stored");
    await context.within(producer.send({ value: history.next(topic.name, failedKey) }), "the next send of the key to be stored");
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

const onlyTheInvalidFail = defineCase({
  name: "ordering/failed-keys/innocent-keys-go-on",
  promise: 2,
  mutant: "blames-the-whole-call",
  faults: ["fail-entry"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer({ retry: { initialDelayMs: 1, maxDelayMs: 10 } });
    const outcomes: Settled[] = [];
    for (let failure = 0; failure < 2; failure += 1) {
      await context.inject({ kind: "fail-entry", topic: topic.name });
      const sends: Promise<Settled>[] = [];
      // What is sent while the culprit is searched for queues up behind it.
      for (let tick = 0; tick < 10; tick += 1) {
        for (const key of keyNames(12)) {
          const value = history.next(topic.name, key);
          sends.push(settle(value, producer.send({ value })));
        }
        await nextTurn();
      }
      const settled = await context.within(Promise.all(sends), "all sends to settle");
      const culprits = settled.filter(({ error }) => error !== null && error.code !== "key-blocked");
      expectEqual(culprits.length, 1, "number of messages that fail for good: the invalid one");
      for (const { value, error } of settled) {
        if (value.key !== culprits[0]!.value.key && error !== null) {
          throw new PromiseViolation(`a message in the same call as an invalid one failed: ${value.key}, with ${showError(error)}`);
        }
      }
      outcomes.push(...settled);
    }
    await readStored(context, history, topic);
    checkOrder(history.received);
    checkNoDuplicates(history.received);
    expectEqual(history.distinct, outcomes.filter(({ error }) => error === null).length, "what resolved is stored, and nothing else");
  },
});

const orderWhileIsolating = defineCase({
  name: "ordering/failed-keys/order-while-a-culprit-is-searched",
  promise: 2,
  mutant: "isolates-out-of-order",
  faults: ["fail-entry"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer({ retry: { initialDelayMs: 1, maxDelayMs: 10 } });
    await context.inject({ kind: "fail-entry", topic: topic.name });
    const values = Array.from({ length: 40 }, () => keyNames(3).map((key) => history.next(topic.name, key))).flat();
    let failed: readonly number[] = [];
    try {
      await context.within(producer.sendBatch(values.map((value) => ({ value }))), "a batch with an invalid message to settle");
    } catch (error) {
      if (!isStreamError(error)) throw error;
      failed = error.batch?.failures.map(({ index }) => index) ?? [];
    }
    const failedKeys = new Set(failed.map((index) => values[index]!.key));
    expectEqual(failedKeys.size, 1, "number of keys with a failure");
    await readStored(context, history, topic);
    checkOrder(history.received);
    checkNoDuplicates(history.received);
    expectEqual(history.distinct, values.length - failed.length, "what resolved is stored, and nothing else");
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

export const orderingFailedKeysCases = [blocksItsKey, holds, onlyTheInvalidFail, orderWhileIsolating, refusalBlocksNothing];
