import { isStreamError } from "../../errors.ts";
import { expectTrue, showError } from "../assertions.ts";
import { defineCase } from "../define-case.ts";
import { checkAtLeastOnceInOrder, checkComplete } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { untilShared } from "../sharing.ts";
import { publish, untilComplete } from "../stream-work.ts";

const KEYS = keyNames(16);

/** What a member that froze or crashed looks like to the group: its partitions are somebody else's, and nobody was asked. */
const takenWithoutNotice = defineCase({
  name: "group/rebalance/taken-without-notice",
  promise: 7,
  mutant: "old-owners-commit",
  faults: ["steal-partition"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const [late, again] = [context.latch(), context.latch()];
    const tries = new Map<string, number>();
    const reasons: unknown[] = [];
    let returned = 0;
    const options = { group, concurrency: 32, commit: { everyMs: 5, everyMessages: 1 } };
    const members = [context.connection, await context.connect()].map((connection) =>
      context.member(
        topic,
        options,
        async ({ value: { key } }, { signal }) => {
          if (!KEYS.includes(key)) return;
          const attempt = (tries.get(key) ?? 0) + 1;
          tries.set(key, attempt);
          signal.addEventListener("abort", () => reasons.push(signal.reason));
          // The first to have it returns late, the next never: so nobody has handled it.
          await (attempt === 1 ? late : again).opened;
          if (attempt === 1) returned += 1;
        },
        connection,
      ),
    );
    await untilShared(context, topic, members);
    await publish(context, history, topic, KEYS, 1);
    await context.until(() => tries.size === KEYS.length, "handlers of every key to run");
    context.inject({ kind: "steal-partition", topic: topic.name });
    // The theft shows at the old owner's next call.
    await publish(context, context.history(), topic, ["other-1", "other-2", "other-3", "other-4"], 1);
    const taken = (): readonly string[] => [...tries].filter(([, attempts]) => attempts > 1).map(([key]) => key);
    await context.until(() => taken().length > 0, "what a member was handling to come to the new owner of its partition");
    late.open();
    await context.until(() => returned === KEYS.length, "the late handlers to return");
    const lost = reasons.find((reason) => !isStreamError(reason, "ownership-lost"));
    expectTrue(reasons.length > 0 && lost === undefined, `handlers of a lost partition are told ownership-lost, not ${showError(lost)}`);
    await Promise.all(members.map(async (member) => member.close(50)));
    const unhandled = taken();
    const rest = context.history();
    const third = context.member(topic, { group }, recordInto(rest, "third"));
    await context.until(
      () => unhandled.every((key) => rest.hasReceived({ key, sequence: 0 })),
      () =>
        `what only an old owner has handled to come again: of ${unhandled.join(", ")} came ${rest.received.map(({ key }) => key).join(", ")}`,
    );
    await third.close();
    checkComplete(
      history.sent.filter(({ key }) => unhandled.includes(key)),
      rest.received,
    );
  },
});

const goesOn = defineCase({
  name: "group/rebalance/taken-under-traffic",
  promise: 7,
  mutant: "takes-a-partition-once-only",
  faults: ["steal-partition", "lose-coordinator"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const members = [context.connection, await context.connect()].map((connection, index) =>
      context.member(topic, { group, concurrency: 4, commit: { everyMs: 10 } }, recordInto(history, `member-${index}`), connection),
    );
    await untilShared(context, topic, members);
    for (const kind of ["steal-partition", "lose-coordinator", "steal-partition"] as const) {
      await publish(context, history, topic, KEYS, 2);
      context.inject({ kind, topic: topic.name });
      await publish(context, history, topic, KEYS, 2);
      await untilComplete(context, history);
    }
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const groupTakenCases = [takenWithoutNotice, goesOn];
