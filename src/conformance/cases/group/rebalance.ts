import { setTimeout as later } from "node:timers/promises";
import { expectEqual, expectTrue } from "../../assertions.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkComplete, checkExactlyOnceInOrder, checkOrder } from "../../history/check.ts";
import { keyNames, showSequenced } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { shortestSession } from "../../support/shortest-session.ts";
import { Overlaps } from "../../support/overlaps.ts";
import { untilOwned, untilShared } from "../../support/partition-owners.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const KEYS = keyNames(16);

/**
 * A member whose handlers do not end loses partitions to a member that joins, without any fault. A later commit of the old owner is
 * older than that of the new owner: it must not reach the group.
 */
const settlesLate = defineCase({
  name: "group/rebalance/late-settlement-moves-nothing-back",
  promise: 7,
  mutant: "last-settlement-wins",
  gates: {
    // Without partitions there is no ownership that could be lost.
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
    const sessionTimeoutMs = await shortestSession(context, topic);
    await publish(context, history, topic, KEYS, 3);
    const [stuck, never] = [context.latch(), context.latch()];
    let begun = 0;
    let returned = 0;
    const options = { group, sessionTimeoutMs, concurrency: 16, commit: { everyMs: 5, everyMessages: 1 } };
    const first = context.member(topic, options, async (message, { signal }) => {
      // The first message of each key is handled, so that the group has a position in every partition.
      const { sequence } = message.value;
      if (sequence === 1) {
        begun += 1;
        await stuck.opened;
        returned += 1;
      }
      // The old owner never finishes these, so its commits stay behind those of the new owner.
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
    await context.until(
      () => first.consumer.status().lastCommit !== before,
      "the first member to store progress of the partitions that it still owns",
    );
    await first.close(50);
    await untilComplete(context, history);
    await joined.close();
    const later = history.continued();
    await publish(context, later, topic, KEYS, 1);
    const last = context.member(topic, { group }, recordInto(later, "last"), await context.connect());
    await untilComplete(context, later);
    await last.close();
    const again = later.received.find(({ sequence }) => sequence < 3);
    if (again !== undefined)
      throw new PromiseViolation(`progress: ${showSequenced(again)} was handled by its new owner and was redelivered`);
  },
});

const manyAtOnce = defineCase({
  name: "group/rebalance/many-members-at-once",
  promise: 7,
  mutant: "settles-what-it-hands-over",
  run: async (context) => {
    const topic = await context.topic({ partitions: 8 });
    const history = context.history();
    const group = await context.group(topic);
    const connections = await Promise.all([context.connect(), context.connect(), context.connect()]);
    const join = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        context.member(
          topic,
          { group, concurrency: 2 },
          async (message) => {
            await later(2);
            history.receive(message);
          },
          connections[index % connections.length],
        ),
      );
    await publish(context, history, topic, keyNames(32), 3);
    let members = join(5);
    for (let round = 1; round <= 2; round += 1) {
      await context.until(() => history.distinct >= Math.min(history.sent.length, 30 * round), "the members to work");
      const [leaving, staying] = [members.slice(0, 3), members.slice(3)];
      const [, joined] = await Promise.all([
        Promise.all(leaving.map(async (member) => member.close())),
        Promise.resolve(join(3)),
        publish(context, history, topic, keyNames(32), 3),
      ]);
      members = [...staying, ...joined];
    }
    await untilComplete(context, history);
    await untilShared(context, topic, members);
    if (context.capabilities.partitions) {
      const owned = members.flatMap(({ consumer }) => consumer.assigned);
      expectEqual(owned.length, topic.partitions.length, "at rest no partition has two owners");
    }
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

/** Short enough for members to notice each other soon, and long enough for a handler to wait until another member joins. */
const LEAST_SESSION_MS = 6_000;

const handlersFirst = defineCase({
  name: "group/rebalance/handlers-finish-first",
  promise: 7,
  mutant: "loses-a-revocation",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const sessionTimeoutMs = Math.max(LEAST_SESSION_MS, await shortestSession(context, topic));
    const overlaps = new Overlaps();
    const held = context.latch();
    let running = 0;
    const join = async (name: string) =>
      context.member(
        topic,
        // In partition order, handled messages are never behind a gap, so no message has to be redelivered.
        { group, concurrency: 8, order: "partition", sessionTimeoutMs },
        async (message) => {
          running += 1;
          const work = name === "first" && !held.isOpen ? held.opened : later(20);
          await overlaps.during(message.value.key, "no two members handle a key at once", async () => work);
          history.receive(message, name);
        },
        await context.connect(),
      );
    const receipts = await publish(context, history, topic, keyNames(8), 3);
    const busy = new Set(receipts.map(({ partition }) => partition)).size;
    const first = await join("first");
    await context.until(() => running >= busy, "a handler of the first member to run in every partition that has messages");
    const second = await join("second");
    await context.until(() => second.consumer.status().state === "running", "the second member to join");
    // A member of another group that joins now receives everything, so there was time to deliver messages to the second member.
    const witness = context.history();
    const other = context.member(topic, { group: await context.group(topic) }, recordInto(witness, "witness"));
    await context.until(() => witness.distinct === history.sent.length, "another group to be given the messages");
    await other.close();
    overlaps.check();
    if (context.capabilities.partitions)
      expectEqual(history.received.length, 0, "messages handled while the first message of every partition is in its handler");
    held.open();
    await untilComplete(context, history);
    await untilShared(context, topic, [first, second]);
    await publish(context, history, topic, keyNames(8), 1);
    await untilComplete(context, history);
    await Promise.all([first.close(), second.close()]);
    overlaps.check();
    // A handler that runs when the partition is revoked finishes, and its progress is stored, before the partition has another owner.
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const callbacks = defineCase({
  name: "group/rebalance/callbacks-in-order",
  promise: 7,
  mutant: "does-not-wait-for-on-revoked",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const events: string[] = [];
    const held = context.latch();
    const record = (what: string, partitions: readonly string[]): void => {
      events.push(...partitions.map((partition) => `${what} ${partition}`));
      context.deadline.notify();
    };
    const join = async (name: string) =>
      context.member(
        topic,
        {
          group,
          concurrency: 4,
          onAssigned: (partitions) => record(`${name} has`, partitions),
          onRevoked: async (partitions) => {
            record(`${name} releases`, partitions);
            await held.opened;
            await later(10);
            record(`${name} released`, partitions);
          },
        },
        recordInto(history, name),
        await context.connect(),
      );
    const first = await join("first");
    await untilOwned(context, topic, [first]);
    const second = await join("second");
    if (context.capabilities.partitions) {
      await context.until(() => events.some((event) => event.startsWith("first releases")), "onRevoked of the first member to be called");
    }
    held.open();
    await untilShared(context, topic, [first, second]);
    await publish(context, history, topic, keyNames(24), 2);
    await untilComplete(context, history);
    await Promise.all([first.close(), second.close()]);
    for (const partition of topic.partitions) {
      const [released, assigned] = [events.indexOf(`first released ${partition}`), events.indexOf(`second has ${partition}`)];
      expectTrue(released >= 0, `onRevoked has settled when close resolves: but not for partition ${partition}`);
      if (!context.capabilities.partitions || assigned < 0) continue;
      expectTrue(
        released < assigned,
        `onRevoked of the old owner settles before partition ${partition} has a new one: ${events.join(", ")}`,
      );
    }
    expectTrue(
      !context.capabilities.partitions || events.some((event) => event.startsWith("second has")),
      "the second member was given a partition",
    );
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const nothingBefore = defineCase({
  name: "group/rebalance/nothing-before-on-assigned",
  promise: 7,
  mutant: "does-not-wait-for-on-assigned",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 2);
    const ready = context.latch();
    let assigned = 0;
    const onAssigned = async (partitions: readonly string[]): Promise<void> => {
      assigned += partitions.length;
      await ready.opened;
    };
    const member = context.member(topic, { group: await context.group(topic), concurrency: 4, onAssigned }, recordInto(history, "first"));
    await context.until(() => assigned > 0, "onAssigned to be called");
    // Another group receives everything, so all of it was available to this member too.
    const witness = context.history();
    context.member(topic, { group: await context.group(topic) }, recordInto(witness, "witness"));
    await context.until(() => witness.distinct === history.sent.length, "another group to be given the messages");
    expectEqual(history.received.length, 0, "messages handled before onAssigned has settled");
    ready.open();
    await untilComplete(context, history);
    await member.close();
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const takeOver = defineCase({
  name: "group/rebalance/idle-members-take-over",
  promise: 7,
  mutant: "idle-members-stay-idle",
  run: async (context) => {
    const topic = await context.topic({ partitions: 2 });
    const history = context.history();
    const group = await context.group(topic);
    const members = ["a", "b", "c", "d"].map((name) => context.member(topic, { group }, recordInto(history, name)));
    await untilOwned(context, topic, members);
    await publish(context, history, topic, keyNames(12), 2);
    await untilComplete(context, history);
    const busy = members.filter(({ consumer }) => consumer.assigned.length > 0).slice(0, 2);
    await Promise.all(busy.map(async (member) => member.close()));
    const idle = members.filter((member) => !busy.includes(member));
    await publish(context, history, topic, keyNames(12), 2);
    await untilComplete(context, history);
    for (const member of idle) await member.close();
    checkOrder(history.received);
    checkComplete(history.sent, history.received);
  },
});

export const groupRebalanceCases = [settlesLate, manyAtOnce, handlersFirst, callbacks, nothingBefore, takeOver];
