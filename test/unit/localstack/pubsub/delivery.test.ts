import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedPubSub, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import { NO_RETRY, type RawClients, type Received, codeOf, rawClients } from "./raw-clients.ts";

let pubsub: EmulatedPubSub;
let clients: RawClients;

beforeEach(async () => {
  pubsub = await startEmulatedPubSub({ topics: { flights: {} } });
  clients = rawClients(pubsub);
});

afterEach(async () => {
  await clients[Symbol.asyncDispose]();
  await pubsub.close();
});

const valuesOf = (messages: readonly Received[]): readonly string[] => messages.map(({ value }) => value);
const idsOf = (messages: readonly Received[]): string[] => messages.map(({ ackId }) => ackId);

async function acknowledge(subscription: string, ackIds: readonly string[]): Promise<void> {
  await clients.subscriber.acknowledge({ subscription, ackIds: [...ackIds] });
}

async function extend(subscription: string, ackIds: readonly string[], ackDeadlineSeconds: number): Promise<void> {
  await clients.subscriber.modifyAckDeadline({ subscription, ackIds: [...ackIds], ackDeadlineSeconds });
}

describe("a subscription", () => {
  test("gets what is published after it was created, with id, time, key and attributes", async () => {
    await clients.publish("flights", ["before"]);
    const subscription = await clients.subscribe("flights", "delays");
    const before = Date.now();
    const messages = [{ data: Buffer.from([0, 255]), orderingKey: "LHR", attributes: { gate: "ü", empty: "" } }];
    const [{ messageIds }] = await clients.publisher.publish({ topic: clients.topic("flights"), messages });
    const [message] = await clients.pull(subscription);
    expect(message).toMatchObject({ id: messageIds![0], key: "LHR", attributes: { gate: "ü", empty: "" }, attempt: 0 });
    expect(message!.publishedAtMs).toBeGreaterThanOrEqual(before);
    expect(message!.publishedAtMs).toBeLessThanOrEqual(Date.now());
    expect(await clients.pull(subscription)).toEqual([]);
  });

  test("delivers an acknowledged message no more, and one that is not acknowledged again when its deadline has passed", async () => {
    const subscription = await clients.subscribe("flights", "delays", {});
    await clients.publish("flights", ["a", "b"]);
    const first = await clients.pull(subscription);
    expect(valuesOf(first).toSorted()).toEqual(["a", "b"]);
    await acknowledge(subscription, [first.find(({ value }) => value === "a")!.ackId]);
    pubsub.advance(9_900);
    expect(await clients.pull(subscription)).toEqual([]);
    pubsub.advance(200);
    const again = await clients.pull(subscription);
    expect(valuesOf(again)).toEqual(["b"]);
    expect(again[0]!.ackId).not.toBe(first[1]!.ackId);
  });

  test("keeps a message for the member that extends its deadline, and gives one with deadline 0 out again at once", async () => {
    const subscription = await clients.subscribe("flights", "delays", {});
    await clients.publish("flights", ["a"]);
    const [{ ackId }] = (await clients.pull(subscription)) as [Received];
    await extend(subscription, [ackId], 600);
    pubsub.advance(599_000);
    expect(await clients.pull(subscription)).toEqual([]);
    await extend(subscription, [ackId], 0);
    expect(valuesOf(await clients.pull(subscription))).toEqual(["a"]);
  });

  test("counts a late acknowledgement until the message has been delivered again", async () => {
    const subscription = await clients.subscribe("flights", "delays", {});
    await clients.publish("flights", ["a", "b"]);
    const first = await clients.pull(subscription);
    pubsub.advance(10_100);
    await acknowledge(subscription, [first[0]!.ackId]);
    const again = await clients.pull(subscription);
    expect(valuesOf(again)).toEqual([first[1]!.value]);
    await acknowledge(subscription, [first[1]!.ackId]);
    pubsub.advance(10_100);
    expect(valuesOf(await clients.pull(subscription))).toEqual([first[1]!.value]);
  });

  test("waits with the answer to a Pull until there is a message", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    const pull = clients.subscriber.pull({ subscription, maxMessages: 1 });
    await delay(50);
    await clients.publish("flights", ["late"]);
    const [{ receivedMessages }] = await pull;
    expect(receivedMessages).toHaveLength(1);
  });
});

test.each([27_000 * 3_600_000, 3_600_000, 500])("a call may take the %i ms that its client allows", async (timeout) => {
  pubsub.inject({ kind: "stall", operation: "publish", durationMs: 50 });
  const request = { topic: clients.topic("flights"), messages: [{ data: Buffer.from("1") }] };
  expect(await codeOf(clients.publisher.publish(request, { ...NO_RETRY, timeout }))).toBe(0);
});

test("a call ends when the time of its client is over", async () => {
  const subscription = await clients.subscribe("flights", "delays");
  expect(await codeOf(clients.subscriber.pull({ subscription, maxMessages: 1 }, { ...NO_RETRY, timeout: 100 }))).toBe(4);
});

describe("ordering keys", () => {
  test("are delivered in the order of publishing, each by itself", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    for (let index = 0; index < 5; index += 1) {
      await clients.publish("flights", [`a${index}.0`, `a${index}.1`], "a");
      await clients.publish("flights", [`b${index}`], "b");
    }
    const stream = clients.stream(subscription);
    const received = await stream.take(15);
    const ofKey = (key: string): readonly string[] => valuesOf(received.filter((message) => message.key === key));
    expect(ofKey("a")).toEqual(["a0.0", "a0.1", "a1.0", "a1.1", "a2.0", "a2.1", "a3.0", "a3.1", "a4.0", "a4.1"]);
    expect(ofKey("b")).toEqual(["b0", "b1", "b2", "b3", "b4"]);
    stream.cancel();
  });

  test("a message that comes again brings all later ones of its key again, acknowledged ones too, and none of another key", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    await clients.publish("flights", ["a1", "a2", "a3"], "a");
    await clients.publish("flights", ["b1"], "b");
    const stream = clients.stream(subscription);
    const first = await stream.take(4);
    const ackIdOf = (value: string): string => first.find((message) => message.value === value)!.ackId;
    await acknowledge(subscription, [ackIdOf("a3")]);
    await extend(subscription, [ackIdOf("a2")], 0);
    const again = (await stream.take(6)).slice(4);
    expect(valuesOf(again)).toEqual(["a2", "a3"]);
    await acknowledge(subscription, [ackIdOf("a1"), ackIdOf("b1"), ...idsOf(again)]);
    pubsub.advance(60_000);
    await delay(50);
    expect(stream.received).toHaveLength(6);
    stream.cancel();
  });

  test("are outstanding with one unary Pull at a time", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    await clients.publish("flights", ["a1", "a2", "a3"], "a");
    const first = await clients.pull(subscription, 2);
    expect(valuesOf(first)).toEqual(["a1", "a2"]);
    expect(await clients.pull(subscription)).toEqual([]);
    await acknowledge(subscription, idsOf(first));
    expect(valuesOf(await clients.pull(subscription))).toEqual(["a3"]);
  });

  test("stay with the stream that has outstanding messages of the key", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    const one = clients.stream(subscription);
    const other = clients.stream(subscription);
    await delay(100);
    for (let index = 0; index < 20; index += 1) await clients.publish("flights", [`${index}`], `k${index % 4}`);
    await expect.poll(() => one.received.length + other.received.length).toBe(20);
    const keysOfOther = other.received.map(({ key }) => key);
    expect(one.received.filter(({ key }) => keysOfOther.includes(key))).toEqual([]);
    expect(Math.min(one.received.length, other.received.length)).toBeGreaterThan(0);
    one.cancel();
    other.cancel();
  });

  test("go on with the stream of the same client id, and wait for the outstanding messages of any other", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    await clients.publish("flights", ["1"], "a");
    const cut = clients.stream(subscription, { clientId: "me" });
    const [first] = await cut.take(1);
    cut.cancel();
    await cut.ended;
    const stranger = clients.stream(subscription, { clientId: "somebody" });
    await clients.publish("flights", ["2"], "a");
    await delay(50);
    expect(stranger.received).toEqual([]);
    const renewed = clients.stream(subscription, { clientId: "me" });
    expect(valuesOf(await renewed.take(1))).toEqual(["2"]);
    await acknowledge(subscription, [first!.ackId, renewed.received[0]!.ackId]);
    stranger.cancel();
    renewed.cancel();
  });

  test("have no order on a subscription without it", async () => {
    const subscription = await clients.subscribe("flights", "delays", {});
    await clients.publish("flights", ["1", "2", "3"], "a");
    const first = await clients.pull(subscription);
    const [{ ackId, value }] = first.filter((message) => message.value === "1") as [Received];
    await extend(subscription, [ackId], 0);
    expect(valuesOf(await clients.pull(subscription))).toEqual([value]);
  });
});

describe("exactly-once delivery", () => {
  const SETTINGS = { enableExactlyOnceDelivery: true, enableMessageOrdering: true };
  const INVALID = "PERMANENT_FAILURE_INVALID_ACK_ID";

  async function failuresOf(call: Promise<unknown>): Promise<{ readonly code: number; readonly failures: object }> {
    return call.then(
      () => ({ code: 0, failures: {} }),
      ({ code, errorInfoMetadata }: { code: number; errorInfoMetadata: object }) => ({ code, failures: { ...errorInfoMetadata } }),
    );
  }

  test("refuses the ids whose deadline has passed, by name, and settles the others", async () => {
    const subscription = await clients.subscribe("flights", "delays", SETTINGS);
    await clients.publish("flights", ["a1"], "a");
    await clients.publish("flights", ["b1"], "b");
    const [late, inTime] = (await clients.pull(subscription)) as [Received, Received];
    await extend(subscription, [inTime.ackId], 60);
    pubsub.advance(10_100);
    const both = [late.ackId, inTime.ackId];
    expect(await failuresOf(acknowledge(subscription, both))).toEqual({ code: 3, failures: { [late.ackId]: INVALID } });
    expect(await failuresOf(extend(subscription, [late.ackId], 10))).toEqual({ code: 3, failures: { [late.ackId]: INVALID } });
    pubsub.advance(60_000);
    expect(valuesOf(await clients.pull(subscription))).toEqual([late.value]);
  });

  test("names no id if more have failed than a header holds, and settles the others", async () => {
    const subscription = await clients.subscribe("flights", "delays", SETTINGS);
    await clients.publish("flights", Array.from({ length: 400 }, String));
    const late = await clients.pull(subscription, 1_000);
    pubsub.advance(10_100);
    await clients.publish("flights", ["good"]);
    const again = await clients.pull(subscription, 1_000);
    const good = again.find(({ value }) => value === "good")!;
    expect([late.length, again.length]).toEqual([400, 401]);
    expect(await failuresOf(acknowledge(subscription, [...idsOf(late), good.ackId]))).toEqual({ code: 3, failures: {} });
    expect((await failuresOf(acknowledge(subscription, [good.ackId]))).failures).toEqual({ [good.ackId]: INVALID });
  });

  test("takes acknowledgements of a key in its order only", async () => {
    const subscription = await clients.subscribe("flights", "delays", SETTINGS);
    await clients.publish("flights", ["1", "2"], "a");
    const [first, second] = (await clients.pull(subscription)) as [Received, Received];
    const early = await failuresOf(acknowledge(subscription, [second.ackId]));
    expect(early).toEqual({ code: 3, failures: { [second.ackId]: "TRANSIENT_FAILURE_UNORDERED_ACK_ID" } });
    await acknowledge(subscription, [first.ackId, second.ackId]);
    // Also an id that has acknowledged its message already.
    expect(await failuresOf(acknowledge(subscription, [first.ackId]))).toEqual({ code: 3, failures: { [first.ackId]: INVALID } });
  });

  test("does not deliver a message again before its own deadline, and confirms on the stream", async () => {
    const subscription = await clients.subscribe("flights", "delays", SETTINGS);
    await clients.publish("flights", ["1", "2"], "a");
    const stream = clients.stream(subscription);
    const [first, second] = (await stream.take(2)) as [Received, Received];
    await extend(subscription, [second.ackId], 60);
    await extend(subscription, [first.ackId], 0);
    expect((await stream.take(3))[2]!.value).toBe("1");
    await delay(50);
    expect(stream.received).toHaveLength(3);
    stream.write({ ackIds: [first.ackId, stream.received[2]!.ackId] });
    await expect
      .poll(() => stream.responses.at(-1))
      .toMatchObject({
        acknowledgeConfirmation: { ackIds: [stream.received[2]!.ackId], invalidAckIds: [first.ackId] },
        subscriptionProperties: { exactlyOnceDeliveryEnabled: true, messageOrderingEnabled: true },
      });
    pubsub.advance(60_100);
    expect((await stream.take(4))[3]!.value).toBe("2");
    stream.cancel();
  });
});

describe("a dead-letter topic", () => {
  test("gets a message after so many failed deliveries, with its key and where it comes from; then the key goes on", async () => {
    await pubsub.createTopic("failed");
    const failed = await clients.subscribe("failed", "failed-reader");
    const deadLetterPolicy = { deadLetterTopic: clients.topic("failed"), maxDeliveryAttempts: 5 };
    const subscription = await clients.subscribe("flights", "delays", { enableMessageOrdering: true, deadLetterPolicy });
    await clients.publish("flights", ["bad", "good"], "a");
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const [bad, good] = (await clients.pull(subscription)) as [Received, Received];
      expect([bad.value, bad.attempt, good.value]).toEqual(["bad", attempt, "good"]);
      await extend(subscription, [bad.ackId], 0);
    }
    expect(valuesOf(await clients.pull(subscription))).toEqual(["good"]);
    const [forwarded] = await clients.pull(failed);
    expect(forwarded).toMatchObject({
      value: "bad",
      key: "a",
      attributes: {
        CloudPubSubDeadLetterSourceDeliveryCount: "5",
        CloudPubSubDeadLetterSourceSubscription: "delays",
        CloudPubSubDeadLetterSourceSubscriptionProject: pubsub.project,
        CloudPubSubDeadLetterSourceTopicPublishTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown,
      },
    });
  });
});
