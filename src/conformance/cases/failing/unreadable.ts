import type { ConsumerOptions, Failure } from "../../../consume/consumer-types.ts";
import { isStreamError } from "../../../errors.ts";
import { expectBytes, expectEqual, expectSequence, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { defineCase } from "../../define-case.ts";
import { Member } from "../../member.ts";
import { plainBytes } from "../../plain-codecs.ts";
import { QUICK_RETRY } from "../../support/consumer-settings.ts";
import { readAll } from "../../support/stream-steps.ts";
import { type DamagedTopic, damagedTopic, expectErrorPlace, sendTexts, textStream } from "../../support/damaged-topic.ts";

// A record that no client can read is one failing message. Its key is unknown; its position is reported, and consuming can continue behind it.

const SLOW_MS = 40;

function start(
  context: CaseContext,
  { topic, group }: Pick<DamagedTopic, "topic" | "group">,
  handled: string[],
  options: Partial<ConsumerOptions>,
  handle: (value: string) => unknown = () => undefined,
): Member<string> {
  const settings = { group, initialPosition: topic.start, retry: QUICK_RETRY, concurrency: 4, ...options };
  const member = Member.start(context.deadline, textStream(context, topic), settings, async ({ value }) => {
    await handle(value);
    handled.push(value);
    context.deadline.notify();
  });
  return context.watch(member);
}

const deadLetter = defineCase({
  name: "failing/unreadable/dead-letter",
  promise: 6,
  mutant: "passes-over-what-cannot-be-read",
  run: async (context) => {
    const damaged = await damagedTopic(context);
    const deadLetters = await context.topic();
    const handled: string[] = [];
    start(context, damaged, handled, { onFailure: { deadLetter: deadLetters.name } });
    await context.until(() => handled.includes("last"), "the partition to go on behind what cannot be read");
    expectSequence(handled, ["first", "second", "behind", "last"], "every readable message is handled, in order");
    const stream = context.connection.topic(deadLetters.name, { codec: plainBytes, tombstones: context.capabilities.tombstones });
    const letters = await readAll(context, stream, { from: deadLetters.start, until: "now" });
    expectEqual(letters.length, 1, "dead letters of what cannot be read");
    const [letter] = letters;
    expectBytes(letter?.raw.value ?? null, new Uint8Array(0), "its value is empty, not null: null would be a tombstone");
    expectEqual(letter?.key, null, "its key is not known");
    expectEqual(letter?.headers["streamport-failure-code"], "corrupt", "its dead letter names the code");
    expectEqual(letter?.headers["streamport-failure-partition"], damaged.bad.partition, "its dead letter names the partition");
    expectEqual(letter?.headers["streamport-failure-position"], damaged.bad.position, "its dead letter names the position");
  },
});

const stop = defineCase({
  name: "failing/unreadable/stop-and-go-on",
  promise: 6,
  mutant: "ends-at-what-cannot-be-read",
  run: async (context) => {
    const damaged = await damagedTopic(context);
    const { bad } = damaged;
    const handled: string[] = [];
    for (let time = 0; time < 2; time += 1) {
      const error = await start(context, damaged, handled, {}).failure("run to reject at what cannot be read");
      expectErrorPlace(isStreamError(error) ? error : undefined, bad);
      expectSequence(handled, ["first", "second"], "messages before it are handled once, those behind it wait");
    }
    const failures: Failure[] = [];
    const onFailure = (failure: Failure) => {
      failures.push(failure);
      return "skip" as const;
    };
    const member = start(context, damaged, handled, { onFailure });
    await context.until(() => handled.includes("last"), "a group to go on behind what it skips");
    await member.close();
    expectSequence(handled, ["first", "second", "behind", "last"], "every readable message is handled once, in order");
    expectEqual(failures.length, 1, "failures that were reported");
    expectErrorPlace(failures[0]?.error, bad);
    expectTrue(failures[0]?.message.value instanceof Uint8Array && failures[0].message.value.length === 0, "its value is empty");
    expectEqual(failures[0]?.message.position, bad.position, "its message names the position");
    // The group does not return to it.
    await sendTexts(context, damaged.topic, ["later"]);
    start(context, damaged, handled, {});
    await context.until(() => handled.includes("later"), "a later member to go on behind it");
    expectEqual(handled.length, 5, "number of messages that were handled");
  },
});

const resetBehind = defineCase({
  name: "failing/unreadable/reset-behind",
  promise: 9,
  mutant: "ends-at-what-cannot-be-read",
  gates: {
    groupReset: async (context) => passBySkipping(context),
    startAtPosition: async (context) => passBySkipping(context),
  },
  run: async (context) => {
    const damaged = await damagedTopic(context);
    const handled: string[] = [];
    const member = start(context, damaged, handled, {});
    const error = await member.failure("run to reject at what cannot be read");
    if (!isStreamError(error) || error.position === undefined)
      throw new PromiseViolation("the error of what cannot be read has no position");
    await member.consumer.close();
    const { position } = error;
    await context.deadline.untilAsked(async () => {
      try {
        await context.admin.resetGroup(damaged.topic.name, damaged.group, { after: position });
        return true;
      } catch (refusal) {
        // The group may not know yet that its member has left.
        if (isStreamError(refusal, "conflict")) return false;
        throw refusal;
      }
    }, "the group to be reset behind it");
    start(context, damaged, handled, {});
    await context.until(() => handled.includes("last"), "a group that was reset behind what cannot be read to go on");
    expectSequence(handled, ["first", "second", "behind", "last"], "every readable message is handled once, in order");
  },
});

/** Where a group cannot be moved, it can only skip the message. */
async function passBySkipping(context: CaseContext): Promise<void> {
  const handled: string[] = [];
  start(context, await damagedTopic(context), handled, { onFailure: "skip" });
  await context.until(() => handled.includes("last"), "a group to go on behind what it skips");
}

/** The record may have any key. */
const inOrder = defineCase({
  name: "failing/unreadable/between-all-keys",
  promise: 6,
  mutant: "forgets-the-order-option",
  run: async (context) => {
    const damaged = await damagedTopic(context);
    const events: string[] = [];
    const onFailure = async () => {
      await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
      events.push("failure");
      return "skip" as const;
    };
    start(context, damaged, events, { onFailure, concurrency: 8 }, async (value) => {
      if (value === "second") await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
    });
    await context.until(() => events.includes("last"), "the partition to go on behind what cannot be read");
    expectSequence(events, ["first", "second", "failure", "behind", "last"], "no message is handled before or after its turn");
  },
});

const onTheWay = defineCase({
  name: "failing/unreadable/sound-when-fetched-again",
  promise: 6,
  mutant: "takes-the-first-look-for-the-last",
  run: async (context) => {
    const damaged = await damagedTopic(context, 1);
    const handled: string[] = [];
    const failures: Failure[] = [];
    const onFailure = (failure: Failure) => {
      failures.push(failure);
      return "skip" as const;
    };
    start(context, damaged, handled, { onFailure });
    await context.until(() => handled.includes("last"), "the last message");
    expectEqual(failures.length, 0, "failures, where only one answer was damaged");
    expectSequence(handled, ["first", "second", "bad", "behind", "last"], "everything is handled, in order");
  },
});

export const failingUnreadableCases = [deadLetter, stop, resetBehind, inOrder, onTheWay];
