import type { Position } from "../../../tokens.ts";
import { expectEqual, expectTrue } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkPositions } from "../../history/check.ts";
import { identify } from "../../history/history.ts";
import { keyNames, showSequenced } from "../../history/sequenced.ts";
import { Member, recordInto } from "../../member.ts";
import { plainText } from "../../plain-codecs.ts";
import { LARGE_MESSAGES, checkLargeMessages, numberOfLargeMessage, publishLargeMessages } from "../../support/large-messages.ts";
import { publish, readAll, readStored, sendInterleaved, untilComplete } from "../../support/stream-steps.ts";

const facts = defineCase({
  name: "consume/messages/where-they-are",
  promise: 9,
  mutant: "stamps-the-time-of-reading",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(6), 2);
    const stream = sequencedTopic(context.connection, topic);
    const stored = new Map(
      (await readAll(context, stream, { from: topic.start, until: "now" })).map((message) => [message.position, message]),
    );
    await context.deadline.pause(5, "the clock to move on");
    const problems: string[] = [];
    context.member(topic, { group: await context.group(topic) }, (message) => {
      const other = stored.get(message.position);
      if (other === undefined) problems.push("a message has the same position for a member as for a reader");
      if (other?.timestamp.getTime() !== message.timestamp.getTime())
        problems.push("a message has the same time for every reader and member, at any time");
      if (message.topic !== topic.name || !topic.partitions.includes(message.partition))
        problems.push("a message names its topic and a partition of it");
      if (message.raw.value === null || "raw" in { ...message })
        problems.push("a message has its bytes in raw, which is not copied when the message is spread");
      history.receive(message);
    });
    await untilComplete(context, history);
    expectTrue(problems.length === 0, problems[0] ?? "");
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const stablePositions = defineCase({
  name: "consume/messages/stable-positions",
  promise: 9,
  mutant: "readers-count-from-one",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const receipts = await sendInterleaved(context, producer, history, topic, keyNames(12), 3);
    const positions = new Map<string, Position>();
    for (const [index, { position }] of receipts.entries()) if (position !== null) positions.set(identify(history.sent[index]!), position);
    const member = context.member(topic, { group: await context.group(topic) }, recordInto(history, "member"));
    await untilComplete(context, history);
    await member.close();
    await readStored(context, history, topic, {}, await context.connect());
    checkPositions(history.received);
    expectEqual(history.received.length, 2 * history.sent.length, "deliveries of a group and of a reader together");
    for (const delivery of history.received) {
      const known = positions.get(identify(delivery)) ?? delivery.position;
      positions.set(identify(delivery), known);
      expectEqual(delivery.position, known, `the position of ${showSequenced(delivery)} is the same in its receipt and at every delivery`);
    }
  },
});

const handling = defineCase({
  name: "consume/messages/much-in-one-partition",
  promise: 4,
  mutant: "member-skips-behind-a-megabyte",
  run: async (context) => {
    const topic = await context.topic();
    await publishLargeMessages(context, topic);
    const stream = context.connection.topic(topic.name, { codec: plainText });
    // Only first occurrences: after the loss of a partition some messages are redelivered.
    const handled = new Set<number>();
    const options = { group: await context.group(topic), initialPosition: topic.start };
    context.watch(
      Member.start(context.deadline, stream, options, ({ value }) => {
        handled.add(numberOfLargeMessage(value));
      }),
    );
    await context.until(
      () => handled.has(LARGE_MESSAGES - 1),
      () => `the last of ${LARGE_MESSAGES} large messages, after ${handled.size}`,
    );
    checkLargeMessages([...handled]);
  },
});

export const consumeMessagesCases = [facts, stablePositions, handling];
