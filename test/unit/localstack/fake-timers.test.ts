import { setTimeout as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { inProcessProviders } from "../../../localstack/in-process.ts";
import { type EmulatedProvider, startEmulator } from "../../../localstack/index.ts";
import { connect, text } from "../../../src/index.ts";

const CHRISTMAS = new Date("2026-12-24T18:00:00Z");

/** What a test must leave as it is, because the provider's own client uses it: gRPC takes each step of a call by `setImmediate`. */
const STAYS_REAL: Readonly<Record<string, NonNullable<Parameters<typeof vi.useFakeTimers>[0]>["toNotFake"]>> = {
  pubsub: ["setImmediate"],
};

/** Azure's client waits by the timers of the application, within the library that speaks AMQP as well. */
const CLIENT_WAITS: EmulatedProvider = "event-hubs";

afterEach(() => {
  vi.useRealTimers();
});

async function sendReadAndConsume(provider: EmulatedProvider): Promise<void> {
  const emulator = await startEmulator(provider, { topics: { orders: { partitions: 2, groups: ["billing"] } } });
  const connection = await connect(emulator.url);
  const orders = connection.topic("orders", { codec: text(), key: (order) => order });
  await emulator.inject({ kind: "throttle", topic: "orders" });
  await orders.producer().send({ value: "order 1" });
  const read: string[] = [];
  for await (const { value, timestamp } of orders.reader({ until: "now" })) {
    read.push(value);
    // Stored messages have the time of the test.
    expect(timestamp).toEqual(CHRISTMAS);
  }
  const consumer = orders.consumer({ group: "billing", retry: { initialDelayMs: 1 }, commit: { everyMs: 1 } });
  const attempts: number[] = [];
  await consumer.run(async (_, { attempt }) => {
    attempts.push(attempt);
    if (attempt === 1) throw new Error("once");
    void consumer.close();
  });
  await connection.close();
  await emulator.close();
  expect({ read, attempts }).toEqual({ read: ["order 1"], attempts: [1, 2] });
}

const providers = (Object.keys(inProcessProviders) as EmulatedProvider[]).filter((provider) => provider !== CLIENT_WAITS);

describe.each(providers)("%s under fake timers that are not advanced", (provider) => {
  beforeEach(() => {
    const toNotFake = STAYS_REAL[provider];
    vi.useFakeTimers({ now: CHRISTMAS, ...(toNotFake === undefined ? {} : { toNotFake }) });
  });

  test("sends, reads, consumes, retries and closes", { timeout: 30_000 }, async () => {
    await sendReadAndConsume(provider);
  });

  test("a restart is over in real time", { timeout: 30_000 }, async () => {
    await using emulator = await startEmulator(provider, { topics: { orders: {} } });
    await using connection = await connect(emulator.url);
    await emulator.inject({ kind: "restart" });
    await connection
      .topic("orders", { codec: text(), key: () => null })
      .producer()
      .send({ value: "behind it" });
  });

  test("the timers of the application still wait for the test", async () => {
    await using emulator = await startEmulator(provider, { topics: { orders: {} } });
    await using connection = await connect(emulator.url);
    const orders = connection.topic("orders", { codec: text(), key: () => null });
    setTimeout(() => void orders.producer().send({ value: "late" }), 60_000);
    expect((await connection.check()).ok).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    for await (const { value } of orders.reader()) {
      expect(value).toBe("late");
      break;
    }
  });
});

describe(`${CLIENT_WAITS}, whose client waits by the timers of the application`, () => {
  test("sends, reads, consumes, retries and closes under a fake Date", { timeout: 30_000 }, async () => {
    vi.useFakeTimers({ now: CHRISTMAS, toFake: ["Date"] });
    await sendReadAndConsume(CLIENT_WAITS);
  });

  test("sends under fake timers, and reads when they are advanced", { timeout: 30_000 }, async () => {
    vi.useFakeTimers({ now: CHRISTMAS });
    await using emulator = await startEmulator(CLIENT_WAITS, { topics: { orders: {} } });
    await using connection = await connect(emulator.url);
    const orders = connection.topic("orders", { codec: text(), key: () => null });
    await orders.producer().send({ value: "one" });
    const read = orders.reader()[Symbol.asyncIterator]().next();
    let isRead = false;
    void read.then(() => (isRead = true));
    for (let turn = 0; !isRead; turn += 1) {
      expect(turn, "turns of 20 ms").toBeLessThan(1_000);
      await vi.advanceTimersByTimeAsync(20);
      await nextTurn(5);
    }
    expect(await read).toMatchObject({ value: { value: "one", timestamp: CHRISTMAS } });
  });
});
