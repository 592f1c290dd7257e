import { performance } from "node:perf_hooks";
import { setTimeout as later } from "node:timers/promises";
import { expect, test } from "vitest";
import { GroupSubscriptions } from "../../../../adapters/pubsub/subscription/group-subscription.ts";
import type { PubSubService } from "../../../../adapters/pubsub/service.ts";

const TOPIC = "projects/p/topics/flights";
const SUBSCRIPTION = "projects/p/subscriptions/flights.begun";

/** A service with a start that a member has begun, which answers each look after so long. */
function serviceWithBegunStart(answerMs: number): { readonly service: PubSubService; readonly calls: string[] } {
  const calls: string[] = [];
  let labels: Readonly<Record<string, string>> = { "streamport-start": "t0" };
  const connection = {
    name: async (kind: string, short: string): Promise<string> => `projects/p/${kind}/${short}`,
    async subscriber(method: string, request: object): Promise<unknown> {
      calls.push(method);
      if (method === "getSubscription") await later(answerMs);
      if (method === "updateSubscription")
        labels = (request as { subscription: { labels: Readonly<Record<string, string>> } }).subscription.labels;
      return { name: SUBSCRIPTION, topic: TOPIC, enableMessageOrdering: true, labels };
    },
  };
  return { service: { connection, exactlyOnce: false, seekSettlingMs: 0 } as unknown as PubSubService, calls };
}

async function waitedMs(answerMs: number, signal: AbortSignal): Promise<number> {
  const { service, calls } = serviceWithBegunStart(answerMs);
  const startedMs = performance.now();
  await new GroupSubscriptions(service).ensure("flights", "flights.begun", { kind: "earliest" }, signal);
  expect(calls.filter((method) => method !== "getSubscription")).toEqual(["seek", "updateSubscription"]);
  return performance.now() - startedMs;
}

test.concurrent("a start that a dead member has begun is waited for as long where the service is far away", async ({ expect, signal }) => {
  const [near, far] = await Promise.all([waitedMs(0, signal), waitedMs(200, signal)]);
  expect(near).toBeGreaterThan(1_800);
  // One look of 200 ms more comes before, and one may have begun.
  expect(far - near).toBeLessThan(2_000);
});
