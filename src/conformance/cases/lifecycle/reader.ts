import type { Reader } from "../../../replay/reader-types.ts";
import { expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { type Sequenced, keyNames } from "../../history/sequenced.ts";
import { type LifecycleTrait, expectTraits } from "../../support/lifecycle-traits.ts";
import { publish, readStored } from "../../support/stream-steps.ts";

interface ReaderPart {
  readonly reader: Reader<Sequenced>;
  readonly iterator: AsyncIterator<unknown>;
  readonly topic: CaseTopic;
  readonly history: History;
}

const traits: readonly LifecycleTrait<ReaderPart>[] = [
  // A reader that was opened has a bookmark, also after it is closed.
  {
    operation: "bookmark",
    call: async ({ reader }) => reader.bookmark(),
    opening: "answers",
    open: "answers",
    closing: "answers",
    closed: "answers",
  },
  {
    operation: "a second iteration",
    call: async ({ reader }) => reader[Symbol.asyncIterator]().next(),
    opening: "conflict",
    open: "conflict",
    closing: "conflict",
    closed: "conflict",
  },
  {
    operation: "batches besides an iteration",
    call: async ({ reader }) => reader.batches()[Symbol.asyncIterator]().next(),
    opening: "conflict",
    open: "conflict",
    closing: "conflict",
    closed: "conflict",
  },
  {
    operation: "next",
    call: async ({ iterator }, state) => {
      const { done = false } = await iterator.next();
      const isOver = state === "closing" || state === "closed";
      expectTrue(done === isOver, `next while ${state}: ${isOver ? "a closed reader hands out nothing more" : "there is more to read"}`);
    },
    opening: "answers",
    open: "answers",
    closing: "answers",
    closed: "answers",
  },
  { operation: "close", call: async ({ reader }) => reader.close(), closing: "answers", closed: "answers" },
  { operation: "disposal", call: async ({ reader }) => reader[Symbol.asyncDispose](), closing: "answers", closed: "answers" },
];

async function readerPart(context: CaseContext): Promise<ReaderPart> {
  const topic = await context.topic();
  const history = context.history();
  await publish(context, history, topic, keyNames(8), 3);
  const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start });
  return { reader, iterator: reader[Symbol.asyncIterator](), topic, history };
}

const opening = defineCase({
  name: "lifecycle/reader/opening",
  promise: 10,
  mutant: "reads-as-often-as-asked",
  run: async (context) => {
    const part = await readerPart(context);
    const first = context.later(Promise.resolve(part.iterator.next()));
    await expectTraits(context, traits, "opening", part);
    await context.within(first, "the first message");
    await context.within(part.reader.close(), "the reader to close");
    await readStored(context, part.history, part.topic);
    checkExactlyOnceInOrder(part.history.sent, part.history.received, part.topic.name);
  },
});

const open = defineCase({
  name: "lifecycle/reader/open",
  promise: 10,
  mutant: "reads-as-often-as-asked",
  run: async (context) => {
    const part = await readerPart(context);
    await context.within(Promise.resolve(part.iterator.next()), "the first message");
    await expectTraits(context, traits, "open", part);
    await context.within(part.reader.close(), "the reader to close");
  },
});

const closing = defineCase({
  name: "lifecycle/reader/closing",
  promise: 10,
  mutant: "closes-late",
  run: async (context) => {
    const part = await readerPart(context);
    await context.within(Promise.resolve(part.iterator.next()), "the first message");
    const closed = context.later(part.reader.close());
    await expectTraits(context, traits, "closing", part);
    await context.within(closed, "the reader to close");
  },
});

const closed = defineCase({
  name: "lifecycle/reader/closed",
  promise: 10,
  mutant: "close-does-nothing",
  run: async (context) => {
    const part = await readerPart(context);
    await context.within(Promise.resolve(part.iterator.next()), "the first message");
    // A provider that makes bookmarks itself has that of a closed reader only if it was asked for one before.
    await context.within(part.reader.bookmark(), "a bookmark");
    await context.within(part.reader.close(), "the reader to close");
    await expectTraits(context, traits, "closed", part);
  },
});

export const lifecycleReaderCases = [opening, open, closing, closed];
