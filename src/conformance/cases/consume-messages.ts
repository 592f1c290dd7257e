import type { Position } from "../../tokens.ts";
import { expectEqual } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkPositions } from "../history/check.ts";
import { identify } from "../history/history.ts";
import { keyNames, showSequenced } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { readStored, sendInterleaved, untilComplete } from "../stream-steps.ts";

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
      expectEqual(delivery.position, known, `the position of ${showSequenced(delivery)} in its receipt and at every delivery`);
    }
  },
});

export const consumeMessageCases = [stablePositions];
