import { type ActiveResources, activeResources, addedResources } from "../../active-resources.ts";
import type { CaseContext } from "../../case-context.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { keyNames } from "../../history/sequenced.ts";
import { MOMENTS } from "../../support/moments.ts";

const openHandles = defineCase({
  name: "close/resources/no-open-handles",
  promise: 10,
  mutant: "leaves-a-timer-behind",
  // It counts the handles of the whole process.
  exclusive: true,
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const before = activeResources();
    for (let round = 0; round < 2; round += 1) {
      const connection = await context.connect();
      const stream = sequencedTopic(connection, topic);
      const producer = stream.producer();
      await Promise.all(keyNames(8).map(async (key) => producer.send({ value: history.next(topic.name, key) })));
      // One handler fails and is retried, one hangs, and a reader waits for more: each has timers of its own.
      let tries = 0;
      let hanging = false;
      const never = context.latch();
      const consumer = stream.consumer({
        group: await context.group(topic),
        initialPosition: topic.start,
        concurrency: 4,
        handlerTimeoutMs: 60_000,
        retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 },
      });
      const running = context.later(
        consumer.run(async ({ value: { key } }) => {
          tries += 1;
          if (key === "key-0") throw new Error("try again in a minute");
          if (key === "key-1") {
            hanging = true;
            await never.opened;
          }
        }),
      );
      const reader = stream.reader({ from: topic.start });
      const iterator = reader[Symbol.asyncIterator]();
      await context.within(Promise.resolve(iterator.next()), "a reader to hand out something");
      await context.until(() => tries > 2 && hanging, "the handlers to run");
      await context.within(connection.close({ timeoutMs: 100 }), "a connection to close with everything in use");
      await context.within(running, "run to resolve after close");
    }
    await untilNothingIsLeft(context, before);
  },
});

const whileConnecting = defineCase({
  name: "close/resources/closed-while-connecting",
  promise: 10,
  mutant: "leaves-a-connection-that-was-being-opened",
  // It counts the handles of the whole process.
  exclusive: true,
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const history = context.history();
    const before = activeResources();
    for (const moment of MOMENTS) {
      const connection = await context.connect();
      const stream = sequencedTopic(connection, topic);
      const uses: readonly Promise<unknown>[] = [
        stream.producer().send({ value: history.next(topic.name, "key") }),
        stream.consumer({ group, initialPosition: topic.start }).run(() => undefined),
        Promise.resolve(stream.reader({ from: topic.start, until: "now" })[Symbol.asyncIterator]().next()),
        connection.admin.describeTopic(topic.name),
      ];
      for (const use of uses) void context.later(use);
      await moment();
      await context.within(connection.close({ timeoutMs: 50 }), "a connection to close while it is being opened");
      await context.within(Promise.allSettled(uses), "the calls of a closed connection to settle");
    }
    await untilNothingIsLeft(context, before);
  },
});

/** What goes on after a close may open something a little later. */
const AFTERMATH_MS = 50;
const AFTERMATH_CALLS = 2;

async function untilNothingIsLeft(context: CaseContext, before: ActiveResources): Promise<void> {
  await context.deadline.pause(context.deadline.longEnough(AFTERMATH_MS, AFTERMATH_CALLS), "what goes on after a close to end");
  let added: readonly string[] = [];
  await context.deadline.untilAsked(
    async () => (added = addedResources(before)).length === 0,
    () => `a closed connection to leave nothing that keeps the process alive, but it left ${added.join(", ")}`,
  );
}

export const closeResourcesCases = [openHandles, whileConnecting];
