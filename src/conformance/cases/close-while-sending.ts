import { expectTrue } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { publish, readStored } from "../stream-steps.ts";

const handlersSend = defineCase({
  name: "close/handlers-may-send",
  promise: 10,
  mutant: "closes-producers-first",
  run: async (context) => {
    const source = await context.topic();
    const target = await context.topic();
    const connection = await context.connect();
    const producer = sequencedTopic(connection, target).producer();
    const release = context.latch();
    const out = context.history();
    const keys = keyNames(4);
    await publish(context, context.history(), source, keys, 1);
    const options = { group: await context.group(source), concurrency: keys.length, retry: { maxAttempts: 1 } };
    let running = 0;
    const member = context.member(
      source,
      options,
      async (message) => {
        running += 1;
        await release.opened;
        await producer.send({ value: out.next(target.name, message.value.key) });
      },
      connection,
    );
    await context.until(() => running === keys.length, "handlers of every key to run");
    const closing = connection.close();
    await context.until(() => member.consumer.status().state === "draining", "the member to drain");
    release.open();
    await context.within(closing, "a connection with running handlers to close");
    expectTrue(member.ended && member.unexpectedFailure === null, "handlers that send while their connection closes do not fail");
    await readStored(context, out, target);
    checkExactlyOnceInOrder(out.sent, out.received, target.name);
    expectTrue(out.received.length === keys.length, "what handlers send while their connection closes is stored");
  },
});

export const closeWhileSendingCases = [handlersSend];
