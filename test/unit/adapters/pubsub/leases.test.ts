import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { AckCalls } from "../../../../adapters/pubsub/subscription/ack-calls.ts";
import { Leases } from "../../../../adapters/pubsub/subscription/leases.ts";

const received = (ackId: string, messageId: string) => ({ ackId, message: { messageId } });

test("a copy that comes while its message is acknowledged is acknowledged as well, so that it does not hold up its key", async () => {
  const requests: (readonly string[])[] = [];
  const calls = {
    isExactlyOnce: false,
    async acknowledge(ackIds: readonly string[], _: AbortSignal, done: (ackIds: readonly string[]) => void): Promise<void> {
      requests.push(ackIds);
      if (requests.length === 1) expect(leases.add(received("copy", "m1"))).toBe(false);
      done(ackIds);
    },
  };
  const leases = new Leases(calls as unknown as AckCalls, 10);
  expect(leases.add(received("first", "m1"))).toBe(true);
  expect(leases.add(received("other", "m2"))).toBe(true);
  await leases.acknowledge(["m1", "m2", "never had"], AbortSignal.timeout(1_000));
  expect(requests).toEqual([["first", "other"], ["copy"]]);
  expect([...leases.outstanding]).toEqual([]);
  leases.close();
});

test("what could not be acknowledged stays leased", async () => {
  const calls = {
    isExactlyOnce: true,
    acknowledge: async (): Promise<void> => {
      throw new Error("not now");
    },
  };
  const leases = new Leases(calls as unknown as AckCalls, 10);
  leases.add(received("first", "m1"));
  await expect(leases.acknowledge(["m1"], AbortSignal.timeout(1_000))).rejects.toThrow("not now");
  expect([...leases.outstanding]).toEqual(["m1"]);
  leases.close();
});

test(
  "a lease is extended when a third of its first 10 seconds is over, and not again while the longer one is young",
  { timeout: 20_000 },
  async () => {
    const extended: (readonly [readonly string[], number])[] = [];
    const calls = {
      isExactlyOnce: false,
      modify: async (ackIds: readonly string[], seconds: number): Promise<ReadonlySet<string>> => {
        extended.push([ackIds, seconds]);
        return new Set();
      },
    };
    const leases = new Leases(calls as unknown as AckCalls, 60);
    leases.add(received("first", "m1"));
    await expect.poll(() => extended.length, { timeout: 9_000 }).toBe(1);
    await delay(2_500);
    leases.close();
    expect(extended).toEqual([[["first"], 60]]);
  },
);
