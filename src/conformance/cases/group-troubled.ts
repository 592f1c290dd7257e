import type { FaultKind } from "../../driver/fault.ts";
import { expectTrue } from "../assertions.ts";
import type { DefinedCase } from "../case.ts";
import { defineCase } from "../define-case.ts";
import { checkAtLeastOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { publish, untilComplete } from "../stream-work.ts";

interface TroubledGroup {
  readonly name: string;
  readonly mutant: string;
  readonly fault: FaultKind;
  readonly promise: number;
  readonly exclusive?: boolean;
}

/** A group in the middle of its work meets trouble: nothing is lost, and first occurrences stay in order. */
function troubledGroup({ name, mutant, fault, promise, exclusive = false }: TroubledGroup): DefinedCase {
  return defineCase({
    name: `group/${name}`,
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
        await new Promise((resolve) => void setImmediate(resolve));
        history.receive(message, "first");
      });
      await publish(context, history, topic, keyNames(16), 6);
      await context.until(() => history.received.length >= 20, "the member to be in the middle of its work");
      context.inject({ kind: fault, topic: topic.name, times: fault === "restart" ? 1 : 2 });
      await publish(context, history, topic, keyNames(16), 6);
      await untilComplete(context, history);
      // The next traffic shows that the group is whole again, not only that it finished what it had.
      await publish(context, history, topic, keyNames(16), 2);
      await untilComplete(context, history);
      checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
      expectTrue(history.received.length >= history.sent.length, "every message was handled");
    },
  });
}

export const troubledGroupCases = [
  troubledGroup({ name: "lost-coordinator", mutant: "never-joins-again", fault: "lose-coordinator", promise: 7 }),
  troubledGroup({ name: "stolen-partition", mutant: "never-joins-again", fault: "steal-partition", promise: 7 }),
  troubledGroup({ name: "expired-cursor", mutant: "goes-on-behind-an-expired-cursor", fault: "expire-cursor", promise: 4 }),
  troubledGroup({ name: "disconnected", mutant: "goes-on-behind-an-expired-cursor", fault: "disconnect", promise: 4 }),
  troubledGroup({ name: "restarted", mutant: "never-joins-again", fault: "restart", promise: 7, exclusive: true }),
];
