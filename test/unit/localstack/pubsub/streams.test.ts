import { connect } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedPubSub, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import { NO_RETRY, type RawClients, codeOf, rawClients } from "./raw-clients.ts";

let pubsub: EmulatedPubSub;
let clients: RawClients;
let subscription: string;

beforeEach(async () => {
  pubsub = await startEmulatedPubSub({ topics: { flights: {} } });
  clients = rawClients(pubsub);
  subscription = await clients.subscribe("flights", "delays");
});

afterEach(async () => {
  await clients[Symbol.asyncDispose]();
  await pubsub.close();
});

const many = (count: number, size = 1): readonly string[] => Array.from({ length: count }, () => "x".repeat(size));

async function acknowledge(ackIds: readonly string[]): Promise<void> {
  await clients.subscriber.acknowledge({ subscription, ackIds: [...ackIds] });
}

describe("flow control of a stream", () => {
  test("holds the number of outstanding messages, also of one key, and goes on with each that is settled", async () => {
    await clients.publish("flights", many(6));
    await clients.publish("flights", many(6), "k");
    const stream = clients.stream(subscription, { maxOutstandingMessages: 5 });
    await stream.take(5);
    await delay(50);
    expect(stream.received).toHaveLength(5);
    const ackIds = stream.received.map(({ ackId }) => ackId);
    await acknowledge(ackIds.slice(0, 2));
    await stream.take(7);
    await clients.subscriber.modifyAckDeadline({ subscription, ackIds: [ackIds[2]!], ackDeadlineSeconds: 0 });
    await stream.take(8);
    pubsub.advance(10_100);
    await stream.take(13);
    await delay(50);
    expect(stream.received).toHaveLength(13);
    stream.cancel();
  });

  test("holds their bytes, once they are reached", async () => {
    await clients.publish("flights", many(10, 1_000));
    const stream = clients.stream(subscription, { maxOutstandingBytes: 2_500 });
    await stream.take(3);
    await delay(50);
    expect(stream.received).toHaveLength(3);
    await acknowledge([stream.received[0]!.ackId]);
    await stream.take(4);
    stream.cancel();
  });

  test("is for each stream by itself, and absent if it is not asked for", async () => {
    const limited = clients.stream(subscription, { maxOutstandingMessages: 1 });
    const free = clients.stream(subscription);
    await delay(50);
    await clients.publish("flights", many(30));
    await expect.poll(() => free.received.length).toBe(29);
    expect(limited.received).toHaveLength(1);
    limited.cancel();
    free.cancel();
  });

  test("sends little to a client that does not read", async () => {
    // Google's client reads all that comes, and keeps what nobody asks for.
    const session = connect(`http://${pubsub.apiEndpoint}`);
    const headers = { ":path": "/google.pubsub.v1.Subscriber/StreamingPull", "content-type": "application/grpc", te: "trailers" };
    const stream = session.request({ ":method": "POST", ...headers }, { endStream: false });
    // The fields 1 and 5: the subscription, and 60 s.
    const request = Buffer.concat([Buffer.from([0x0a, subscription.length]), Buffer.from(subscription), Buffer.from([0x28, 60])]);
    stream.write(Buffer.concat([Buffer.from([0, 0, 0, 0, request.length]), request]));
    await delay(50);
    for (let index = 0; index < 2; index += 1) await clients.publish("flights", many(200, 40_000));
    const other = clients.stream(subscription);
    await other.take(300);
    other.cancel();
    session.destroy();
  });
});

describe("a stream", () => {
  test("answers a sign of life of protocol version 1 only, and says what the subscription is", async () => {
    const stream = clients.stream(subscription, { protocolVersion: 1 });
    const old = clients.stream(subscription);
    for (const each of [stream, old]) each.write({});
    await expect.poll(() => stream.responses).toHaveLength(1);
    expect(stream.responses[0]).toMatchObject({
      receivedMessages: [],
      subscriptionProperties: { messageOrderingEnabled: true, exactlyOnceDeliveryEnabled: false },
    });
    expect(old.responses).toEqual([]);
    pubsub.answerWith({ method: "KeepAlive", isUnanswered: true });
    stream.write({});
    stream.write({});
    await expect.poll(() => stream.responses).toHaveLength(2);
    await delay(50);
    expect(stream.responses).toHaveLength(2);
    stream.cancel();
    old.cancel();
  });

  test("takes acknowledgements and deadlines, and a new deadline for what follows", async () => {
    const stream = clients.stream(subscription);
    await clients.publish("flights", many(2));
    const [first, second] = await stream.take(2);
    stream.write({ ackIds: [first!.ackId], modifyDeadlineAckIds: [second!.ackId], modifyDeadlineSeconds: [0] });
    await stream.take(3);
    stream.write({ streamAckDeadlineSeconds: 600 });
    await delay(50);
    pubsub.advance(10_100);
    await stream.take(4);
    pubsub.advance(590_000);
    await delay(50);
    expect(stream.received).toHaveLength(4);
    stream.cancel();
  });

  test("leaves what is outstanding to its deadline when it ends, and its ids good", async () => {
    const stream = clients.stream(subscription);
    await clients.publish("flights", many(2));
    const [first] = await stream.take(2);
    stream.end();
    expect(await stream.ended).toBe(0);
    await acknowledge([first!.ackId]);
    expect(await clients.pull(subscription)).toEqual([]);
    pubsub.advance(10_100);
    expect(await clients.pull(subscription)).toHaveLength(1);
  });

  test.each([14, 4, 13, 16, 0])("ends with status %i", async (code) => {
    const stream = clients.stream(subscription);
    await clients.publish("flights", ["1"]);
    await stream.take(1);
    await pubsub.endStreams("flights", code);
    expect(await stream.ended).toBe(code);
    await expect(pubsub.endStreams("none", code)).rejects.toMatchObject({ code: "not-found" });
  });

  test("ends with DEADLINE_EXCEEDED when the time of the client is over", async () => {
    const stream = clients.stream(subscription, {}, { timeout: 100 });
    expect(await stream.ended).toBe(4);
  });

  test("ends when its subscription is deleted or detached", async () => {
    const streams = [clients.stream(subscription), clients.stream(await clients.subscribe("flights", "detached"))];
    await delay(50);
    await clients.subscriber.deleteSubscription({ subscription });
    await clients.publisher.detachSubscription({ subscription: clients.subscription("detached") });
    expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual([5, 9]);
    const [{ detached }] = await clients.subscriber.getSubscription({ subscription: clients.subscription("detached") });
    expect(detached).toBe(true);
    await clients.publish("flights", ["1"]);
    expect(await codeOf(clients.pull(clients.subscription("detached")))).toBe(9);
    expect(await clients.stream(clients.subscription("detached")).ended).toBe(9);
  });

  test.each([
    ["an unknown subscription", { subscription: "projects/p/subscriptions/none" }, 5],
    ["no deadline", { streamAckDeadlineSeconds: 0 }, 3],
    ["a deadline below 10 s", { streamAckDeadlineSeconds: 9 }, 3],
    ["a deadline over 600 s", { streamAckDeadlineSeconds: 601 }, 3],
    ["a malformed id", { ackIds: ["?"] }, 3],
  ])("is refused for %s", async (_, request, code) => {
    expect(await clients.stream(subscription, request).ended).toBe(code);
  });

  test.each([
    ["the subscription again", { subscription: "projects/p/subscriptions/s" }],
    ["another flow control", { maxOutstandingMessages: 5 }],
    ["another flow control of bytes", { maxOutstandingBytes: 5 }],
    ["another protocol version", { protocolVersion: 1 }],
    ["a malformed id", { ackIds: ["?"] }],
    ["deadlines without ids", { modifyDeadlineSeconds: [10] }],
    ["a deadline below 0", { modifyDeadlineAckIds: ["?"], modifyDeadlineSeconds: [-1] }],
  ])("ends with INVALID_ARGUMENT for %s", async (_, request) => {
    const stream = clients.stream(subscription);
    stream.write(request);
    expect(await stream.ended).toBe(3);
  });
});

test("a connection takes 100 streams; other calls wait without an error until one ends", async () => {
  const streams = Array.from({ length: 100 }, () => clients.stream(subscription, { protocolVersion: 1 }));
  for (const stream of streams) stream.write({});
  await expect.poll(() => streams.filter(({ responses }) => responses.length > 0)).toHaveLength(100);
  const look = async (timeout: number): Promise<number> =>
    codeOf(clients.subscriber.getSubscription({ subscription }, { ...NO_RETRY, timeout }));
  expect(await look(200)).toBe(4);
  streams[0]!.cancel();
  await delay(50);
  expect(await look(5_000)).toBe(0);
  for (const stream of streams) stream.cancel();
});
