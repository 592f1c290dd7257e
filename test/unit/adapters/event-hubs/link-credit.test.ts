import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { LinkOutbox } from "../../../../localstack/event-hubs/amqp/link-outbox.ts";
import { bytes } from "../../../../src/index.ts";
import { EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";

const FLOOD = 600;
const FLOOD_BATCH = 20;
const EVENT_BYTES = 50_000;
/** Before the size of the events is known a link is opened for at most 30 of them. */
const MOST_BYTES = 500_000;
const WIDTH = 30;
/** How often it may be opened before nothing more fits, with what the handler has. */
const LINKS = 4;
const QUIET_MS = 300;

/** How many events the service has sent when it sends nothing more. */
async function sentInTheEnd(send: { readonly mock: { readonly calls: readonly unknown[] } }): Promise<number> {
  let sent = -1;
  while (sent !== send.mock.calls.length) {
    sent = send.mock.calls.length;
    await delay(QUIET_MS);
  }
  return sent;
}

test.each([
  ["a silence", 0],
  ["a trickle", 30],
])("after %s a flood meets no more credit than a link was opened with, while a handler is slow", GENEROUS, async (_, trickled) => {
  await using world = await EventHubsWorld.start();
  const topic = (await world.connect()).topic("flights", { codec: bytes() });
  const gate = Promise.withResolvers<void>();
  let handled = 0;
  const consumer = topic.consumer({ group: "delays", initialPosition: "earliest", maxBufferedBytes: MOST_BYTES });
  const running = consumer.run(async () => {
    if (handled >= trickled) await gate.promise;
    handled += 1;
  });
  const producer = topic.producer();
  for (let sent = 0; sent < trickled; sent += 1) {
    await producer.send({ key: null, value: new Uint8Array(1) });
    await delay(30);
  }
  await vi.waitUntil(() => handled === trickled, 10_000);
  // Long enough for many turns of a link without events.
  if (trickled === 0) await delay(3_000);
  using send = vi.spyOn(LinkOutbox.prototype, "send");
  for (let sent = 0; sent < FLOOD; sent += FLOOD_BATCH) {
    await producer.sendBatch(Array.from({ length: FLOOD_BATCH }, () => ({ key: null, value: new Uint8Array(EVENT_BYTES) })));
  }
  expect(await sentInTheEnd(send)).toBeLessThanOrEqual(LINKS * WIDTH);
  gate.resolve();
  await vi.waitUntil(() => handled === trickled + FLOOD, 30_000);
  await consumer.close();
  await running;
});
