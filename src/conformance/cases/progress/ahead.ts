import { setTimeout as later } from "node:timers/promises";
import type { ConsumerOptions } from "../../../consume/consumer-types.ts";
import type { DefinedCase } from "../../case.ts";
import type { CaseContext } from "../../case-context.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import { type History, identify } from "../../history/history.ts";
import { keyNames, showSequenced } from "../../history/sequenced.ts";
import { type Member, recordInto } from "../../member.ts";
import { QUICK_RETRY, RARE_COMMITS } from "../../support/consumer-settings.ts";
import { AHEAD_GATE, checkNotRepeated, groupWithGaps, isSlow, withLater } from "../../support/handled-ahead.ts";
import { untilOwned, untilShared } from "../../support/partition-owners.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const cleanLeave = defineCase({
  name: "progress/ahead/clean-leave",
  promise: 4,
  mutant: "stores-nothing-ahead",
  gates: AHEAD_GATE,
  run: async (context) => {
    const gaps = await groupWithGaps(context);
    const next = await withLater(context, gaps);
    const member = context.member(gaps.topic, { group: gaps.group }, recordInto(next, "next"), await context.connect());
    await untilComplete(context, next);
    await member.close();
    checkNotRepeated(gaps.before.received, next.received);
    checkExactlyOnceInOrder(next.sent, next.received, gaps.topic.name);
  },
});

/** A message that failed for good is handled: it is skipped, or stored as a dead letter, once. */
const failedForGood = defineCase({
  name: "progress/ahead/failed-for-good",
  promise: 6,
  mutant: "stores-nothing-ahead",
  gates: AHEAD_GATE,
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const failures: string[] = [];
    const stuck = context.latch();
    const options: ConsumerOptions = {
      group,
      concurrency: 64,
      retry: { ...QUICK_RETRY, maxAttempts: 1 },
      onFailure: ({ message }) => {
        failures.push(`${message.partition} ${message.position}`);
        context.deadline.notify();
        return "skip";
      },
    };
    await publish(context, history, topic, [...keyNames(8).map((key) => `slow-${key}`), ...keyNames(8)], 1);
    const fails = async ({ value }: { readonly value: { readonly key: string } }): Promise<void> => {
      if (isSlow(value)) await stuck.opened;
      throw new Error("cannot be handled");
    };
    const first = context.member(topic, options, fails);
    await context.until(() => failures.length === 8, "messages behind slow ones to fail for good");
    await first.close(20);
    stuck.open();
    const second = context.member(topic, options, fails, await context.connect());
    await context.until(() => new Set(failures).size === 16, "the slow messages to fail for good");
    await second.close();
    if (failures.length !== 16) throw new PromiseViolation(`failing messages: ${failures.length - 16} failed for good twice`);
  },
});

const rollingRestart = defineCase({
  name: "progress/ahead/rolling-restart",
  promise: 4,
  mutant: "stores-nothing-ahead",
  gates: AHEAD_GATE,
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const handled = new Set<string>();
    const again: string[] = [];
    const join = async (name: string) =>
      context.member(
        topic,
        { group, concurrency: 16, commit: { everyMs: 20 } },
        async (message, { signal }) => {
          const id = identify(message.value);
          if (handled.has(id)) again.push(showSequenced(message.value));
          // Slow ones do not end while their member closes. Their results come too late to count.
          await (isSlow(message.value) ? later(150, undefined, { signal }) : later(2));
          if (signal.aborted) return;
          handled.add(id);
          history.receive(message, name);
        },
        await context.connect(),
      );
    const keys = [...keyNames(3).map((key) => `slow-${key}`), ...keyNames(16)];
    let members = [await join("a"), await join("b"), await join("c")];
    await untilShared(context, topic, members);
    for (const name of ["d", "e", "f"]) {
      await publish(context, history, topic, keys, 2);
      const [leaving, ...staying] = members;
      const wanted = history.distinct + 12;
      await context.until(() => history.distinct >= Math.min(wanted, history.sent.length), "the members to work");
      const joined = await join(name);
      await leaving!.close(10);
      members = [...staying, joined];
    }
    await untilComplete(context, history);
    for (const member of members) await member.close();
    if (again.length > 0) throw new PromiseViolation(`progress: ${again.length} messages were handled and came again, first ${again[0]}`);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

/** So many messages of each key are handled and stored for certain before the partitions are taken. */
const COUNTED = 2;

/** As a process that is killed: its partitions go to another member, without a last commit. */
const killed = defineCase({
  name: "progress/ahead/killed-after-a-commit",
  promise: 4,
  mutant: "stores-ahead-with-the-place-only",
  faults: ["steal-partition"],
  gates: AHEAD_GATE,
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const stuck = context.latch();
    const taken = context.latch();
    const again: string[] = [];
    const quick = keyNames(12);
    const options = { group, concurrency: 64, commit: { everyMs: 5, everyMessages: 1 } };
    const members = [context.connection, await context.connect()].map((connection) =>
      context.member(
        topic,
        options,
        async (message, { signal }) => {
          const { key, sequence } = message.value;
          // What is not yet stored, or is handled while the loss is not yet known, may come again.
          if (taken.isOpen && quick.includes(key) && sequence < COUNTED && history.hasReceived(message.value))
            again.push(showSequenced(message.value));
          if (isSlow(message.value) && !taken.isOpen) await stuck.opened;
          if (!signal.aborted) history.receive(message);
        },
        connection,
      ),
    );
    await untilShared(context, topic, members);
    await publish(context, history, topic, [...keyNames(6).map((key) => `slow-${key}`), ...quick], 1);
    await context.until(() => history.distinct === quick.length, "what is behind slow messages to be handled");
    // Each commit begins when the one before it has ended. So what is handled when a round begins is in the second one that ends from
    // then on: the first one may have begun before. All of the first `COUNTED` sequences is stored two rounds later.
    for (let round = 0; round < COUNTED + 1; round += 1) {
      const before = members.map(({ consumer }) => consumer.status().lastCommit);
      await publish(context, history, topic, quick, 1);
      await untilAllCommitted(context, members, before, history, quick.length * (round + 2));
    }
    // From now on, nothing may come again: not even while the other partitions are still being taken.
    taken.open();
    for (const partition of topic.partitions) await context.inject({ kind: "steal-partition", topic: topic.name, partition });
    await publish(context, history, topic, quick, 1);
    stuck.open();
    await untilComplete(context, history);
    if (again.length > 0) throw new PromiseViolation(`progress: ${again[0]} was handled and stored, and came again after a crash`);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

async function untilAllCommitted(
  context: CaseContext,
  members: readonly Member<unknown>[],
  before: readonly (Date | null)[],
  history: History,
  handled: number,
): Promise<void> {
  await context.until(() => history.distinct === handled, "more messages to be handled");
  await context.until(
    () => members.every(({ consumer }, index) => consumer.status().lastCommit !== before[index]),
    "members to store progress",
  );
}

const inherited = defineCase({
  name: "progress/ahead/over-two-restarts",
  promise: 4,
  mutant: "forgets-what-was-inherited",
  gates: AHEAD_GATE,
  run: async (context) => {
    const gaps = await groupWithGaps(context);
    const { topic, group } = gaps;
    const handled = [...gaps.before.received];
    const stuck = context.latch();
    let part = gaps.before;
    for (const name of ["second", "third"]) {
      part = part.continued();
      const current = part;
      await publish(context, current, topic, keyNames(12), 1);
      const member = context.member(topic, { group, concurrency: 64 }, async (message) => {
        if (isSlow(message.value)) await stuck.opened;
        else current.receive(message, name);
      });
      await context.until(() => current.sent.every((value) => current.hasReceived(value)), "new messages to be handled");
      await member.close(20);
      checkNotRepeated(handled, current.received);
      handled.push(...current.received);
    }
    const rest = context.history();
    rest.sent.push(...gaps.left);
    const last = context.member(topic, { group }, recordInto(rest, "last"), await context.connect());
    await untilComplete(context, rest);
    await last.close();
    checkNotRepeated(handled, rest.received);
    checkExactlyOnceInOrder(rest.sent, rest.received, topic.name);
  },
});

/** The member loses everything and gets it back, and nobody has settled in between. It still knows what it has handled. */
const outage = defineCase({
  name: "progress/ahead/same-member-again",
  promise: 4,
  mutant: "forgets-former-ownerships",
  faults: ["lose-coordinator"],
  gates: {
    ...AHEAD_GATE,
    partitions: async (context) => {
      // Without partitions, nothing is owned that could be lost and come back.
      const topic = await context.topic();
      const history = context.history();
      const member = context.member(topic, { group: await context.group(topic) }, recordInto(history));
      await publish(context, history, topic, keyNames(8), 1);
      await untilComplete(context, history);
      await member.close();
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const stuck = context.latch();
    let lost = 0;
    const options = {
      group,
      concurrency: 64,
      commit: RARE_COMMITS,
      onRevoked: (partitions: readonly string[]) => void (lost += partitions.length),
    };
    const slowKeys = keyNames(6).map((key) => `slow-${key}`);
    const member = context.member(topic, options, async (message, { signal }) => {
      if (isSlow(message.value) && !stuck.isOpen) await stuck.opened;
      if (!signal.aborted) history.receive(message);
    });
    await untilOwned(context, topic, [member]);
    await publish(context, history, topic, [...slowKeys, ...keyNames(12)], 2);
    await context.until(() => history.distinct === 24, "what is behind slow messages to be handled");
    await context.inject({ kind: "lose-coordinator", topic: topic.name });
    // The next call of the member reports the loss.
    await publish(context, history, topic, keyNames(12), 1);
    await context.until(() => lost >= topic.partitions.length, "the member to lose its partitions");
    stuck.open();
    await untilOwned(context, topic, [member]);
    await untilComplete(context, history);
    await member.close();
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const progressAheadCases: readonly DefinedCase[] = [cleanLeave, failedForGood, rollingRestart, killed, inherited, outage];
