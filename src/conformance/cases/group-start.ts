import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { publish } from "../stream-steps.ts";

const earliest = defineCase({
  name: "group/start/earliest",
  promise: 4,
  mutant: "earliest-is-latest",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 4);
    // The default, where the topic is the case's own from its beginning.
    const initialPosition = topic.start === "earliest" ? undefined : topic.start;
    const member = context.member(topic, { group: await context.group(topic), initialPosition }, recordInto(history));
    await context.until(() => member.consumer.status().state === "running", "the member to run");
    const later = history.continued();
    await publish(context, later, topic, keyNames(12), 1);
    const everything = [...history.sent, ...later.sent];
    // Each key's newest message comes last: whatever there is of it has come before.
    await context.until(() => later.sent.every((value) => history.hasReceived(value)), "what was sent last to come");
    await member.close();
    checkExactlyOnceInOrder(everything, history.received, topic.name);
  },
});

export const groupStartCases = [earliest];
