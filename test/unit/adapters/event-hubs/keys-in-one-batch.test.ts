import { expect, test } from "vitest";
import { startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { connect, text } from "../../../../src/index.ts";

const MESSAGES = [
  ["a", "a:1"],
  ["b", "b:1"],
  [null, "1"],
  ["a", "a:2"],
  [null, "2"],
  [null, "3"],
] as const;

test.for(["none", "fail-before-write", "fail-after-write", "throttle"] as const)(
  "messages with and without a key that go to one partition together keep their keys and their order, with the fault %s at the second batch",
  async (kind, { onTestFinished }) => {
    const emulator = await startEmulatedEventHubs({ topics: { flights: { partitions: 2 } } });
    onTestFinished(() => emulator.close());
    const connection = await connect(emulator.url);
    onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
    if (kind !== "none") emulator.inject({ kind, topic: "flights", operation: "publish", after: 1 });
    const topic = connection.topic("flights", { codec: text() });
    const producer = topic.producer();
    await producer.sendBatch(MESSAGES.map(([key, value]) => ({ key, value, toPartition: "1" })));
    const read: (readonly [string | null, string])[] = [];
    for await (const { key, value, partition } of topic.reader({ until: "now" })) {
      expect(partition).toBe("1");
      read.push([key, value]);
    }
    // Where the answer of the second batch was lost it is there twice, as a whole.
    const second = MESSAGES.slice(2);
    expect(read).toEqual(kind === "fail-after-write" ? [...MESSAGES, ...second] : MESSAGES);
  },
);

test("an event that the service refuses is the only one that fails, behind a first batch that is stored", async ({ onTestFinished }) => {
  const emulator = await startEmulatedEventHubs({ topics: { flights: { partitions: 2 } } });
  onTestFinished(() => emulator.close());
  const connection = await connect(emulator.url);
  onTestFinished(() => connection.close({ timeoutMs: 1_000 }));
  emulator.inject({ kind: "fail-entry", topic: "flights", after: 1 });
  const topic = connection.topic("flights", { codec: text() });
  const producer = topic.producer();
  const sent = await Promise.allSettled(MESSAGES.map(([key, value]) => producer.send({ key, value, toPartition: "1" })));
  const failed = sent.flatMap(({ status }, index) => (status === "rejected" ? [MESSAGES[index]![1]] : []));
  const read: string[] = [];
  for await (const { value } of topic.reader({ until: "now" })) read.push(value);
  expect(failed).toHaveLength(1);
  expect(MESSAGES.slice(2).map(([, value]) => value)).toContain(failed[0]);
  expect(read).toEqual(MESSAGES.map(([, value]) => value).filter((value) => value !== failed[0]));
});
