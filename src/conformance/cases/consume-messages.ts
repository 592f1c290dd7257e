import { defineCase } from "../define-case.ts";
import { checkPositions } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { publish, readStored, untilComplete } from "../stream-work.ts";

const stablePositions = defineCase({
  name: "consume/messages/stable-positions",
  promise: 9,
  mutant: "numbers-deliveries",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 3);
    const member = context.member(topic, { group: await context.group(topic) }, recordInto(history));
    await untilComplete(context, history);
    await member.close();
    await readStored(context, history, topic);
    checkPositions(history.received);
  },
});

export const consumeMessageCases = [stablePositions];
