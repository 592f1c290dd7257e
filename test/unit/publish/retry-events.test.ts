import { expect, test } from "vitest";
import { channels } from "../../../src/diagnostics/channels.ts";
import { StreamError } from "../../../src/errors.ts";
import { createProducer } from "../../../src/publish/producer.ts";
import { FakeProducerDriver, fakeContext, retryable, stored, unknown } from "./fake-producer-driver.ts";

test("every retry is published with its error and delay, and as a throttle where the service asked for less", async () => {
  const retries: unknown[] = [];
  const throttles: unknown[] = [];
  const onRetry = (event: unknown): void => void retries.push(event);
  const onThrottle = (event: unknown): void => void throttles.push(event);
  channels.retry.subscribe(onRetry);
  channels.throttle.subscribe(onThrottle);
  try {
    const driver = new FakeProducerDriver();
    driver.preparing = () => (driver.prepareCalls < 2 ? Promise.reject(new StreamError("unavailable", "soon")) : Promise.resolve());
    driver.script = () => Promise.resolve([[retryable(8), unknown(), stored][driver.calls.length - 1]!]);
    const producer = createProducer(fakeContext(driver), { retry: { initialDelayMs: 1, maxDelayMs: 2 } });
    await producer.send({ key: "a", value: "1" });
  } finally {
    channels.retry.unsubscribe(onRetry);
    channels.throttle.unsubscribe(onThrottle);
  }
  const origin = { provider: "fake", topic: "orders", operation: "send" };
  expect(retries).toEqual([
    { ...origin, error: expect.objectContaining({ code: "unavailable", message: "soon" }), delayMs: expect.any(Number) },
    { ...origin, error: expect.objectContaining({ code: "throttled" }), delayMs: 8 },
    { ...origin, error: expect.objectContaining({ code: "unavailable", message: "lost", topic: "orders" }), delayMs: expect.any(Number) },
  ]);
  expect(throttles).toEqual([{ ...origin, delayMs: 8 }]);
});
