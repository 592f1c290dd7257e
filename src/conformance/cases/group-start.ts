import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { publish, untilComplete } from "../stream-work.ts";

const earliest = defineCase({
  name: "group/start/earliest",
  promise: 4,
  mutant: "starts-new-groups-at-the-end",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 4);
    const member = context.member(topic, { group: await context.group(topic) }, recordInto(history));
    await untilComplete(context, history);
    await member.close();
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const groupStartCases = [earliest];
