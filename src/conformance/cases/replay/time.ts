import type { Capability } from "../../../capabilities.ts";
import { expectEqual, expectSequence, expectTrue, expectUnsupported } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { expectLogs, logsOf, publishAroundATime, selectFrom, storedFrom } from "../../support/partition-logs.ts";
import { publish, readAll, readStored } from "../../support/stream-steps.ts";

async function refusesTimes(context: CaseContext): Promise<void> {
  const stream = sequencedTopic(context.connection, await context.topic());
  await expectUnsupported(async () => readAll(context, stream, { from: { timestamp: 0 }, until: "now" }), "startAtTimestamp");
  await expectUnsupported(async () => readAll(context, stream, { until: { timestamp: 1 } }), "startAtTimestamp");
}

const fromTime = defineCase({
  name: "replay/time/from",
  promise: 8,
  mutant: "timestamp-off-by-one",
  gates: { startAtTimestamp: refusesTimes },
  run: async (context) => {
    const topic = await context.topic();
    const stream = sequencedTopic(context.connection, topic);
    const timestampMs = await publishAroundATime(context, context.history(), topic, keyNames(8), 3);
    const all = logsOf(context, await readAll(context, stream, { from: topic.start, until: "now" }));
    const later = await readAll(context, stream, { from: { timestamp: timestampMs }, until: "now" });
    expectEqual(later.length, 24, "messages stored after the time");
    expectLogs(logsOf(context, later), selectFrom(all, storedFrom(timestampMs)), "from a time on, nothing older and nothing missing");
    // All messages with exactly the start time are in the range.
    for (const boundary of [later[0]!.timestamp, later.at(-1)!.timestamp]) {
      const messages = await readAll(context, stream, { from: { timestamp: boundary }, until: "now" });
      const wanted = selectFrom(all, storedFrom(boundary.getTime()));
      expectLogs(logsOf(context, messages), wanted, "a range that starts at the time of a message includes it");
    }
  },
});

const untilTime = defineCase({
  name: "replay/time/until",
  promise: 8,
  mutant: "ignores-the-end",
  gates: { startAtTimestamp: refusesTimes },
  run: async (context) => {
    const topic = await context.topic();
    const stream = sequencedTopic(context.connection, topic);
    const timestampMs = await publishAroundATime(context, context.history(), topic, keyNames(8), 3);
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    const all = logsOf(context, messages);
    const oldestMs = Math.min(...messages.map(({ timestamp }) => timestamp.getTime()));
    const newestMs = Math.max(...messages.map(({ timestamp }) => timestamp.getTime()));
    for (const until of [oldestMs, timestampMs, newestMs, newestMs + 1]) {
      const earlier = await readAll(context, stream, { from: topic.start, until: { timestamp: until } });
      const wanted = selectFrom(all, (log) => log.slice(0, log.length - storedFrom(until)(log).length));
      expectLogs(logsOf(context, earlier), wanted, "until a time, exclusive, everything before it and nothing else");
    }
    const window = await readAll(context, stream, { from: { timestamp: timestampMs }, until: { timestamp: oldestMs } });
    expectEqual(window.length, 0, "messages of a range that ends before it starts");
  },
});

const PRODUCED_AT_GATES: Readonly<Partial<Record<Capability, (context: CaseContext) => Promise<void>>>> = {
  startAtTimestamp: refusesTimes,
  producerTimestamps: async (context) => {
    const topic = await context.topic();
    const producer = sequencedTopic(context.connection, topic).producer();
    const message = { value: context.history().next(topic.name, "key"), producedAt: 1_000 };
    await expectUnsupported(async () => context.within(producer.send(message), "a refusal"), "producerTimestamps");
  },
};

/** Stores messages of one key, in this order, with these times relative to a base. @returns the base: later than all that a lent topic holds */
async function publishAtTimes(context: CaseContext, topic: CaseTopic, offsetsMs: readonly number[]): Promise<number> {
  const history = context.history();
  const producer = sequencedTopic(context.connection, topic).producer();
  const baseMs = Date.now() + 1;
  for (const offsetMs of offsetsMs) {
    const message = { value: history.next(topic.name, "key"), producedAt: baseMs + offsetMs };
    await context.within(producer.send(message), "a send to resolve");
  }
  return baseMs;
}

/** A lent topic must not hold times in the future. */
async function untilPast(context: CaseContext, timeMs: number): Promise<void> {
  await context.deadline.pause(Math.max(0, timeMs + 1 - Date.now()), "the clock to pass the times that were given");
}

const logOrder = defineCase({
  name: "replay/time/log-order",
  promise: 8,
  mutant: "filters-by-time",
  gates: PRODUCED_AT_GATES,
  run: async (context) => {
    const topic = await context.topic();
    // The times go back and forth: #1 is the first at or after the time.
    const baseMs = await publishAtTimes(context, topic, [0, 20, 10, 30, 5]);
    const stream = sequencedTopic(context.connection, topic);
    const messages = await readAll(context, stream, { from: { timestamp: baseMs + 15 }, until: "now" });
    expectSequence(
      messages.map(({ value }) => value.sequence),
      [1, 2, 3, 4],
      "from a time: the first message in log order stored at or after it, and everything behind that one",
    );
    await untilPast(context, baseMs + 30);
  },
});

const untilInLogOrder = defineCase({
  name: "replay/time/until-in-log-order",
  promise: 8,
  mutant: "filters-the-end-by-time",
  gates: PRODUCED_AT_GATES,
  run: async (context) => {
    const topic = await context.topic();
    // Also with equal times: the first message in log order at or after the end time ends the range.
    const baseMs = await publishAtTimes(context, topic, [0, 10, 20, 20, 10, 30, 5]);
    const stream = sequencedTopic(context.connection, topic);
    const ends: readonly (readonly [offsetMs: number, expected: readonly number[]])[] = [
      [10, [0]],
      [15, [0, 1]],
      [20, [0, 1]],
      [25, [0, 1, 2, 3, 4]],
      [30, [0, 1, 2, 3, 4]],
      [31, [0, 1, 2, 3, 4, 5, 6]],
    ];
    for (const [offsetMs, expected] of ends) {
      const messages = await readAll(context, stream, { from: topic.start, until: { timestamp: baseMs + offsetMs } });
      expectSequence(
        messages.map(({ value }) => value.sequence),
        expected,
        "until a time: everything before the first message in log order stored at or after it, and nothing behind that one",
      );
    }
    await untilPast(context, baseMs + 30);
  },
});

const untilForEveryKey = defineCase({
  name: "replay/time/until-for-every-key",
  promise: 8,
  mutant: "ends-at-the-first-later-record",
  gates: { startAtTimestamp: refusesTimes },
  run: async (context) => {
    const topic = await context.topic();
    const before = context.history();
    const timestampMs = await publishAroundATime(context, before, topic, keyNames(12), 2);
    // Some keys have messages behind the time only.
    await publish(
      context,
      context.history(),
      topic,
      keyNames(12).map((key) => `later-${key}`),
      1,
    );
    const earlier = context.history();
    earlier.sent.push(...before.sent.filter(({ sequence }) => sequence < 2));
    await readStored(context, earlier, topic, { until: { timestamp: timestampMs } });
    checkExactlyOnceInOrder(earlier.sent, earlier.received, topic.name);
  },
});

const bookmarkBehindATime = defineCase({
  name: "replay/time/bookmark-behind-a-time",
  promise: 9,
  mutant: "mark-covers-what-is-withheld",
  gates: { startAtTimestamp: refusesTimes },
  run: async (context) => {
    const topic = await context.topic();
    const sent = context.history();
    const timestampMs = await publishAroundATime(context, sent, topic, keyNames(12), 2);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: { timestamp: timestampMs } });
    await context.within(reader.bookmark(), "a reader to open");
    const reading = async (): Promise<void> => {
      for await (const message of reader) sent.receive(message, "until");
    };
    await context.within(reading(), "a reader until a time to end");
    expectEqual(sent.received.length, 24, "messages stored before the time");
    const bookmark = await context.within(reader.bookmark(), "the bookmark behind a time");
    await readStored(context, sent, topic, { from: { bookmark } });
    checkExactlyOnceInOrder(sent.sent, sent.received, topic.name);
  },
});

const behindTheEnd = defineCase({
  name: "replay/time/behind-the-end",
  promise: 8,
  mutant: "late-times-mean-the-beginning",
  gates: { startAtTimestamp: refusesTimes },
  run: async (context) => {
    const topic = await context.topic();
    const stream = sequencedTopic(context.connection, topic);
    await publish(context, context.history(), topic, keyNames(8), 2);
    const all = await readAll(context, stream, { from: topic.start, until: "now" });
    expectTrue(all.length > 0, "a replay reads what was published");
    const behindMs = Math.max(...all.map(({ timestamp }) => timestamp.getTime())) + 1;
    const messages = await readAll(context, stream, { from: { timestamp: behindMs }, until: "now" });
    expectEqual(messages.length, 0, "messages at or after a time that is later than the last one");
  },
});

export const replayTimeCases = [fromTime, untilTime, untilForEveryKey, bookmarkBehindATime, logOrder, untilInLogOrder, behindTheEnd];
