import { setImmediate as nextTurn } from "node:timers/promises";
import { expectEqual, expectSequence, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkComplete, checkNoDuplicates, checkOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { RARE_COMMITS } from "../../support/consumer-settings.ts";
import { untilShared } from "../../support/partition-owners.ts";
import { publish, sendInterleaved, untilComplete } from "../../support/stream-steps.ts";

/** Sends rounds of all keys until the condition holds. Where a provider has no partitions, it alone chooses the member for a message. */
async function publishUntil(
  context: CaseContext,
  history: History,
  topic: CaseTopic,
  condition: () => boolean,
  what: string,
): Promise<void> {
  const producer = sequencedTopic(context.connection, topic).producer();
  await context.deadline.untilAsked(async () => {
    if (!condition()) await sendInterleaved(context, producer, history, topic, keyNames(24), 1);
    return condition();
  }, what);
}

const twoGroups = defineCase({
  name: "group/members/two-groups",
  promise: 4,
  mutant: "groups-share-a-position",
  run: async (context) => {
    const topic = await context.topic();
    const sent = context.history();
    await publish(context, sent, topic, keyNames(8), 6);
    for (const group of [await context.group(topic), await context.group(topic)]) {
      const history = context.history();
      const member = context.member(topic, { group }, recordInto(history));
      await context.until(
        () => history.distinct === sent.sent.length,
        () => `completeness: each group gets everything; one got ${history.distinct} of ${sent.sent.length}`,
      );
      checkAtLeastOnceInOrder(sent.sent, history.received, topic.name);
      await member.close();
    }
  },
});

const share = defineCase({
  name: "group/members/members-share",
  promise: 7,
  mutant: "every-member-gets-everything",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const connections = [context.connection, await context.connect()];
    const members = connections.map((connection, index) =>
      context.member(topic, { group, concurrency: 4 }, recordInto(history, `member-${index}`), connection),
    );
    await untilShared(context, topic, members);
    if (context.capabilities.partitions) {
      const owned = members.flatMap(({ consumer }) => consumer.assigned);
      expectEqual(owned.length, topic.partitions.length, "at rest no partition has two owners");
    }
    await publish(context, history, topic, keyNames(24), 4);
    await untilComplete(context, history);
    // After close, a second delivery would have come by now.
    await Promise.all(members.map(async (member) => member.close()));
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
    checkNoDuplicates(history.received);
  },
});

const join = defineCase({
  name: "group/members/join-gets-work",
  promise: 7,
  mutant: "second-member-gets-nothing",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    context.member(topic, { group, concurrency: 4 }, recordInto(history, "first"));
    await publishUntil(context, history, topic, () => history.received.length > 0, "the first member to be given something");
    context.member(topic, { group, concurrency: 4 }, recordInto(history, "second"), await context.connect());
    const secondHasWork = (): boolean => history.received.some(({ receiver }) => receiver === "second");
    await publishUntil(context, history, topic, secondHasWork, "a member that joins to be given work");
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const leave = defineCase({
  name: "group/members/leave-hands-over",
  promise: 7,
  mutant: "leaver-keeps-its-partitions",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const first = context.member(topic, { group, concurrency: 4 }, recordInto(history, "first"));
    const second = context.member(topic, { group, concurrency: 4 }, recordInto(history, "second"), await context.connect());
    await untilShared(context, topic, [first, second]);
    await publish(context, history, topic, keyNames(24), 2);
    await first.close();
    await publish(context, history, topic, keyNames(24), 2);
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const traffic = defineCase({
  name: "group/members/coming-and-going-under-traffic",
  promise: 7,
  mutant: "settles-what-it-hands-over",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const slowly = async (message: Parameters<History["receive"]>[0]): Promise<void> => {
      await nextTurn();
      history.receive(message);
    };
    await publish(context, history, topic, keyNames(20), 6);
    const first = context.member(topic, { group, concurrency: 2 }, slowly);
    await context.until(() => history.distinct > 10, "the first member to work");
    const second = context.member(topic, { group, concurrency: 2 }, slowly, await context.connect());
    await untilShared(context, topic, [first, second]);
    await publish(context, history, topic, keyNames(20), 4);
    await first.close();
    context.member(topic, { group, concurrency: 2 }, slowly, await context.connect());
    await publish(context, history, topic, keyNames(20), 4);
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const revocationSettles = defineCase({
  name: "group/members/revocation-settles-finished-work",
  promise: 7,
  mutant: "forgets-to-settle-on-revocation",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(16), 4);
    const first = context.member(topic, { group, concurrency: 4, commit: RARE_COMMITS }, recordInto(history, "first"));
    await untilComplete(context, history);
    const second = context.member(topic, { group, commit: RARE_COMMITS }, recordInto(history, "second"), await context.connect());
    await untilShared(context, topic, [first, second]);
    // These messages come after all that could be redelivered.
    await publish(context, history, topic, keyNames(16), 1);
    await untilComplete(context, history);
    checkComplete(history.sent, history.received);
    checkNoDuplicates(history.received);
  },
});

const callbacks = defineCase({
  name: "group/members/assigned-then-revoked",
  promise: 7,
  mutant: "forgets-to-report-revocation",
  run: async (context) => {
    const topic = await context.topic();
    const changes: string[] = [];
    const member = context.member(
      topic,
      {
        group: await context.group(topic),
        onAssigned: (partitions) => void changes.push(...partitions.map((partition) => `+${partition}`)),
        onRevoked: (partitions) => void changes.push(...partitions.map((partition) => `-${partition}`)),
      },
      () => undefined,
    );
    await context.until(() => member.consumer.assigned.length === topic.partitions.length, "a lone member to be given every partition");
    await member.close();
    const assigned = changes.filter((change) => change.startsWith("+")).map((change) => change.slice(1));
    const revoked = changes.filter((change) => change.startsWith("-")).map((change) => change.slice(1));
    expectSequence(assigned.toSorted(), topic.partitions.toSorted(), "onAssigned receives every partition once");
    expectSequence(revoked.toSorted(), topic.partitions.toSorted(), "onRevoked receives every partition once, at close");
    expectTrue(
      topic.partitions.every((partition) => changes.indexOf(`+${partition}`) < changes.indexOf(`-${partition}`)),
      "every partition is assigned before it is revoked",
    );
    expectEqual(member.consumer.assigned.length, 0, "a closed member holds no partition");
  },
});

const idleMembers = defineCase({
  name: "group/members/more-members-than-partitions",
  promise: 7,
  mutant: "refuses-a-third-member",
  run: async (context) => {
    const topic = await context.topic({ partitions: 2 });
    const history = context.history();
    const group = await context.group(topic);
    const members = [1, 2, 3].map((number) => context.member(topic, { group }, recordInto(history, `member-${number}`)));
    await publish(context, history, topic, keyNames(12), 4);
    await untilComplete(context, history);
    for (const member of members) await member.close();
    checkOrder(history.received);
    checkComplete(history.sent, history.received);
  },
});

export const groupMembersCases = [twoGroups, share, join, leave, traffic, revocationSettles, callbacks, idleMembers];
