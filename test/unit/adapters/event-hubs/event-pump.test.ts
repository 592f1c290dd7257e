import type { SubscriptionEventHandlers, SubscribeOptions } from "@azure/event-hubs";
import { expect, test } from "vitest";
import type { BorrowedConsumer } from "../../../../adapters/event-hubs/client/hub-clients.ts";
import { EventPump } from "../../../../adapters/event-hubs/read/event-pump.ts";

const SIGNAL = AbortSignal.timeout(10_000);
const REQUEST = { partition: "0", start: { sequenceNumber: 0 }, ownerLevel: null, idleMs: 10, tellsEnd: false };
/** So many events the service may owe to a link that has waited in vain. */
const MOST_CREDIT = 5_000;

/** A pump on a client that says what the test says. `atOnce`: what its connection was told of small frames. */
function pumpOf(most: number) {
  const calls: { handlers?: SubscriptionEventHandlers; options?: SubscribeOptions } = {};
  const atOnce: boolean[] = [];
  const socket = { setNoDelay: (isOn: boolean) => atOnce.push(isOn) };
  const client = {
    _context: { connection: { _connection: { socket } } },
    subscribe: (_: string, handlers: SubscriptionEventHandlers, options: SubscribeOptions) => {
      Object.assign(calls, { handlers, options });
      return { isRunning: true, close: async () => undefined };
    },
  };
  const consumer = { client, watch: { watch: () => () => undefined }, retire: () => undefined, giveBack: () => undefined };
  const pump = new EventPump(consumer as unknown as BorrowedConsumer, { ...REQUEST, most });
  const offer = async (...bodies: readonly string[]): Promise<void> =>
    calls.handlers!.processEvents(bodies.map((body) => ({ body })) as never, {} as never);
  return { pump, offer, atOnce, options: calls.options!, fail: (error: Error) => calls.handlers!.processError(error, {} as never) };
}

test.each([1, 32, 300, 2_000])("a link of %i events is due to be replaced before it has more credit than is bounded", async (most) => {
  const { pump, offer, options } = pumpOf(most);
  expect(options).toMatchObject({ prefetchCount: most, maxBatchSize: Math.ceil(most / 4), skipParsingBodyAsJson: true });
  let credit = most;
  for (; !pump.isWorn; credit += most) await offer();
  expect(credit).toBeLessThanOrEqual(MOST_CREDIT + most);
  expect(credit + most).toBeGreaterThan(MOST_CREDIT);
});

test("what has come before an error comes before it, and batches without events are none", async () => {
  const { pump, offer, fail } = pumpOf(8);
  const taken = offer("1", "2");
  const failed = fail(new Error("broken"));
  expect(await pump.next(SIGNAL)).toMatchObject({ kind: "events", events: [{ body: "1" }, { body: "2" }] });
  await taken;
  await expect(pump.next(SIGNAL)).rejects.toThrow("broken");
  // Only then may the SDK go on: it would open another link.
  await pump.close();
  await failed;
});

test("the SDK waits with the next batch until this one is taken, and is told when the pump closes", async () => {
  const { pump, offer } = pumpOf(8);
  let isTaken = false;
  const taken = offer("1").then(() => (isTaken = true));
  await new Promise(setImmediate);
  expect(isTaken).toBe(false);
  await pump.close();
  await taken;
  expect(await offer("2")).toBeUndefined();
});

test("small frames are collected only while the link is full, and go at once when it closes", async () => {
  const { pump, offer, atOnce } = pumpOf(8);
  const offered = [["1", "2"], ["3", "4"], ["5"], ["6", "7"], [], ["8", "9"]];
  for (const bodies of offered) {
    const taken = offer(...bodies);
    if (bodies.length > 0) await pump.next(SIGNAL);
    await taken;
  }
  expect(atOnce).toEqual([false, false, true, false, true, false]);
  await pump.close();
  expect(atOnce.at(-1)).toBe(true);
});
