import { isStreamError } from "../../../errors.ts";
import { expectTrue, showError } from "../../assertions.ts";
import type { DefinedCase } from "../../case.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { untilOwned, untilShared } from "../../support/sharing.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const KEYS = keyNames(16);

interface Taken {
  readonly name: string;
  /** When the old owner's handlers return: it may have heard by then that the partition is lost, or not yet. */
  readonly lateBy: "a call" | "nothing";
}

/** What a member that froze or crashed looks like to the group: its partitions are somebody else's, and nobody was asked. */
function takenWithoutNotice({ name, lateBy }: Taken): DefinedCase {
  return defineCase({
    name: `group/taken/${name}`,
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
      if (lateBy === "nothing") late.open();
      // The theft shows at the old owner's next call.
      await publish(context, context.history(), topic, ["other-1", "other-2", "other-3", "other-4"], 1);
      const taken = (): readonly string[] => [...tries].filter(([, attempts]) => attempts > 1).map(([key]) => key);
      await context.until(() => taken().length > 0, "what a member was handling to come to the new owner of its partition");
      late.open();
      await context.until(() => returned === KEYS.length, "the late handlers to return");
      const unexpected = reasons.find((reason) => !isStreamError(reason, "ownership-lost"));
      expectTrue(unexpected === undefined, `handlers of a lost partition are told ownership-lost, not ${showError(unexpected)}`);
      expectTrue(lateBy === "nothing" || reasons.length > 0, "handlers of a lost partition are told that it is lost");
      const unhandled = taken();
      await Promise.all(members.map(async (member) => member.close(50)));
      const rest = context.history();
      const third = context.member(topic, { group }, recordInto(rest, "third"));
      await context.until(
        () => unhandled.every((key) => rest.hasReceived({ key, sequence: 0 })),
        () =>
          `what only an old owner has handled to come again: of ${unhandled.join(", ")} came ${rest.received.map(({ key }) => key).join(", ")}`,
      );
      await third.close();
    },
  });
}

const lossReported = defineCase({
  name: "group/taken/loss-reported",
  promise: 7,
  mutant: "forgets-to-tell-of-loss",
  faults: ["steal-partition", "lose-coordinator"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const told: string[] = [];
    const member = context.member(
      topic,
      {
        group: await context.group(topic),
        onAssigned: (partitions) => void told.push(...partitions.map((partition) => `has ${partition}`)),
        onRevoked: (partitions) => void told.push(...partitions.map((partition) => `lost ${partition}`)),
      },
      recordInto(history),
    );
    await untilOwned(context, topic, [member]);
    for (const kind of ["steal-partition", "lose-coordinator"] as const) {
      const before = told.length;
      context.inject({ kind, topic: topic.name });
      await publish(context, history, topic, KEYS, 1);
      await untilComplete(context, history);
      // Where fetching needs no ownership, the next heartbeat tells.
      await context.until(() => told.length > before, "a member to be told that a partition was lost");
    }
    await untilOwned(context, topic, [member]);
    await member.close();
    for (const partition of topic.partitions) {
      const words = told.filter((word) => word.endsWith(` ${partition}`));
      expectTrue(
        words.every((word, index) => word.startsWith(index % 2 === 0 ? "has" : "lost")) && words.length % 2 === 0,
        `onAssigned and onRevoked take turns, to the end: ${words.join(", ")}`,
      );
    }
    expectTrue(told.length > 2 * topic.partitions.length, `a partition that is lost and comes again is told of again: ${told.join(", ")}`);
  },
});

const goesOn = defineCase({
  name: "group/taken/under-traffic",
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

export const groupTakenCases = [
  takenWithoutNotice({ name: "taken-without-notice", lateBy: "a call" }),
  takenWithoutNotice({ name: "taken-as-handlers-return", lateBy: "nothing" }),
  lossReported,
  goesOn,
];
