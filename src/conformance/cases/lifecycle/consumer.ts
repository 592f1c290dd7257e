import type { Consumer, ConsumerStatus } from "../../../consume/consumer-types.ts";
import { expectEqual, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { type Sequenced, keyNames } from "../../history/sequenced.ts";
import { type LifecycleState, type LifecycleTrait, expectTraits } from "../../support/lifecycle-traits.ts";
import { publish } from "../../support/stream-steps.ts";

const STATES: Readonly<Record<LifecycleState, readonly ConsumerStatus["state"][]>> = {
  opening: ["joining", "running"],
  open: ["running"],
  closing: ["draining"],
  closed: ["closed"],
};

const traits: readonly LifecycleTrait<Consumer<Sequenced>>[] = [
  {
    operation: "status",
    call: (consumer, state) => {
      const { state: shown, running, buffered } = consumer.status();
      expectTrue(STATES[state].includes(shown), `status while ${state}: expected ${STATES[state].join(" or ")}, got ${shown}`);
      expectTrue(state !== "closed" || running + buffered === 0, "a closed consumer runs and holds nothing");
    },
    opening: "answers",
    open: "answers",
    closing: "answers",
    closed: "answers",
  },
  {
    operation: "assigned",
    call: (consumer, state) => {
      const { length } = consumer.assigned;
      if (state === "closed") expectEqual(length, 0, "partitions of a closed consumer");
    },
    opening: "answers",
    open: "answers",
    closing: "answers",
    closed: "answers",
  },
  { operation: "pause", call: (consumer) => consumer.pause(), opening: "answers", open: "answers", closing: "answers", closed: "answers" },
  {
    operation: "resume",
    call: (consumer) => consumer.resume(),
    opening: "answers",
    open: "answers",
    closing: "answers",
    closed: "answers",
  },
  {
    operation: "lag",
    call: async (consumer) => consumer.lag(),
    // A group that is being created may not be known yet.
    opening: ["answers", "unsupported", "not-found"],
    open: ["answers", "unsupported"],
    closing: ["answers", "unsupported"],
    closed: ["answers", "unsupported"],
  },
  {
    operation: "a second run",
    call: async (consumer) => consumer.run(() => undefined),
    opening: "conflict",
    open: "conflict",
    closing: "conflict",
    closed: "conflict",
  },
  {
    operation: "a second runBatches",
    call: async (consumer) => consumer.runBatches(() => undefined),
    opening: "conflict",
    open: "conflict",
    closing: "conflict",
    closed: "conflict",
  },
  {
    operation: "iteration besides run",
    call: async (consumer) => consumer[Symbol.asyncIterator]().next(),
    opening: "conflict",
    open: "conflict",
    closing: "conflict",
    closed: "conflict",
  },
  { operation: "close", call: async (consumer) => consumer.close(), closing: "answers", closed: "answers" },
  { operation: "disposal", call: async (consumer) => consumer[Symbol.asyncDispose](), closing: "answers", closed: "answers" },
];

interface Running {
  readonly topic: CaseTopic;
  readonly consumer: Consumer<Sequenced>;
  /** The promise of `run`. */
  readonly ended: Promise<void>;
}

/** Starts a consumer on a topic with two messages. */
async function running(context: CaseContext, handler: () => Promise<void> | void): Promise<Running> {
  const topic = await context.topic();
  await publish(context, context.history(), topic, keyNames(2), 1);
  const consumer = sequencedTopic(context.connection, topic).consumer({ group: await context.group(topic), initialPosition: topic.start });
  return { topic, consumer, ended: context.later(consumer.run(handler)) };
}

const opening = defineCase({
  name: "lifecycle/consumer/opening",
  promise: 10,
  mutant: "runs-as-often-as-asked",
  run: async (context) => {
    let handled = 0;
    const { consumer, ended } = await running(context, () => {
      handled += 1;
    });
    await expectTraits(context, traits, "opening", consumer);
    await context.until(() => handled === 2, "the messages to be handled");
    await context.within(consumer.close(), "the consumer to close");
    await context.within(ended, "run to resolve after close");
  },
});

const open = defineCase({
  name: "lifecycle/consumer/open",
  promise: 10,
  mutant: "runs-as-often-as-asked",
  run: async (context) => {
    let handled = 0;
    const { consumer, ended } = await running(context, () => {
      handled += 1;
    });
    await context.until(() => handled === 2, "the messages to be handled");
    await context.until(() => consumer.status().state === "running", "the consumer to run");
    await expectTraits(context, traits, "open", consumer);
    await context.within(consumer.close(), "the consumer to close");
    await context.within(ended, "run to resolve after close");
  },
});

const closing = defineCase({
  name: "lifecycle/consumer/closing",
  promise: 10,
  mutant: "closes-late",
  run: async (context) => {
    const finish = context.latch();
    let started = false;
    const { consumer, ended } = await running(context, async () => {
      started = true;
      await finish.opened;
    });
    await context.until(() => started, "a handler to run, which delays the close");
    const closed = context.later(consumer.close());
    await expectTraits(context, traits, "closing", consumer, () => finish.open());
    await context.within(Promise.all([closed, ended]), "the consumer to close");
  },
});

const closed = defineCase({
  name: "lifecycle/consumer/closed",
  promise: 10,
  mutant: "close-does-nothing",
  run: async (context) => {
    let handled = 0;
    const { consumer, ended } = await running(context, () => {
      handled += 1;
    });
    await context.until(() => handled === 2, "the messages to be handled");
    await context.within(consumer.close(), "the consumer to close");
    await expectTraits(context, traits, "closed", consumer);
    await context.within(ended, "run to resolve after close");
  },
});

export const lifecycleConsumerCases = [opening, open, closing, closed];
