import { setTimeout as later } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PubSubConnection } from "../../../../adapters/pubsub/client/pubsub-connection.ts";
import type { PubSubService } from "../../../../adapters/pubsub/service.ts";
import { AckCalls } from "../../../../adapters/pubsub/subscription/ack-calls.ts";
import { Leases } from "../../../../adapters/pubsub/subscription/leases.ts";
import { PullStream } from "../../../../adapters/pubsub/subscription/pull-stream.ts";
import { type Harness, harness } from "./harness.ts";

// A member may be closed at any time: also while its stream is being opened.

let under: Harness;
const silent = Object.assign(() => undefined, { wants: () => false });

beforeEach(async () => {
  under = await harness();
});

afterEach(async () => {
  await under[Symbol.asyncDispose]();
});

test("pulling that ends while its stream is being opened leaves no rejection that nobody handles", async () => {
  const { project, apiEndpoint } = under.emulator;
  const connection = new PubSubConnection({ project, endpoint: `http://${apiEndpoint}` }, silent);
  const service: PubSubService = { connection, report: silent, seekSettlingMs: 0, quietMs: 100, googleEmulator: false, exactlyOnce: false };
  const subscription = await under.raw.subscribe("flights", "flights.ended");
  const calls = new AckCalls(service, "flights", subscription);
  const leases = new Leases(calls, 60);
  const over = new AbortController();
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  try {
    const flow = { messages: 1_000, bytes: 1_000_000 };
    const settings = { topic: "flights", subscription, isFresh: false, deadlineSeconds: 60, flow, silenceFromMs: 0, check: async () => {} };
    const running = new PullStream(service, settings, calls, leases).run(over.signal);
    over.abort();
    await running;
    await later(200);
    expect(unhandled).toEqual([]);
  } finally {
    process.off("unhandledRejection", note);
    leases.close();
    await connection.close();
  }
});
