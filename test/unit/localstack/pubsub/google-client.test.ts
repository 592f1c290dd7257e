import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type Message, PubSub } from "@google-cloud/pubsub";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type EmulatedPubSub, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";

// Google's client as its documentation says to use it.

let pubsub: EmulatedPubSub;
let client: PubSub;

beforeEach(async () => {
  process.env["METADATA_SERVER_DETECTION"] = "none";
  pubsub = await startEmulatedPubSub({ topics: { flights: {} } });
  client = new PubSub({ projectId: pubsub.project, apiEndpoint: pubsub.apiEndpoint, emulatorMode: true });
});

afterEach(async () => {
  await client.close();
  await pubsub.close();
});

const textOf = ({ orderingKey, data }: Message): string => `${orderingKey}${data.toString()}`;

test("publishes and consumes in the order of each key", async () => {
  const topic = client.topic("flights", { messageOrdering: true, batching: { maxMessages: 7, maxMilliseconds: 5 } });
  const [subscription] = await topic.createSubscription("delays", { enableMessageOrdering: true });
  const received: string[] = [];
  subscription.on("message", (message) => {
    received.push(textOf(message));
    message.ack();
  });
  const sent = Array.from({ length: 400 }, (_, index) => ({ orderingKey: "abcd"[index % 4]!, data: Buffer.from(String(index)) }));
  await Promise.all(sent.map(async (message) => topic.publishMessage(message)));
  await expect.poll(() => received.length, { timeout: 10_000 }).toBe(400);
  for (const key of "abcd") {
    const numbers = received.filter((text) => text.startsWith(key)).map((text) => Number(text.slice(1)));
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  }
  await subscription.close();
});

test("learns from the stream that a subscription is exactly-once, and whether each acknowledgement holds", async () => {
  const topic = client.topic("flights");
  const [subscription] = await topic.createSubscription("once", { enableExactlyOnceDelivery: true });
  const results: Promise<string>[] = [];
  subscription.on("message", (message) => {
    // The lease of the first delivery is over before it is acknowledged.
    if (results.length === 0) pubsub.advance(61_000);
    results.push(message.ackWithResponse().catch(({ errorCode }: { errorCode: string }) => errorCode));
  });
  await topic.publishMessage({ data: Buffer.from("1") });
  await expect.poll(() => results.length, { timeout: 10_000 }).toBe(2);
  expect(await Promise.all(results)).toEqual(["INVALID", "SUCCESS"]);
  await subscription.close();
});

test("seeks, takes snapshots and sees the end of its subscription", async () => {
  const topic = client.topic("flights");
  const [subscription] = await topic.createSubscription("delays");
  await topic.publishMessage({ data: Buffer.from("1") });
  await subscription.createSnapshot("mark");
  const received: Message[] = [];
  subscription.on("message", (message) => {
    received.push(message);
    message.ack();
  });
  const failure = once(subscription, "error");
  await expect.poll(() => received.length).toBe(1);
  await delay(200);
  await subscription.seek("mark");
  await expect.poll(() => received.length).toBe(2);
  await delay(200);
  await subscription.seek(new Date(received[0]!.publishTime.getTime() - 1_000));
  await expect.poll(() => received.length).toBe(3);
  expect(received.map(({ id }) => id)).toEqual([received[0]!.id, received[0]!.id, received[0]!.id]);
  await client.subscription("delays").delete();
  expect(await failure).toMatchObject([{ code: 5 }]);
});

test("a program that has closed both ends by itself", async () => {
  const emulator = new URL("../../../../localstack/pubsub/emulated-pubsub.ts", import.meta.url).href;
  const program = `
    import { PubSub } from "@google-cloud/pubsub";
    import { startEmulatedPubSub } from ${JSON.stringify(emulator)};
    const pubsub = await startEmulatedPubSub({ topics: { flights: {} } });
    const client = new PubSub({ projectId: pubsub.project, apiEndpoint: pubsub.apiEndpoint, emulatorMode: true });
    const topic = client.topic("flights");
    const [subscription] = await topic.createSubscription("delays");
    const received = Promise.withResolvers();
    subscription.on("message", received.resolve);
    await topic.publishMessage({ data: Buffer.from("1") });
    await received.promise;
    await subscription.close();
    await client.close();
    await pubsub.close();
    console.log("closed");`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (text: Buffer) => (output += text.toString()));
  const [code] = (await once(child, "exit")) as [number];
  expect([code, output]).toEqual([0, "closed\n"]);
}, 30_000);
