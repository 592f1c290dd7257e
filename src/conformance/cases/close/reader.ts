import { setImmediate as nextTurn, setTimeout as later } from "node:timers/promises";
import type { Connection } from "../../../connection-types.ts";
import type { Reader } from "../../../replay/reader-types.ts";
import { isStreamError } from "../../../errors.ts";
import { expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { type Sequenced, keyNames } from "../../history/sequenced.ts";
import { publish, readStored } from "../../support/stream-steps.ts";

/** An application can close the reader or its connection. The same promises hold for both. */
const WAYS: readonly {
  readonly by: string;
  readonly connectionIsClosed: boolean;
  readonly close: (reader: Reader<Sequenced>, connection: Connection) => Promise<void>;
}[] = [
  { by: "the reader", connectionIsClosed: false, close: (reader) => reader.close() },
  { by: "its connection", connectionIsClosed: true, close: (_, connection) => connection.close() },
];

/** How long a reader that is closed goes on opening, so that its bookmark is known; less the tolerance of a timer. */
const OPENING_MS = 990;

/** Moments before, during and after the opening of a reader. */
const MOMENTS: readonly (() => Promise<unknown>)[] = [
  () => Promise.resolve(),
  () => nextTurn(),
  ...[1, 5, 20, 80].map((durationMs) => () => later(durationMs)),
];

/** What the reader handed out, and what is read from its bookmark, are together everything. */
async function expectRest(context: CaseContext, history: History, topic: CaseTopic, reader: Reader<Sequenced>, by: string): Promise<void> {
  const bookmark = await context.within(reader.bookmark(), `the bookmark of a reader after ${by} was closed`);
  await readStored(context, history, topic, { from: { bookmark } });
  checkExactlyOnceInOrder(history.sent, history.received, topic.name);
}

const endsLoops = defineCase({
  name: "close/reader/ends-loops-of-readers",
  promise: 10,
  mutant: "breaks-loops-when-the-connection-closes",
  run: async (context) => {
    const topic = await context.topic();
    const stored = context.history();
    await publish(context, stored, topic, keyNames(4), 3);
    for (const { by, close } of WAYS) {
      for (const handedOut of [1, 5, stored.sent.length]) {
        const history = stored.again();
        const connection = await context.connect();
        const reader = sequencedTopic(connection, topic).reader({ from: topic.start });
        const iterator = reader[Symbol.asyncIterator]();
        // A provider that makes bookmarks itself has that of a closed reader only if it was asked for one before.
        await context.within(reader.bookmark(), "a reader to open");
        for (let count = 0; count < handedOut; count += 1) {
          const next = await context.within(iterator.next(), "a message");
          if (next.done !== true) history.receive(next.value, "first");
        }
        // Behind the last message the reader waits.
        const waiting = handedOut === stored.sent.length ? context.later(iterator.next()) : null;
        await context.within(close(reader, connection), `${by} to close`);
        const next = await context.within(waiting ?? iterator.next(), `the loop of a reader to end after ${by} was closed`);
        expectTrue(next.done === true, `the loop of a reader ends without an error when ${by} is closed`);
        await expectRest(context, history, topic, reader, by);
      }
    }
  },
});

const whileOpening = defineCase({
  name: "close/reader/bookmark-of-a-reader-that-opens",
  promise: 9,
  mutant: "no-bookmark-unless-read",
  run: async (context) => {
    const topic = await context.topic();
    const stored = context.history();
    await publish(context, stored, topic, keyNames(4), 3);
    for (const { by, close, connectionIsClosed } of WAYS) {
      for (const moment of MOMENTS) {
        const history = stored.again();
        const connection = await context.connect();
        // Connects first, so that the opening of the reader is all that is under way.
        await context.within(connection.admin.describeTopic(topic.name), "a description of the topic");
        const reader = sequencedTopic(connection, topic).reader({ from: topic.start, until: "now" });
        const first = context.later(reader[Symbol.asyncIterator]().next());
        // A provider that makes bookmarks itself has that of a closed reader only if it was asked for one before.
        if (context.capabilities.bookmarkLifetimeMs !== null) void context.later(reader.bookmark());
        await moment();
        const startedAtMs = performance.now();
        await context.within(close(reader, connection), `${by} to close`);
        const tookMs = performance.now() - startedAtMs;
        const next = await context.within(first, `the first message of a reader, or its end, after ${by} was closed`);
        if (next.done !== true) history.receive(next.value, "first");
        try {
          await expectRest(context, history, topic, reader, by);
        } catch (error) {
          // On a slow target the range was not known in time, and on a closed connection nothing can look it up any more.
          if (tookMs < OPENING_MS || !connectionIsClosed || !isStreamError(error, "closed")) throw error;
        }
      }
    }
  },
});

export const closeReaderCases = [endsLoops, whileOpening];
