import { setTimeout as later } from "node:timers/promises";
import type { ConsumerOptions, MessageHandler } from "../../../consume/consumer-types.ts";
import { isStreamError } from "../../../errors.ts";
import type { Topic } from "../../../topic-types.ts";
import { expectEqual, expectTrue, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder } from "../../history/check.ts";
import { type Sequenced, keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { MOMENTS } from "../../support/moments.ts";
import { untilOwned } from "../../support/partition-owners.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const TOGETHER = 16;

const halfWay = defineCase({
  name: "close/starting/start-cancelled-half-way",
  promise: 10,
  mutant: "joins-after-it-was-closed",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(12), 2);
    const stream = sequencedTopic(await context.connect(), topic);
    for (const moment of MOMENTS) {
      const consumer = stream.consumer({ group, initialPosition: topic.start });
      const running = context.later(consumer.run(recordInto(history, "cancelled")));
      await moment();
      await context.within(consumer.close(), "a consumer that is about to join to close");
      await context.within(running, "run to resolve after close");
      expectEqual(consumer.status().state, "closed", "the state of a consumer that was closed while it joined");
      expectEqual(consumer.assigned.length, 0, "partitions of a consumer that was closed while it joined");
    }
    await cancelTogether(context, stream, { group, initialPosition: topic.start }, recordInto(history, "cancelled"));
    // No cancelled member is left in the group: none holds a partition without handling it, and none makes the others wait.
    const member = context.member(topic, { group }, recordInto(history, "last"), await context.connect());
    await untilOwned(context, topic, [member]);
    await untilComplete(context, history);
    await member.close();
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

/** Many consumers join at once, and each is closed at another moment. */
async function cancelTogether(
  context: CaseContext,
  stream: Topic<Sequenced>,
  options: ConsumerOptions,
  handler: MessageHandler<Sequenced>,
): Promise<void> {
  const cancelled = Array.from({ length: TOGETHER }, async (_, index) => {
    const consumer = stream.consumer(options);
    const running = context.later(consumer.run(handler));
    await later(index);
    await consumer.close();
    await running;
  });
  await context.within(Promise.all(cancelled), `${TOGETHER} consumers to close while they join`);
}

const others = defineCase({
  name: "close/starting/first-use-cancelled-half-way",
  promise: 10,
  mutant: "forgets-calls-at-close",
  run: async (context) => {
    const topic = await context.topic();
    const stored = context.history();
    await publish(context, stored, topic, keyNames(4), 2);
    for (const moment of MOMENTS) {
      const connection = await context.connect();
      const stream = sequencedTopic(connection, topic);
      const iterator = stream.reader({ from: topic.start, until: "now" })[Symbol.asyncIterator]();
      const uses: Readonly<Record<string, Promise<unknown>>> = {
        read: Promise.resolve(iterator.next()),
        send: stream.producer().send({ value: { topic: topic.name, key: "key-0", sequence: 0 } }),
        describe: connection.admin.describeTopic(topic.name),
        capabilities: stream.capabilities(),
      };
      for (const use of Object.values(uses)) void context.later(use);
      await moment();
      await context.within(connection.close({ timeoutMs: 100 }), "a connection to close during its first use");
      for (const [name, use] of Object.entries(uses)) {
        const settled = await context.within(
          use.then(
            () => null,
            (error: unknown) => error,
          ),
          `${name} of a connection that was closed to settle`,
        );
        expectTrue(
          settled === null || isStreamError(settled, "closed", "outcome-unknown"),
          `${name} of a connection that was closed meanwhile resolves or rejects as closed, not ${showError(settled)}`,
        );
      }
    }
  },
});

export const closeStartingCases = [halfWay, others];
