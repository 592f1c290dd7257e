import { setTimeout as later } from "node:timers/promises";
import type { ConsumerStatus } from "../../../consume/consumer-types.ts";
import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectTrue, showError } from "../../assertions.ts";
import type { DefinedCase } from "../../case.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { RARE_COMMITS } from "../../support/consumer-settings.ts";
import { knowsLosses } from "../../support/known-losses.ts";
import { untilOwned, untilShared } from "../../support/partition-owners.ts";
import { shortestSession } from "../../support/shortest-session.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const KEYS = keyNames(16);

/** Is the member in contact with its group, and has it stored all that it was given, since then? */
function hasStoredAll({ state, buffered, running, lastCommit }: ConsumerStatus, since: Date): boolean {
  return state === "running" && buffered === 0 && running === 0 && lastCommit !== null && lastCommit > since;
}

interface Taken {
  readonly name: string;
  /** When the handlers of the old owner return: after a call, which may report the loss of the partition, or before. */
  readonly lateBy: "a call" | "nothing";
}

/** The group takes partitions from a member without notice, as after a freeze or a crash: another member owns them. */
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
      const [late, never] = [context.latch(), context.latch()];
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
            // The first handler returns late, the second never: so the message is not handled.
            await (attempt === 1 ? late : never).opened;
            if (attempt === 1) returned += 1;
          },
          connection,
        ),
      );
      await untilShared(context, topic, members);
      await publish(context, history, topic, KEYS, 1);
      await context.until(() => tries.size === KEYS.length, "handlers of every key to run");
      const injectedAt = new Date();
      await context.inject({ kind: "steal-partition", topic: topic.name });
      if (lateBy === "nothing") late.open();
      // The next call of the old owner reports the loss.
      await publish(context, context.history(), topic, ["other-1", "other-2", "other-3", "other-4"], 1);
      const taken = (): readonly string[] => [...tries].filter(([, attempts]) => attempts > 1).map(([key]) => key);
      // The group may give the partitions back to the same member at once: then the results of handlers that have returned are its own again.
      const isResumed = (): boolean =>
        returned === KEYS.length && members.every(({ consumer }) => hasStoredAll(consumer.status(), injectedAt));
      // It may also give them to the same member anew, which knows then that it had lost them. Its first handlers still hold their keys.
      await context.until(
        () => taken().length > 0 || reasons.length > 0 || isResumed(),
        "messages in handlers to be delivered to the new owner of their partition, or their results to be stored by the same one",
      );
      late.open();
      await context.until(() => returned === KEYS.length, "the late handlers to return");
      if (reasons.length > 0) await context.until(() => taken().length > 0, "messages of a lost partition to be delivered again");
      const unexpected = reasons.find((reason) => !isStreamError(reason, "ownership-lost"));
      expectTrue(unexpected === undefined, `handlers of a lost partition abort as ownership-lost, not ${showError(unexpected)}`);
      const mustAbort = lateBy === "a call" && knowsLosses(context);
      expectTrue(!mustAbort || reasons.length > 0, "the signals of handlers of a lost partition abort");
      // Without fencing the late result of the former owner may count: it has handled the message.
      const unhandled = context.capabilities.fencing ? taken() : [];
      await Promise.all(members.map(async (member) => member.close(50)));
      await publish(context, history, topic, KEYS, 1);
      const rest = context.history();
      const third = context.member(topic, { group }, recordInto(rest, "third"));
      await context.until(
        () => unhandled.every((key) => rest.hasReceived({ key, sequence: 0 })),
        () =>
          `messages that only an old owner handled to be redelivered: of ${unhandled.join(", ")} came ${rest.received.map(({ key }) => key).join(", ")}`,
      );
      await context.until(
        () => KEYS.every((key) => rest.hasReceived({ key, sequence: 1 })),
        "messages sent after the loss to be delivered, of every key",
      );
      checkOrder(rest.received);
      await third.close();
    },
  });
}

const lossReported = defineCase({
  name: "group/taken/loss-reported",
  promise: 7,
  mutant: "forgets-to-report-loss",
  faults: ["steal-partition", "lose-coordinator"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const events: string[] = [];
    const member = context.member(
      topic,
      {
        group: await context.group(topic),
        onAssigned: (partitions) => void events.push(...partitions.map((partition) => `has ${partition}`)),
        onRevoked: (partitions) => void events.push(...partitions.map((partition) => `lost ${partition}`)),
      },
      recordInto(history),
    );
    await untilOwned(context, topic, [member]);
    for (const kind of ["steal-partition", "lose-coordinator"] as const) {
      const before = events.length;
      await context.inject({ kind, topic: topic.name });
      await publish(context, history, topic, KEYS, 1);
      await untilComplete(context, history);
      // Where fetching needs no ownership, the next heartbeat reports the loss.
      if (knowsLosses(context)) {
        await context.until(() => events.length > before, "onAssigned or onRevoked to be called after a partition was lost");
      }
    }
    await untilOwned(context, topic, [member]);
    await member.close();
    for (const partition of topic.partitions) {
      const own = events.filter((event) => event.endsWith(` ${partition}`));
      expectTrue(
        own.every((event, index) => event.startsWith(index % 2 === 0 ? "has" : "lost")) && own.length % 2 === 0,
        `onAssigned and onRevoked alternate, up to the end: ${own.join(", ")}`,
      );
    }
    expectTrue(
      events.length > 2 * topic.partitions.length || !knowsLosses(context),
      `a partition that is lost and assigned again is reported again: ${events.join(", ")}`,
    );
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
      await context.inject({ kind, topic: topic.name });
      await publish(context, history, topic, KEYS, 2);
      await untilComplete(context, history);
    }
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

/** Long enough that a former owner which goes on has handlers left to start when its session is over. */
const HANDLER_MS = 10;

interface Start {
  readonly partition: string;
  readonly epoch: bigint;
  readonly atMs: number;
}

const formerOwnerStops = defineCase({
  name: "group/taken/former-owner-stops",
  promise: 7,
  mutant: "former-owners-go-on",
  faults: ["steal-partition"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const sessionTimeoutMs = await shortestSession(context, topic);
    const starts: Start[] = [];
    // Nothing is committed on the way, so that no refused commit reports the loss.
    const options = { group, sessionTimeoutMs, commit: RARE_COMMITS };
    const members = [context.connection, await context.connect()].map((connection, index) =>
      context.member(
        topic,
        options,
        async (message, { epoch }) => {
          if (epoch !== null) starts.push({ partition: message.partition, epoch: BigInt(epoch), atMs: performance.now() });
          history.receive(message, `member-${index}`);
          await later(HANDLER_MS);
        },
        connection,
      ),
    );
    await untilShared(context, topic, members);
    await publish(context, history, topic, KEYS, 16);
    const before = history.received.length;
    await context.until(() => history.received.length > before, "the members to handle messages");
    await context.inject({ kind: "steal-partition", topic: topic.name });
    await untilComplete(context, history);
    await Promise.all(members.map(async (member) => member.close()));
    const late = starts.filter(({ partition, epoch, atMs }) =>
      starts.some((other) => other.partition === partition && other.epoch > epoch && other.atMs + sessionTimeoutMs < atMs),
    );
    expectEqual(late.length, 0, "handlers that a former owner started a whole session after the new owner had started its first");
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const groupTakenCases = [
  takenWithoutNotice({ name: "taken-without-notice", lateBy: "a call" }),
  takenWithoutNotice({ name: "taken-as-handlers-return", lateBy: "nothing" }),
  lossReported,
  goesOn,
  formerOwnerStops,
];
