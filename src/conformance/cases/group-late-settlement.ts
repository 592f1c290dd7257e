import { PromiseViolation } from "../case-outcome.ts";
import { defineCase } from "../define-case.ts";
import { checkOrder } from "../history/check.ts";
import { keyNames, showSequenced } from "../history/sequenced.ts";
import { leastSession } from "../least-session.ts";
import { recordInto } from "../member.ts";
import { publish, untilComplete } from "../stream-steps.ts";

const KEYS = keyNames(16);

/**
 * A member whose handlers do not end loses partitions to one that joins, without any fault. What it would store of them
 * afterwards is older than what their new owner has stored: nothing of that may reach the group.
 */
const settlesLate = defineCase({
  name: "group/rebalance/late-settlement-moves-nothing-back",
  promise: 7,
  mutant: "last-settlement-wins",
  gates: {
    // Where nobody owns partitions there is none to settle for too late.
    partitions: async (context) => {
      const topic = await context.topic();
      const history = context.history();
      const group = await context.group(topic);
      const member = context.member(topic, { group }, recordInto(history));
      await publish(context, history, topic, KEYS, 1);
      await untilComplete(context, history);
      await member.close();
      checkOrder(history.received);
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const sessionTimeoutMs = await leastSession(context, topic);
    await publish(context, history, topic, KEYS, 3);
    const [stuck, never] = [context.latch(), context.latch()];
    let begun = 0;
    let returned = 0;
    const options = { group, sessionTimeoutMs, concurrency: 16, commit: { everyMs: 5, everyMessages: 1 } };
    const first = context.member(topic, options, async (message, { signal }) => {
      // Of each key the first goes through, so that the group stands behind something everywhere.
      const { sequence } = message.value;
      if (sequence === 1) {
        begun += 1;
        await stuck.opened;
        returned += 1;
      }
      // What it stores is older than what the new owner has stored: it does not get as far.
      if (sequence === 2) await never.opened;
      if (!signal.aborted) history.receive(message, "first");
    });
    await context.until(
      () => begun === KEYS.length,
      () => `every key to be stuck; ${begun} of ${KEYS.length} are`,
    );
    const joined = context.member(topic, options, recordInto(history, "second"), await context.connect());
    const partitionsOf = new Map(history.received.map(({ key, partition }) => [key, partition]));
    const moved = (): readonly string[] => KEYS.filter((key) => joined.consumer.assigned.includes(partitionsOf.get(key)!));
    await context.until(
      () => moved().length > 0 && moved().every((key) => history.hasReceived({ key, sequence: 2 })),
      () => `a member that joined to handle what is stuck elsewhere; it owns ${joined.consumer.assigned.join(", ") || "nothing"}`,
    );
    await context.until(() => joined.consumer.status().lastCommit !== null, "the new owner to store its progress");
    const before = first.consumer.status().lastCommit;
    stuck.open();
    await context.until(() => returned >= KEYS.length, "the late handlers to return");
    await context.until(() => first.consumer.status().lastCommit !== before, "the first member to store what is still its own");
    await first.close(50);
    await untilComplete(context, history);
    await joined.close();
    const later = history.continued();
    await publish(context, later, topic, KEYS, 1);
    const last = context.member(topic, { group }, recordInto(later, "last"), await context.connect());
    await untilComplete(context, later);
    await last.close();
    const again = later.received.find(({ sequence }) => sequence < 3);
    if (again !== undefined) throw new PromiseViolation(`progress: ${showSequenced(again)} was handled by its new owner and came again`);
  },
});

export const groupLateSettlementCases = [settlesLate];
