import type { Producer } from "../../../publish/producer-types.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { type Sequenced, sequencedCodec } from "../../history/sequenced.ts";
import { type LifecycleTrait, expectTraits } from "../../support/lifecycle-traits.ts";
import { readStored } from "../../support/stream-steps.ts";

interface ProducerPart {
  readonly producer: Producer<Sequenced>;
  readonly topic: CaseTopic;
  readonly history: History;
}

/** The next message. It is recorded as sent only if it must be stored. */
function next({ history, topic }: ProducerPart, state: string): { readonly value: Sequenced } {
  const value = history.next(topic.name, "key");
  if (state === "closing" || state === "closed") history.sent.pop();
  return { value };
}

const traits: readonly LifecycleTrait<ProducerPart>[] = [
  {
    operation: "send",
    call: async (part, state) => part.producer.send(next(part, state)),
    opening: "answers",
    open: "answers",
    closing: "closed",
    closed: "closed",
  },
  {
    operation: "sendBatch",
    call: async (part, state) => part.producer.sendBatch([next(part, state), next(part, state)]),
    opening: "answers",
    open: "answers",
    closing: "closed",
    closed: "closed",
  },
  {
    operation: "sendBatch of nothing",
    call: async ({ producer }) => producer.sendBatch([]),
    opening: "answers",
    open: "answers",
    closing: "closed",
    closed: "closed",
  },
  {
    operation: "sendStream of nothing",
    call: async ({ producer }) => producer.sendStream([]),
    opening: "answers",
    open: "answers",
    closing: "closed",
    closed: "closed",
  },
  {
    operation: "sendStream",
    call: async (part, state) => part.producer.sendStream([next(part, state)]),
    open: "answers",
    closing: "closed",
    closed: "closed",
  },
  {
    operation: "flush",
    call: async ({ producer }) => producer.flush(),
    opening: "answers",
    open: "answers",
    closing: "answers",
    closed: "answers",
  },
  {
    operation: "releaseKey",
    call: ({ producer }) => producer.releaseKey("key"),
    opening: "answers",
    open: "answers",
    closing: "answers",
    closed: "answers",
  },
  { operation: "close", call: async ({ producer }) => producer.close(), closing: "answers", closed: "answers" },
  { operation: "disposal", call: async ({ producer }) => producer[Symbol.asyncDispose](), closing: "answers", closed: "answers" },
];

async function producerPart(context: CaseContext): Promise<ProducerPart> {
  const topic = await context.topic();
  return { producer: sequencedTopic(context.connection, topic).producer(), topic, history: context.history() };
}

async function expectStored(context: CaseContext, { history, topic }: ProducerPart): Promise<void> {
  await readStored(context, history, topic);
  checkExactlyOnceInOrder(history.sent, history.received, topic.name);
}

const opening = defineCase({
  name: "lifecycle/producer/opening",
  promise: 10,
  mutant: "preparing-never-ends",
  run: async (context) => {
    const part = await producerPart(context);
    const first = context.later(part.producer.send(next(part, "opening")));
    await expectTraits(context, traits, "opening", part);
    await context.within(first, "the send that opened the producer");
    await expectStored(context, part);
  },
});

const open = defineCase({
  name: "lifecycle/producer/open",
  promise: 10,
  mutant: "flush-never-answers",
  run: async (context) => {
    const part = await producerPart(context);
    await context.within(part.producer.send(next(part, "open")), "a first send");
    await expectTraits(context, traits, "open", part);
    await expectStored(context, part);
  },
});

const closing = defineCase({
  name: "lifecycle/producer/closing",
  promise: 10,
  mutant: "closes-late",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const finish = context.latch();
    const codec = {
      ...sequencedCodec,
      encode: async (value: Sequenced): Promise<Uint8Array> => {
        await finish.opened;
        return sequencedCodec.encode(value, { topic: topic.name, key: value.key, headers: {} });
      },
    };
    const producer = context.connection.topic(topic.name, { codec, key: (value: Sequenced) => value.key }).producer();
    const part = { producer, topic, history };
    const held = context.later(producer.send(next(part, "open")));
    const closed = context.later(producer.close());
    await expectTraits(context, traits, "closing", part, () => finish.open());
    await context.within(Promise.all([held, closed]), "the message that delayed the close to be stored, and the producer to close");
    await expectStored(context, part);
  },
});

const closed = defineCase({
  name: "lifecycle/producer/closed",
  promise: 10,
  mutant: "close-does-nothing",
  run: async (context) => {
    const part = await producerPart(context);
    await context.within(part.producer.send(next(part, "open")), "a first send");
    await context.within(part.producer.close(), "the producer to close");
    await expectTraits(context, traits, "closed", part);
    await expectStored(context, part);
  },
});

export const lifecycleProducerCases = [opening, open, closing, closed];
