import { createHmac } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { EARLIEST, NO_RETRIES, rawProducer, read, rejection, until } from "./raw-client.ts";

let emulator: EmulatedEventHubs;
const EVENT = [{ body: Buffer.from("event") }];
const KEPT = { partitionId: "0" };

beforeEach(async () => {
  emulator = await startEmulatedEventHubs({
    topics: { orders: { partitions: 1 }, payments: { partitions: 1 } },
    policies: { all: { key: "the-key+/=" }, sender: { key: "s", claims: ["Send"] }, listener: { key: "l", claims: ["Listen"] } },
  });
});

afterEach(async () => {
  await emulator.close();
});

function connectionString(name: string, key: string): string {
  return emulator.connectionString.replace(
    /;SharedAccessKeyName=.*/,
    `;SharedAccessKeyName=${name};SharedAccessKey=${key};UseDevelopmentEmulator=true`,
  );
}

/** As an application gets it that has no key. */
function signature(resource: string, expiresInSeconds: number): string {
  const sr = encodeURIComponent(resource);
  const se = Math.floor(Date.now() / 1_000) + expiresInSeconds;
  const sig = encodeURIComponent(createHmac("sha256", "the-key+/=").update(`${sr}\n${se}`).digest("base64"));
  return `SharedAccessSignature sr=${sr}&sig=${sig}&se=${se}&skn=all`;
}

function signedConnectionString(token: string): string {
  return emulator.connectionString.replace(/;SharedAccessKeyName=.*/, `;SharedAccessSignature=${token};UseDevelopmentEmulator=true`);
}

test("a wrong key and a wrong name of a policy are refused", async () => {
  for (const wrong of [connectionString("all", "another-key"), connectionString("nobody", "the-key+/=")]) {
    const producer = new EventHubProducerClient(wrong, "orders", NO_RETRIES);
    expect(await rejection(producer.sendBatch(EVENT))).toMatchObject({
      code: "UnauthorizedError",
      message: expect.stringMatching(/InvalidSignature/),
    });
    await producer.close();
  }
});

test("a policy permits what it claims, and no more", async () => {
  const sender = new EventHubProducerClient(connectionString("sender", "s"), "orders", NO_RETRIES);
  await sender.sendBatch(EVENT, KEPT);
  await sender.close();
  const listening = new EventHubProducerClient(connectionString("listener", "l"), "orders", NO_RETRIES);
  expect((await rejection(listening.sendBatch(EVENT))).message).toMatch(/'Send' claim\(s\) are required/);
  await listening.close();
  const errors: Error[] = [];
  const consumer = new EventHubConsumerClient("$Default", connectionString("sender", "s"), "orders", NO_RETRIES);
  const subscription = consumer.subscribe(
    "0",
    { processEvents: async () => undefined, processError: async (error) => void errors.push(error) },
    { startPosition: EARLIEST },
  );
  await until(
    () => errors.length > 0,
    () => "an error",
  );
  expect(errors[0]).toMatchObject({ code: "UnauthorizedError", message: expect.stringMatching(/'Listen' claim\(s\) are required/) });
  await subscription.close();
  await consumer.close();
});

test("a signature is good for its hub, until it expires; then the links end", async () => {
  const producer = new EventHubProducerClient(signedConnectionString(signature("sb://any-host/orders", 2)), "orders", NO_RETRIES);
  await producer.sendBatch(EVENT, KEPT);
  const elsewhere = new EventHubProducerClient(signedConnectionString(signature("sb://any-host/orders", 60)), "payments", NO_RETRIES);
  expect((await rejection(elsewhere.sendBatch(EVENT))).message).toMatch(/InvalidAudience/);
  await elsewhere.close();
  const late = new EventHubProducerClient(signedConnectionString(signature("sb://any-host/orders", -1)), "orders", NO_RETRIES);
  expect(await rejection(late.sendBatch(EVENT))).toMatchObject({
    code: "UnauthorizedError",
    message: expect.stringMatching(/ExpiredToken/),
  });
  await late.close();
  await delay(2_100);
  expect((await rejection(producer.sendBatch(EVENT, KEPT))).message).toMatch(/ExpiredToken/);
  await producer.close();
});

test("tokens that expire at once end every link; clients that can make others go on", async () => {
  await using producer = rawProducer(emulator, "orders");
  await producer.sendBatch(EVENT, KEPT);
  await using subscription = read(emulator, "orders", "0", EARLIEST, {
    maxWaitTimeInSeconds: 0.2,
    client: { retryOptions: { maxRetries: 3, retryDelayInMs: 10 } },
  });
  await subscription.received(1);
  emulator.expireTokens();
  // A send that is under way when its link ends gets no answer, and the SDK waits for its time-out.
  await delay(100);
  await producer.sendBatch(EVENT, KEPT);
  expect(await subscription.received(2)).toHaveLength(2);
});

test("$cbs that is busy is asked again, and answers then", async () => {
  const busy = { condition: "com.microsoft:server-busy", status: 503 };
  emulator.answerWith({ call: "PutToken", ...busy });
  await using failing = rawProducer(emulator, "orders");
  expect((await rejection(failing.sendBatch(EVENT))).code).toBe("ServerBusyError");
  emulator.answerWith({ call: "PutToken", ...busy, times: 2 });
  await using patient = rawProducer(emulator, "orders", { retryOptions: { maxRetries: 3, retryDelayInMs: 10 } });
  await patient.sendBatch(EVENT);
});
