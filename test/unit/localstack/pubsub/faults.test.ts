import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type EmulatedPubSub, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import { NO_RETRY, type RawClients, type Received, codeOf, rawClients } from "./raw-clients.ts";

let pubsub: EmulatedPubSub;
let clients: RawClients;
let subscription: string;

beforeEach(async () => {
  pubsub = await startEmulatedPubSub({ topics: { flights: {}, other: {} } });
  clients = rawClients(pubsub);
  subscription = await clients.subscribe("flights", "delays");
});

afterEach(async () => {
  await clients[Symbol.asyncDispose]();
  await pubsub.close();
});

const publish = async (values: readonly string[], topic = "flights"): Promise<number> => codeOf(clients.publish(topic, values, "k"));
const stored = async (): Promise<readonly string[]> => (await clients.pull(subscription)).map(({ value }) => value);

async function acknowledge(...messages: readonly Received[]): Promise<void> {
  await clients.subscriber.acknowledge({ subscription, ackIds: messages.map(({ ackId }) => ackId) }, NO_RETRY);
}

describe("a publish request", () => {
  test("is throttled, as often as planned, after those that are spared, on the named topic", async () => {
    pubsub.inject({ kind: "throttle", topic: "flights", after: 1, times: 2 });
    expect(await publish(["0"], "other")).toBe(0);
    expect([await publish(["1"]), await publish(["2"]), await publish(["3"]), await publish(["4"])]).toEqual([0, 8, 8, 0]);
    expect(await stored()).toEqual(["1", "4"]);
  });

  test("fails before anything is stored, in turns with three codes", async () => {
    pubsub.inject({ kind: "fail-before-write", times: 3 });
    expect([await publish(["1"]), await publish(["2"]), await publish(["3"])]).toEqual([14, 10, 13]);
    expect(await stored()).toEqual([]);
  });

  test("is stored and its answer is lost, in turns with a code and with the connection", async () => {
    pubsub.inject({ kind: "fail-after-write", times: 3 });
    expect([await publish(["1"]), await publish(["2"]), await publish(["3"])]).toEqual([4, 14, 14]);
    expect(await stored()).toEqual(["1", "2", "3"]);
  });

  test("is refused as a whole for one invalid message, until that is alone", async () => {
    pubsub.inject({ kind: "fail-entry", topic: "flights" });
    expect(await publish(["1", "2", "3"])).toBe(3);
    expect(await publish(["1", "2"])).toBe(3);
    expect(await publish(["1"])).toBe(0);
    expect(await publish(["2"])).toBe(3);
    expect(await publish(["2"])).toBe(0);
    pubsub.inject({ kind: "fail-entry", topic: "flights" });
    expect(await publish(["1", "2", "3"])).toBe(3);
    pubsub.clearFaults();
    expect(await publish(["1", "2", "3"])).toBe(0);
  });

  test("is slow", async () => {
    pubsub.inject({ kind: "stall", operation: "publish", durationMs: 150 });
    const before = performance.now();
    await publish(["1"]);
    expect(performance.now() - before).toBeGreaterThan(140);
  });
});

test("the connection of a call of any kind breaks before the call is carried out", async () => {
  pubsub.inject({ kind: "disconnect", topic: "flights" });
  expect(await publish(["1"])).toBe(14);
  expect(await stored()).toEqual([]);
  pubsub.inject({ kind: "disconnect", topic: "flights", operation: "admin" });
  expect(await codeOf(clients.publisher.getTopic({ topic: clients.topic("flights") }, NO_RETRY))).toBe(14);
  await publish(["2"]);
  pubsub.inject({ kind: "disconnect", topic: "flights", operation: "fetch" });
  expect(await clients.stream(subscription).ended).toBe(14);
});

test("a change is carried out and its answer is lost", async () => {
  pubsub.inject({ kind: "fail-after-write", operation: "admin", topic: "new" });
  expect(await codeOf(clients.publisher.createTopic({ name: clients.topic("new") }, NO_RETRY))).toBe(14);
  expect(await codeOf(clients.publisher.getTopic({ topic: clients.topic("new") }))).toBe(0);
});

test("a call of any kind is not permitted, and neither is a stream that is open", async () => {
  pubsub.inject({ kind: "refuse-authorization", topic: "flights", times: 2 });
  expect(await publish(["1"])).toBe(7);
  expect(await codeOf(clients.subscriber.getSubscription({ subscription }, NO_RETRY))).toBe(7);
  const stream = clients.stream(subscription);
  await delay(50);
  pubsub.inject({ kind: "refuse-authorization", topic: "flights", operation: "fetch" });
  await publish(["2"]);
  expect(await stream.ended).toBe(7);
  expect(stream.received).toEqual([]);
});

test("a fetch is slow", async () => {
  const stream = clients.stream(subscription);
  await delay(50);
  pubsub.inject({ kind: "stall", operation: "fetch", durationMs: 150 });
  const before = performance.now();
  await publish(["1"]);
  await stream.take(1);
  expect(performance.now() - before).toBeGreaterThan(140);
  stream.cancel();
});

test("every fetch can be slow, and none waits for ever", async () => {
  pubsub.inject({ kind: "stall", operation: "fetch", durationMs: 20, times: Infinity });
  const stream = clients.stream(subscription);
  for (let count = 1; count <= 3; count += 1) {
    await publish([String(count)]);
    await stream.take(count);
  }
  expect(stream.received.map(({ value }) => value)).toEqual(["1", "2", "3"]);
  stream.cancel();
});

test("a connection that breaks instead of a delivery leaves the messages to another stream, and signs of life use no fault up", async () => {
  await using others = rawClients(pubsub);
  const stream = clients.stream(subscription, { protocolVersion: 1 });
  await delay(50);
  pubsub.inject({ kind: "disconnect", topic: "flights" });
  stream.write({});
  await expect.poll(() => stream.responses).toHaveLength(1);
  await codeOf(others.publish("flights", ["1"], "k"));
  await codeOf(others.publish("flights", ["2"], "k"));
  pubsub.inject({ kind: "disconnect", topic: "flights", operation: "fetch" });
  expect(await codeOf(others.publish("flights", ["3"], "k"))).toBe(0);
  expect(await stream.ended).toBe(14);
  const next = others.stream(subscription);
  pubsub.advance(10_100);
  await expect.poll(() => next.received.map(({ value }) => value)).toEqual(["2", "3"]);
  next.cancel();
});

test("what a stream acknowledges is a commit", async () => {
  const exact = await clients.subscribe("other", "exact", { enableExactlyOnceDelivery: true });
  const stream = clients.stream(exact);
  await publish(["1"], "other");
  const [{ ackId } = { ackId: "" }] = await stream.take(1);
  pubsub.answerWith({ method: "Acknowledge", ackFailure: "TRANSIENT_FAILURE_OF_THE_SERVICE" });
  stream.write({ ackIds: [ackId] });
  await expect
    .poll(() => stream.responses.at(-1))
    .toMatchObject({ acknowledgeConfirmation: { ackIds: [], temporaryFailedAckIds: [ackId] } });
  pubsub.inject({ kind: "refuse-authorization", operation: "commit" });
  stream.write({ modifyDeadlineAckIds: [ackId], modifyDeadlineSeconds: [60] });
  await expect.poll(() => stream.responses.at(-1)).toMatchObject({ modifyAckDeadlineConfirmation: { ackIds: [ackId] } });
  stream.write({ ackIds: [ackId] });
  expect(await stream.ended).toBe(7);
});

test("streams end in turns with the four statuses of the service, and lose no message", async () => {
  pubsub.inject({ kind: "expire-cursor", times: 4 });
  await publish(["1"]);
  const ends: number[] = [];
  for (let index = 0; index < 4; index += 1) ends.push(await clients.stream(subscription).ended);
  expect(ends).toEqual([14, 4, 13, 0]);
  const stream = clients.stream(subscription);
  await acknowledge(...(await stream.take(1)));
  await publish(["2"]);
  pubsub.inject({ kind: "expire-cursor", after: 1 });
  await stream.take(2);
  stream.cancel();
});

describe("members of a group", () => {
  test("one loses what it has to another, at once, and does not learn of it", async () => {
    const stream = clients.stream(subscription);
    await publish(["1", "2"]);
    await stream.take(2);
    const other = clients.stream(subscription);
    await delay(100);
    pubsub.inject({ kind: "steal-partition", topic: "flights" });
    expect((await other.take(2)).map(({ value }) => value)).toEqual(["1", "2"]);
    expect(stream.received).toHaveLength(2);
    stream.cancel();
    other.cancel();
  });

  test("gets it again itself if there is no other, when its next acknowledgement comes", async () => {
    const stream = clients.stream(subscription);
    await publish(["1", "2"]);
    const [first] = await stream.take(2);
    pubsub.inject({ kind: "steal-partition", topic: "flights", operation: "commit" });
    await acknowledge(first!);
    expect((await stream.take(3)).map(({ value }) => value)).toEqual(["1", "2", "2"]);
    stream.cancel();
  });

  test("all lose their streams, and what is outstanding comes again", async () => {
    const streams = [clients.stream(subscription), clients.stream(subscription)];
    await publish(["1"]);
    await expect.poll(() => streams.flatMap(({ received }) => received)).toHaveLength(1);
    pubsub.inject({ kind: "lose-coordinator", topic: "flights" });
    expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual([14, 14]);
    expect(await stored()).toEqual(["1"]);
  });
});

test("the service goes away and comes back, also where timers are fake", { timeout: 20_000 }, async () => {
  // Google's client itself needs the real `setImmediate`.
  vi.useFakeTimers({
    now: new Date("2026-12-24T18:00:00Z"),
    toFake: ["Date", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
  });
  try {
    await publish(["1"]);
    pubsub.inject({ kind: "restart" });
    const codes = new Set<number>();
    while (!codes.has(0)) codes.add(await publish(["2"]));
    expect([...codes].filter((code) => code !== 0)).toEqual([14]);
    const received = await clients.pull(subscription);
    expect(received.map(({ value }) => value)).toEqual(["1", "2"]);
    expect(new Date(received[0]!.publishedAtMs)).toEqual(new Date("2026-12-24T18:00:00Z"));
  } finally {
    vi.useRealTimers();
  }
});

test("the service goes away and comes back on its port with what was stored", async () => {
  const stream = clients.stream(subscription);
  await publish(["1"]);
  await stream.take(1);
  pubsub.inject({ kind: "restart" });
  expect(await stream.ended).toBe(14);
  await expect.poll(async () => codeOf(clients.subscriber.getSubscription({ subscription }, NO_RETRY))).toBe(0);
  expect(await stored()).toEqual(["1"]);
  await pubsub.restart();
  await expect.poll(async () => publish(["2"])).toBe(0);
});

test("every planned answer comes with its code, before the call or after it, and for chosen ack ids", async () => {
  pubsub.answerWith({ method: "CreateSnapshot", code: 13 });
  const name = clients.snapshot("mark");
  expect(await codeOf(clients.subscriber.createSnapshot({ name, subscription }, NO_RETRY))).toBe(13);
  expect(await codeOf(clients.subscriber.createSnapshot({ name, subscription }, NO_RETRY))).toBe(0);
  pubsub.answerWith({ method: "Publish", code: 16, isCarriedOut: true, topic: "flights" });
  expect([await publish(["0"], "other"), await publish(["1"])]).toEqual([0, 16]);
  const [message] = await clients.pull(subscription);
  pubsub.answerWith({ method: "Acknowledge", ackFailure: "TRANSIENT_FAILURE_OF_THE_SERVICE" });
  const failure = acknowledge(message!);
  await expect(failure).rejects.toMatchObject({ errorInfoMetadata: { [message!.ackId]: "TRANSIENT_FAILURE_OF_THE_SERVICE" } });
  await acknowledge(message!);
});

test("what cannot be shown is refused", () => {
  expect(() => pubsub.inject({ kind: "throttle", operation: "fetch" })).toThrow(/does not affect/);
  expect(() => pubsub.inject({ kind: "no-such-fault" as "stall" })).toThrow(/there is no fault/);
  expect(pubsub.faultKinds).toHaveLength(11);
});
