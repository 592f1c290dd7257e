import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedPubSub, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import { type RawClients, type Received, codeOf, rawClients } from "./raw-clients.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let pubsub: EmulatedPubSub;
let clients: RawClients;

beforeEach(async () => {
  pubsub = await startEmulatedPubSub({ topics: { flights: { retentionMs: HOUR_MS } } });
  clients = rawClients(pubsub);
});

afterEach(async () => {
  await clients[Symbol.asyncDispose]();
  await pubsub.close();
});

const valuesOf = (messages: readonly Received[]): readonly string[] => messages.map(({ value }) => value);

/** @param ns since the epoch */
async function seekToNs(subscription: string, ns: bigint): Promise<void> {
  const time = { seconds: Number(ns / 1_000_000_000n), nanos: Number(ns % 1_000_000_000n) };
  await clients.subscriber.seek({ subscription, time });
}

async function seek(subscription: string, ms: number): Promise<void> {
  await seekToNs(subscription, BigInt(Math.round(ms)) * 1_000_000n);
}

/** Pulls and acknowledges. */
async function consume(subscription: string): Promise<readonly Received[]> {
  const messages = await clients.pull(subscription);
  if (messages.length > 0) await clients.subscriber.acknowledge({ subscription, ackIds: messages.map(({ ackId }) => ackId) });
  return messages;
}

/** Three messages of a key, some milliseconds apart. */
async function publishThree(topic = "flights"): Promise<void> {
  for (const value of ["1", "2", "3"]) {
    await clients.publish(topic, [value], "k");
    await delay(4);
  }
}

async function topicWithoutRetention(): Promise<void> {
  await clients.publisher.createTopic({ name: clients.topic("plain") });
}

describe("a seek to a time", () => {
  test("brings back what was stored at that time or later, exactly, and marks the rest as acknowledged", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    await publishThree();
    const messages = await consume(subscription);
    const secondNs = BigInt(messages[1]!.publishedAtMs) * 1_000_000n;
    await seekToNs(subscription, secondNs);
    expect(valuesOf(await consume(subscription))).toEqual(["2", "3"]);
    await seekToNs(subscription, secondNs + 1n);
    expect(valuesOf(await consume(subscription))).toEqual(["3"]);
    await seekToNs(subscription, secondNs - 1n);
    expect(valuesOf(await consume(subscription))).toEqual(["2", "3"]);
  });

  test("reaches before the creation of the subscription, as far as the topic retains", async () => {
    await publishThree();
    const subscription = await clients.subscribe("flights", "late");
    expect(await clients.pull(subscription)).toEqual([]);
    await seek(subscription, 0);
    expect(valuesOf(await consume(subscription))).toEqual(["1", "2", "3"]);
    pubsub.advance(HOUR_MS);
    await seek(subscription, 0);
    expect(await clients.pull(subscription)).toEqual([]);
  });

  test("finds acknowledged messages of a topic without retention only where the subscription retains them", async () => {
    await topicWithoutRetention();
    const [forgetful, retaining] = await Promise.all([
      clients.subscribe("plain", "forgetful"),
      clients.subscribe("plain", "retaining", { enableMessageOrdering: true, retainAckedMessages: true }),
    ]);
    await publishThree("plain");
    for (const subscription of [forgetful, retaining]) {
      expect(await consume(subscription)).toHaveLength(3);
      await seek(subscription, 0);
    }
    expect(await clients.pull(forgetful)).toEqual([]);
    expect(valuesOf(await consume(retaining))).toEqual(["1", "2", "3"]);
    pubsub.advance(7 * DAY_MS + 1);
    await seek(retaining, 0);
    expect(await clients.pull(retaining)).toEqual([]);
  });

  test("revokes what is outstanding", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    await publishThree();
    const stream = clients.stream(subscription, { maxOutstandingMessages: 3 });
    const first = await stream.take(3);
    await seek(subscription, first[1]!.publishedAtMs);
    expect(valuesOf(await stream.take(5))).toEqual(["1", "2", "3", "2", "3"]);
    stream.cancel();
  });

  test("into the future also discards what is published until then", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    await seek(subscription, Date.now() + 60_000);
    await publishThree();
    expect(await clients.pull(subscription)).toEqual([]);
    pubsub.advance(60_000);
    await clients.publish("flights", ["4"], "k");
    expect(valuesOf(await consume(subscription))).toEqual(["4"]);
  });
});

describe("a snapshot", () => {
  async function takeSnapshot(subscription: string, id = "mark"): Promise<string> {
    const name = clients.snapshot(id);
    await clients.subscriber.createSnapshot({ name, subscription });
    return name;
  }

  test("restores what was not acknowledged and all that came later, for any subscription of the topic, again and again", async () => {
    await topicWithoutRetention();
    const [one, other] = await Promise.all([clients.subscribe("plain", "one"), clients.subscribe("plain", "other")]);
    await publishThree("plain");
    const [first] = await clients.pull(one);
    await clients.subscriber.acknowledge({ subscription: one, ackIds: [first!.ackId] });
    const snapshot = await takeSnapshot(one);
    await clients.publish("plain", ["4"], "k");
    await clients.subscriber.seek({ subscription: one, time: { seconds: Math.floor(Date.now() / 1_000) + 60 } });
    await consume(other);
    for (const subscription of [one, other, one]) {
      await clients.subscriber.seek({ subscription, snapshot });
      expect(valuesOf(await consume(subscription))).toEqual(["2", "3", "4"]);
    }
  });

  test("lives for 7 days less the age of the oldest message that is not acknowledged, and at least for an hour", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    await takeSnapshot(subscription);
    await clients.publish("flights", ["old"], "k");
    pubsub.advance(3 * DAY_MS);
    const [{ expireTime }] = await clients.subscriber.createSnapshot({ name: clients.snapshot("older"), subscription });
    const inDays = (Number(expireTime!.seconds) * 1_000 - Date.now()) / DAY_MS - 3;
    expect(inDays).toBeCloseTo(4, 3);
    pubsub.advance(3 * DAY_MS + 23 * HOUR_MS + 1_000);
    expect(await codeOf(takeSnapshot(subscription, "refused"))).toBe(9);
    expect(await codeOf(clients.subscriber.getSnapshot({ snapshot: clients.snapshot("mark") }))).toBe(0);
    expect(await codeOf(clients.subscriber.getSnapshot({ snapshot: clients.snapshot("older") }))).toBe(0);
    pubsub.advance(HOUR_MS);
    expect(await codeOf(clients.subscriber.getSnapshot({ snapshot: clients.snapshot("mark") }))).toBe(5);
    expect(await codeOf(clients.subscriber.seek({ subscription, snapshot: clients.snapshot("older") }))).toBe(5);
  });

  test("belongs to its topic", async () => {
    await pubsub.createTopic("other");
    const subscription = await clients.subscribe("flights", "delays");
    const foreign = await clients.subscribe("other", "foreign");
    const snapshot = await takeSnapshot(subscription);
    expect(await codeOf(clients.subscriber.seek({ subscription: foreign, snapshot }))).toBe(9);
    await clients.publisher.deleteTopic({ topic: clients.topic("flights") });
    await pubsub.createTopic("flights");
    const anew = await clients.subscribe("flights", "anew");
    expect(await codeOf(clients.subscriber.seek({ subscription: anew, snapshot }))).toBe(9);
    const [{ topic }] = await clients.subscriber.getSnapshot({ snapshot });
    expect(topic).toBe("_deleted-topic_");
  });
});

describe("retention", () => {
  test("keeps messages that are not acknowledged for the longer time of topic and subscription", async () => {
    const settings = { enableMessageOrdering: true, messageRetentionDuration: { seconds: 600 } };
    const subscription = await clients.subscribe("flights", "delays", settings);
    await clients.publish("flights", ["1"], "k");
    pubsub.advance(HOUR_MS - 10_000);
    const [received] = await clients.pull(subscription);
    expect(received!.value).toBe("1");
    pubsub.advance(20_000);
    expect(await clients.pull(subscription)).toEqual([]);
  });

  test("on demand drops everything that is stored now", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    await publishThree();
    const name = clients.snapshot("mark");
    await clients.subscriber.createSnapshot({ name, subscription });
    await pubsub.expire("flights");
    expect(await clients.pull(subscription)).toEqual([]);
    await clients.publish("flights", ["4"], "k");
    expect(valuesOf(await consume(subscription))).toEqual(["4"]);
    await clients.subscriber.seek({ subscription, snapshot: name });
    expect(valuesOf(await consume(subscription))).toEqual(["4"]);
    await seek(subscription, 0);
    expect(valuesOf(await consume(subscription))).toEqual(["4"]);
    await expect(pubsub.expire("none")).rejects.toMatchObject({ code: "not-found" });
  });
});
