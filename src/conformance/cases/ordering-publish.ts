import { checkExactlyOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { defineCase } from "../define-case.ts";
import { publish, readStored } from "../stream-work.ts";

const sameTick = defineCase({
  name: "ordering/publish/same-tick",
  promise: 2,
  mutant: "stores-a-slice-backwards",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 20);
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const publishOrderCases = [sameTick];
