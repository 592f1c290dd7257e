import { setImmediate as nextTurn } from "node:timers/promises";
import type { FaultKind } from "../../../driver/fault.ts";
import type { Receipt } from "../../../receipt.ts";
import type { DefinedCase } from "../../case.ts";
import type { CaseContext } from "../../case-context.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { readStored, untilComplete } from "../../support/stream-steps.ts";

/** The fault comes on each of the first 12 calls in turn: by then a small run has done every kind of call. */
const CALLS = 12;

const KEYS = keyNames(6);

const STALL_MS = 50;

/** Publishes, handles, stores progress, leaves, and continues as another member. The fault comes on the n-th call of all these. */
async function runWithFault(context: CaseContext, fault: FaultKind, after: number): Promise<void> {
  const topic = await context.topic();
  const group = await context.group(topic);
  const history = context.history();
  await context.inject({ kind: fault, topic: topic.name, after, durationMs: STALL_MS });
  const producer = sequencedTopic(context.connection, topic).producer({ retry: { initialDelayMs: 1, maxDelayMs: 10 } });
  const options = { group, concurrency: 3, commit: { everyMessages: 4, everyMs: 10 } };
  const sends: Promise<Receipt>[] = [];
  for (const name of ["first", "second"]) {
    const member = context.member(topic, options, recordInto(history, name));
    for (let round = 0; round < 3; round += 1) {
      for (const key of KEYS) sends.push(context.later(producer.send({ value: history.next(topic.name, key) })));
      await nextTurn();
    }
    await context.within(Promise.all(sends), `every send to resolve, with a fault on call ${after}`);
    await untilComplete(context, history);
    await member.close();
  }
  checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  const stored = context.history();
  await readStored(context, stored, topic);
  checkAtLeastOnceInOrder(history.sent, stored.received, topic.name);
}

function onEveryCall(name: string, fault: FaultKind, mutant: string): DefinedCase {
  return defineCase({
    name: `fault/nth-call/${name}`,
    promise: 4,
    mutant,
    faults: [fault],
    run: async (context) => {
      for (let after = 0; after < CALLS; after += 1) await runWithFault(context, fault, after);
    },
  });
}

export const faultNthCallCases = [
  onEveryCall("disconnect", "disconnect", "skips-what-follows-a-retry"),
  onEveryCall("throttle", "throttle", "retries-behind-the-queue"),
  onEveryCall("fail-before-write", "fail-before-write", "retries-behind-the-queue"),
  onEveryCall("fail-after-write", "fail-after-write", "gives-up-on-unknown"),
  onEveryCall("stall", "stall", "drops-what-comes-late"),
  onEveryCall("expire-cursor", "expire-cursor", "skips-what-follows-a-retry"),
  onEveryCall("lose-coordinator", "lose-coordinator", "takes-a-partition-once-only"),
  onEveryCall("steal-partition", "steal-partition", "takes-a-partition-once-only"),
];
