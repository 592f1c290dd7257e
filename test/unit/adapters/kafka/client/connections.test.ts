import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KafkaClient } from "../../../../../adapters/kafka/client/kafka-client.ts";
import { createKafkaClient } from "../../../../../adapters/kafka/client/kafkajs-client.ts";
import { clientSettingsOf } from "../../../../../adapters/kafka/client/settings-of-options.ts";
import { classify } from "../../../../../adapters/kafka/errors.ts";
import type { KafkaOptions } from "../../../../../adapters/kafka/options.ts";
import type { Report, StreamError } from "../../../../../src/driver/index.ts";
import { ScriptedBroker } from "../scripted-broker.ts";

const { signal: never } = new AbortController();
const silent: Report = Object.assign(() => undefined, { wants: () => false });

describe("connections", () => {
  let broker: ScriptedBroker;
  let client: KafkaClient;

  beforeEach(async () => {
    broker = await ScriptedBroker.start();
    client = newClient();
  });

  afterEach(async () => {
    await client.close();
    await broker.stop();
  });

  const newClient = (kafkajs: KafkaOptions["kafkajs"] = {}): KafkaClient =>
    createKafkaClient(clientSettingsOf({ brokers: [broker.address], kafkajs }), silent);
  const ask = (): Promise<unknown> => client.metadata([], never);
  const refusal = (): Promise<StreamError | "answered"> => ask().then(() => "answered", classify);

  test("a server that closes a connection with Kafka's protocol speaks another one, probably TLS", async () => {
    broker.toGreeting.push("hang up", "hang up");
    expect(await refusal()).toMatchObject({ code: "configuration", retryable: false, message: expect.stringContaining("TLS") });
  });

  test("a server that closes an unauthenticated connection requires SASL", async () => {
    broker.toMetadata.push("hang up", "hang up");
    expect(await refusal()).toMatchObject({ code: "unauthenticated", retryable: false, message: expect.stringContaining("sasl") });
  });

  test("a server that closes a connection once was only stopping", async () => {
    broker.toGreeting.push("hang up");
    expect(await refusal()).toBe("answered");
    broker.hangUp();
    await expect.poll(refusal, { timeout: 10_000 }).toBe("answered");
    expect(broker.connections).toBe(3);
  });

  test("a server that was reached before, and closes every connection, may come back", async () => {
    await ask();
    for (const manners of [broker.toGreeting, broker.toMetadata]) {
      manners.push("hang up", "hang up", "hang up");
      broker.hangUp();
      while (manners.length > 0) expect(await refusal()).toMatchObject({ code: "unavailable", retryable: true });
    }
    expect(await refusal()).toBe("answered");
  });

  test("closing ends connections that are being opened: nothing keeps the process alive", async () => {
    const patient = createKafkaClient(clientSettingsOf({ brokers: [broker.address], kafkajs: { authenticationTimeout: 60_000 } }), silent);
    broker.toGreeting.push("silence");
    const asking = patient.metadata([], never).then(() => "answered", classify);
    await expect.poll(() => broker.connections).toBe(1);
    await patient.close();
    expect(await asking).toMatchObject({ code: "closed" });
    await expect.poll(() => broker.openSockets).toBe(0);
  });

  test("closing at any moment of connecting leaves no timer behind", async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
    await ask();
    const before = timers();
    for (let steps = 0; steps < 80; steps += 1) {
      const hasty = createKafkaClient(clientSettingsOf({ brokers: [broker.address] }), silent);
      const asking = hasty.metadata([], never).then(() => "answered", classify);
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      await hasty.close();
      await asking;
    }
    // The poll has one timer of its own. A remaining timer would be one of eighty.
    await expect.poll(timers).toBeLessThan(before + 10);
  });

  test("closing does not wait for a server that does not answer", async () => {
    await client.close();
    client = newClient({ connectionTimeout: 100, authenticationTimeout: 100 });
    broker.toGreeting.push("silence");
    expect(await refusal()).toMatchObject({ code: "unavailable", retryable: true });
  });
});
