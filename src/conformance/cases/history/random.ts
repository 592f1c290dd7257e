import type { FaultKind } from "../../../driver/fault.ts";
import type { DefinedCase } from "../../case.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder, checkOrder, checkRepeatBound, checkSameAsStored } from "../../history/check.ts";
import { identify } from "../../history/history.ts";
import { Random } from "../../history/random.ts";
import { keyNames, showSequenced } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { RandomRun } from "../../support/random-run.ts";
import { untilShared } from "../../support/partition-owners.ts";
import { publish, readStored, sendInterleaved, untilComplete } from "../../support/stream-steps.ts";

const FAULTS: readonly FaultKind[] = [
  "throttle",
  "fail-before-write",
  "fail-after-write",
  "disconnect",
  "stall",
  "expire-cursor",
  "steal-partition",
  "lose-coordinator",
];

/** After these faults it is not known whether a call was stored, so its messages may be stored twice. */
const REPEATING: readonly FaultKind[] = ["fail-after-write", "disconnect"];

interface RandomHistory {
  readonly name: string;
  readonly seed: number;
  readonly mutant: string;
  readonly faults?: readonly FaultKind[];
}

/** For every seed: no message is lost, none is out of order, and none comes more often than there are reasons for. */
function randomHistory({ name, seed, mutant, faults = [] }: RandomHistory): DefinedCase {
  return defineCase({
    name: `history/random/${name}`,
    promise: 4,
    mutant,
    faults,
    anyOfFaults: true,
    run: async (context) => {
      // Decided before the run, so that no result depends on what the seed picks.
      const shown = faults.filter((kind) => context.faultKinds.includes(kind));
      const topic = await context.topic();
      const history = context.history();
      const group = await context.group(topic);
      const run = new RandomRun(context, topic, group, history, new Random(seed), shown);
      try {
        await run.run();
      } finally {
        // Disorder is reported as such, not as one of its consequences.
        checkOrder(history.received);
      }
      run.overlaps.check();
      checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
      const stored = context.history();
      await readStored(context, stored, topic);
      const mayRepeat = shown.some((kind) => REPEATING.includes(kind));
      (mayRepeat ? checkAtLeastOnceInOrder : checkExactlyOnceInOrder)(history.sent, stored.received, topic.name);
      checkSameAsStored(stored.received, history.received);
      checkRepeatBound(history.received, 1 + run.upheavals);
      // A late fault may prevent the last commits. Without a lag the run cannot know whether everything was stored.
      if (shown.length > 0 || !context.capabilities.lagInMessages) return;
      // Here everything is handled and stored, so a new member receives only new messages.
      const marker = history.continued();
      const handled = new Set(history.sent.map(identify));
      await publish(context, marker, topic, keyNames(16), 1);
      const last = context.member(topic, { group }, recordInto(marker, "last"));
      await untilComplete(context, marker);
      await last.close();
      const again = marker.received.find((value) => handled.has(identify(value)));
      if (again !== undefined) throw new PromiseViolation(`progress: ${showSequenced(again)} was handled long ago and was redelivered`);
    },
  });
}

const manyOfEach = defineCase({
  name: "history/random/many-producers-many-members",
  promise: 4,
  mutant: "every-member-gets-everything",
  run: async (context) => {
    const topic = await context.topic({ partitions: 8 });
    const history = context.history();
    const group = await context.group(topic);
    const members = Array.from({ length: 4 }, (_, index) =>
      context.member(topic, { group, concurrency: 4 }, recordInto(history, `member-${index}`)),
    );
    await untilShared(context, topic, members);
    const producers = Array.from({ length: 6 }, () => sequencedTopic(context.connection, topic).producer());
    // Many tasks share each producer; a key belongs to one task.
    const tasks = producers.flatMap((producer, number) =>
      Array.from({ length: 4 }, async (_, task) => {
        const keys = keyNames(3).map((key) => `${number}-${task}-${key}`);
        for (let round = 0; round < 4; round += 1) await sendInterleaved(context, producer, history, topic, keys, 3);
      }),
    );
    await context.within(Promise.all(tasks), "every producer to have stored everything");
    await untilComplete(context, history);
    await Promise.all(members.map(async (member) => member.close()));
    // No member joined or left, so there is no reason for a repeat.
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const historyRandomCases = [
  manyOfEach,
  randomHistory({ name: "calm-1", seed: 1, mutant: "forgets-progress" }),
  randomHistory({ name: "calm-2", seed: 2, mutant: "stores-every-second-call-late" }),
  randomHistory({ name: "calm-3", seed: 3, mutant: "forgets-the-order-option" }),
  randomHistory({ name: "with-faults-1", seed: 4, mutant: "stores-every-second-call-late", faults: FAULTS }),
  randomHistory({ name: "with-faults-2", seed: 5, mutant: "drops-a-record", faults: FAULTS }),
  randomHistory({ name: "with-faults-3", seed: 6, mutant: "delivers-backwards", faults: FAULTS }),
];
