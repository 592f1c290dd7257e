import { setImmediate as nextTurn } from "node:timers/promises";
import type { Codec } from "../../../codec/codec.ts";
import type { FaultKind } from "../../../driver/fault.ts";
import { isStreamError } from "../../../errors.ts";
import type { Receipt } from "../../../receipt.ts";
import { expectEqual, expectTrue, showError } from "../../assertions.ts";
import type { DefinedCase } from "../../case.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../../history/sequenced.ts";
import { plainText } from "../../plain-codecs.ts";
import { publish, readAll, readStored } from "../../support/stream-steps.ts";

/** How long the provider delays a call. */
const LONG_STALL_MS = 1_000;

const blocksNothing = defineCase({
  name: "ordering/publish/aborted-blocks-nothing",
  promise: 2,
  mutant: "abort-blocks-the-key",
  faults: ["stall"],
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer({ onKeyFailure: "hold" });
    const send = async (value: string): Promise<unknown> => producer.send({ key: "one", value });
    await context.within(send("first"), "a first send");
    const reason = new Error("changed my mind");
    const expected = ["first"];
    let error: unknown = null;
    // On a busy machine a call may leave late. If the message was aborted before that, or was stored, the case sends again and waits longer.
    for (let pauseMs = 20; !isStreamError(error) && pauseMs < LONG_STALL_MS; pauseMs *= 2) {
      await context.inject({ kind: "stall", topic: topic.name, durationMs: LONG_STALL_MS });
      const controller = new AbortController();
      const aborted = producer.send({ key: "one", value: "aborted" }, { signal: controller.signal }).catch((thrown: unknown) => thrown);
      const behind = [`beside-${pauseMs}`].map(send);
      await context.deadline.pause(pauseMs, "the call to leave");
      behind.push(...[`behind-${pauseMs}`, `last-${pauseMs}`].map(send));
      expected.push(`beside-${pauseMs}`, `behind-${pauseMs}`, `last-${pauseMs}`);
      for (const one of behind) void context.later(one);
      controller.abort(reason);
      error = await context.within(aborted, "a send that is aborted in flight to reject");
      for (const one of behind) await context.within(one, "what is behind an aborted message of its key to be stored");
    }
    expectTrue(isStreamError(error, "outcome-unknown"), `a send aborted in flight is outcome-unknown, not ${showError(error)}`);
    await context.within(send("after"), "a later send of the key, which is not held");
    const stored = (await readAll(context, stream, { from: topic.start, until: "now" })).map(({ value }) => value);
    // A call of unknown outcome may be stored twice, so only first occurrences are compared.
    const first = [...new Set(stored)].filter((value) => value !== "aborted");
    expectEqual(first.join(), [...expected, "after"].join(), "what is behind an aborted message of its key is stored, in order");
  },
});

const sameTick = defineCase({
  name: "ordering/publish/same-tick",
  promise: 2,
  mutant: "stores-a-slice-backwards",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 20);
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const manyTicks = defineCase({
  name: "ordering/publish/many-ticks",
  promise: 2,
  mutant: "stores-every-second-call-late",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const sends: Promise<Receipt>[] = [];
    for (let tick = 0; tick < 30; tick += 1) {
      for (const key of keyNames(6)) sends.push(context.later(producer.send({ value: history.next(topic.name, key) })));
      if (tick % 7 === 3) await context.within(sends.at(-1)!, "a send to resolve");
      else await nextTurn();
    }
    await context.within(Promise.all(sends), "all sends to resolve");
    await context.within(producer.close(), "a producer to close that has stored everything");
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

/** Later messages of a key are encoded sooner: an order by the end of encoding would be the reverse of the order of the calls. */
const slowingCodec: Codec<Sequenced> = {
  encode: async (value, target) => {
    for (let turn = 0; turn < 12 - value.sequence; turn += 1) await nextTurn();
    return sequencedCodec.encode(value, target);
  },
  decode: (stored, message) => sequencedCodec.decode(stored, message),
};

const asyncEncoding = defineCase({
  name: "ordering/publish/async-encoding",
  promise: 2,
  mutant: "sends-when-encoded",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = context.connection.topic(topic.name, { codec: slowingCodec, key: (value) => value.key }).producer();
    const sends: Promise<Receipt>[] = [];
    for (let round = 0; round < 12; round += 1) {
      for (const key of keyNames(8)) sends.push(producer.send({ value: history.next(topic.name, key) }));
    }
    await context.within(Promise.all(sends), "all sends to resolve");
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const mixedCalls = defineCase({
  name: "ordering/publish/mixed-calls",
  promise: 2,
  mutant: "stores-every-second-call-late",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const calls: Promise<unknown>[] = [];
    const next = (key: string): { value: Sequenced } => ({ value: history.next(topic.name, key) });
    for (let round = 0; round < 12; round += 1) {
      const some: readonly Promise<unknown>[] = [
        producer.send(next("a")),
        producer.sendBatch([next("a"), next("b"), next("a")]),
        producer.send(next("b")),
        // A stream has a key of its own, because pulling takes an unknown time.
        producer.sendStream([next(`s-${round}`), next(`s-${round}`)]),
      ];
      calls.push(...some.map((call) => context.later(call)));
      await nextTurn();
    }
    await context.within(Promise.all(calls), "all calls to resolve");
    await context.within(producer.close(), "a producer to close that has stored everything");
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const SHORT_STALL_MS = 40;

interface PublishFault {
  readonly name: string;
  readonly mutant: string;
  readonly fault: FaultKind;
  /** Whether messages may be stored twice: only where a failed call may have been stored. */
  readonly mayRepeat: boolean;
  readonly exclusive?: boolean;
}

/** Traffic over many ticks, with faults in the middle: every send resolves, and first occurrences are in order. */
function publishWithFault({ name, mutant, fault, mayRepeat, exclusive = false }: PublishFault): DefinedCase {
  return defineCase({
    name: `ordering/publish/${name}`,
    promise: 2,
    mutant,
    faults: [fault],
    exclusive,
    run: async (context) => {
      const topic = await context.topic();
      const history = context.history();
      const producer = sequencedTopic(context.connection, topic).producer({ retry: { initialDelayMs: 1, maxDelayMs: 20 } });
      const sends: Promise<Receipt>[] = [];
      for (let tick = 0; tick < 24; tick += 1) {
        if (tick === 6 || tick === 14) {
          await context.inject({ kind: fault, topic: topic.name, times: fault === "restart" ? 1 : 2, durationMs: SHORT_STALL_MS });
        }
        for (const key of keyNames(8)) sends.push(context.later(producer.send({ value: history.next(topic.name, key) })));
        await nextTurn();
      }
      await context.within(Promise.all(sends), "all sends to resolve in spite of the faults");
      await context.within(producer.close(), "a producer to close that has stored everything");
      await readStored(context, history, topic);
      const check = mayRepeat ? checkAtLeastOnceInOrder : checkExactlyOnceInOrder;
      check(history.sent, history.received, topic.name);
    },
  });
}

const SLOW_STALL_MS = 60;

interface SlowFault {
  readonly name: string;
  readonly fault: FaultKind;
  readonly mutant: string;
  readonly mayRepeat: boolean;
}

/** A call is slow and then fails: messages that were sent meanwhile are queued behind it, and have to stay there. */
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
      await context.inject({ kind: "stall", topic: topic.name, durationMs: SLOW_STALL_MS, times: 3 });
      await context.inject({ kind: fault, topic: topic.name, times: 3 });
      const sends: Promise<Receipt>[] = [];
      for (let tick = 0; tick < 20; tick += 1) {
        for (const key of keys) sends.push(context.later(producer.send({ value: history.next(topic.name, key) })));
        await nextTurn();
      }
      await context.within(Promise.all(sends), "all sends to resolve in spite of the faults");
      await context.within(producer.close(), "a producer to close that has stored everything");
      await readStored(context, history, topic);
      (mayRepeat ? checkAtLeastOnceInOrder : checkExactlyOnceInOrder)(history.sent, history.received, topic.name);
    },
  });
}

export const orderingPublishCases = [
  blocksNothing,
  sameTick,
  manyTicks,
  asyncEncoding,
  mixedCalls,
  publishWithFault({ name: "throttled", mutant: "retries-behind-the-queue", fault: "throttle", mayRepeat: false }),
  publishWithFault({ name: "failed-before-the-write", mutant: "retries-behind-the-queue", fault: "fail-before-write", mayRepeat: false }),
  publishWithFault({ name: "outcome-unknown", mutant: "gives-up-on-unknown", fault: "fail-after-write", mayRepeat: true }),
  publishWithFault({ name: "disconnected", mutant: "retries-behind-the-queue", fault: "disconnect", mayRepeat: true }),
  publishWithFault({ name: "stalled", mutant: "stores-every-second-call-late", fault: "stall", mayRepeat: false }),
  publishWithFault({ name: "restarted", mutant: "retries-behind-the-queue", fault: "restart", mayRepeat: true, exclusive: true }),
  slowFault({ name: "slow-and-throttled", mutant: "retries-behind-the-queue", fault: "throttle", mayRepeat: false }),
  slowFault({
    name: "slow-and-failed-before-the-write",
    mutant: "retries-behind-the-queue",
    fault: "fail-before-write",
    mayRepeat: false,
  }),
  slowFault({ name: "slow-and-of-unknown-outcome", mutant: "stores-every-second-call-late", fault: "fail-after-write", mayRepeat: true }),
  slowFault({ name: "slow-and-disconnected", mutant: "retries-behind-the-queue", fault: "disconnect", mayRepeat: true }),
];
