import { setImmediate as nextTurn } from "node:timers/promises";
import type { FaultKind } from "../../../driver/fault.ts";
import { expectTrue } from "../../assertions.ts";
import type { DefinedCase } from "../../case.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { sendInterleaved, untilComplete } from "../../support/stream-steps.ts";

interface GroupFault {
  readonly name: string;
  readonly mutant: string;
  readonly fault: FaultKind;
  readonly promise: number;
  readonly exclusive?: boolean;
}

const STALL_MS = 80;

/** A fault occurs while a group works: no message is lost, and first occurrences stay in order. */
function groupWithFault({ name, mutant, fault, promise, exclusive = false }: GroupFault): DefinedCase {
  return defineCase({
    name: `group/fault/${name}`,
    promise,
    mutant,
    faults: [fault],
    exclusive,
    run: async (context) => {
      const topic = await context.topic();
      const history = context.history();
      const group = await context.group(topic);
      const options = { group, concurrency: 4, commit: { everyMs: 20 } };
      context.member(topic, options, async (message) => {
        await nextTurn();
        history.receive(message, "first");
      });
      const producer = sequencedTopic(context.connection, topic).producer();
      await sendInterleaved(context, producer, history, topic, keyNames(16), 6);
      await context.until(() => history.received.length >= 20, "the member to be in the middle of its work");
      // Calls of the producer, and commits, must not use up the faults that have to break the connection over which the member fetches.
      const operation = fault === "disconnect" ? "fetch" : undefined;
      await context.inject({ kind: fault, topic: topic.name, times: fault === "restart" ? 1 : 2, durationMs: STALL_MS, operation });
      await sendInterleaved(context, producer, history, topic, keyNames(16), 6);
      await untilComplete(context, history);
      // Later traffic shows that the group works again, not only that it finished what it had.
      await sendInterleaved(context, producer, history, topic, keyNames(16), 2);
      await untilComplete(context, history);
      checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
      expectTrue(history.received.length >= history.sent.length, "every message was handled");
    },
  });
}

export const groupFaultCases = [
  groupWithFault({ name: "lost-coordinator", mutant: "takes-a-partition-once-only", fault: "lose-coordinator", promise: 7 }),
  groupWithFault({ name: "stolen-partition", mutant: "takes-a-partition-once-only", fault: "steal-partition", promise: 7 }),
  groupWithFault({ name: "expired-cursor", mutant: "skips-what-follows-a-retry", fault: "expire-cursor", promise: 4 }),
  groupWithFault({ name: "disconnected", mutant: "skips-what-follows-a-retry", fault: "disconnect", promise: 4 }),
  groupWithFault({ name: "stalled", mutant: "drops-what-comes-late", fault: "stall", promise: 4 }),
  groupWithFault({ name: "restarted", mutant: "takes-a-partition-once-only", fault: "restart", promise: 7, exclusive: true }),
];
