import { setTimeout as later } from "node:timers/promises";
import type { Producer } from "../../../publish/producer-types.ts";
import { expectEqual } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../../history/sequenced.ts";
import { readStored } from "../../support/stream-steps.ts";

const flush = defineCase({
  name: "producing/flush/everything",
  promise: 1,
  mutant: "flush-returns-at-once",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    let settled = 0;
    const sends: Promise<void>[] = [];
    for (let round = 0; round < 6; round += 1) {
      for (const key of keyNames(8)) {
        const send = producer.send({ value: history.next(topic.name, key) });
        sends.push(context.later(send.then(() => void (settled += 1))));
      }
    }
    await context.within(producer.flush(), "flush to resolve");
    expectEqual(settled, sends.length, "when flush resolves, everything sent before it has settled");
    await Promise.all(sends);
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

/** Longer than a producer that only checks its queue once would wait. */
const SLOW_MS = 120;

/** Sends messages of several keys and flushes at once: all sends have settled when flush resolves. */
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
    await context.inject({ kind: "stall", topic: topic.name, durationMs: SLOW_MS, times: 3 });
    await flushed(context, producer, history, topic);
    await readStored(context, history, topic);
    // A producer may give up a slow call without knowing whether it was stored.
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const producingFlushCases = [flush, slowlyEncoded, stalled];
