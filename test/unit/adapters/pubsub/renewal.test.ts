import { afterEach, beforeEach, expect, test } from "vitest";
import { PubSubConnection } from "../../../../adapters/pubsub/client/pubsub-connection.ts";
import type { PubSubService } from "../../../../adapters/pubsub/service.ts";
import { AckCalls } from "../../../../adapters/pubsub/subscription/ack-calls.ts";
import { GroupSubscriptions } from "../../../../adapters/pubsub/subscription/group-subscription.ts";
import { Leases } from "../../../../adapters/pubsub/subscription/leases.ts";
import { PullStream } from "../../../../adapters/pubsub/subscription/pull-stream.ts";
import { type Harness, harness, numbers } from "./harness.ts";
import { NO_RETRY } from "../../localstack/pubsub/raw-clients.ts";

// The service ends a stream after 15 minutes, and what is on its way is lost then: a stream is replaced before, and what it is of is looked at.

const RENEWAL_MS = 150;

let under: Harness;
let service: PubSubService;
let subscription: string;
const silent = Object.assign(() => undefined, { wants: () => false });

beforeEach(async () => {
  under = await harness();
  const { project, apiEndpoint } = under.emulator;
  const connection = new PubSubConnection({ project, endpoint: `http://${apiEndpoint}` }, silent);
  service = { connection, report: silent, seekSettlingMs: 0, quietMs: 100, googleEmulator: false, exactlyOnce: false };
  subscription = await under.raw.subscribe("flights", "flights.renewed");
});

afterEach(async () => {
  await service.connection.close();
  await under[Symbol.asyncDispose]();
});

interface Pulling {
  readonly values: string[];
  readonly running: Promise<void>;
  readonly checks: () => number;
  readonly end: () => Promise<void>;
}

/** As a member of a group does it, with streams that live shorter. */
function pulling(): Pulling {
  const over = new AbortController();
  const groups = new GroupSubscriptions(service);
  const calls = new AckCalls(service, "flights", subscription);
  const leases = new Leases(calls, 60);
  let checks = 0;
  const check = async (signal: AbortSignal): Promise<void> => {
    checks += 1;
    await groups.check("flights", (await groups.calls.find(subscription, signal))!);
  };
  const flow = { messages: 1_000, bytes: 1_000_000 };
  const settings = {
    topic: "flights",
    subscription,
    isFresh: false,
    deadlineSeconds: 60,
    flow,
    silenceFromMs: 0,
    check,
    renewalMs: RENEWAL_MS,
  };
  const stream = new PullStream(service, settings, calls, leases);
  const values: string[] = [];
  const running = stream.run(over.signal).finally(() => over.abort());
  running.catch(() => undefined);
  const taking = (async () => {
    while (!over.signal.aborted) {
      const messages = await stream.next(null, over.signal);
      values.push(...messages.map(({ message }) => Buffer.from(message.data as Uint8Array).toString()));
      await leases.acknowledge(
        messages.map(({ message }) => message.messageId!),
        service.connection.closing,
      );
    }
  })();
  const end = async (): Promise<void> => {
    over.abort();
    await Promise.allSettled([running, taking]);
    leases.close();
  };
  return { values, running, checks: () => checks, end };
}

test(
  "a stream is replaced again and again before its time is over, and nothing is lost, repeated or out of order",
  { timeout: 30_000 },
  async () => {
    const { values, checks, end } = pulling();
    const sent: string[] = [];
    while (checks() < 5) {
      const more = numbers(20, sent.length);
      sent.push(...more);
      await under.raw.publish("flights", more, "k");
    }
    await expect.poll(() => values.length, { timeout: 10_000 }).toBe(sent.length);
    expect(values).toEqual(sent);
    await end();
  },
);

test.each<[string, string, (harness: Harness) => Promise<unknown>]>([
  ["its topic was deleted", "not-found", async ({ raw }) => raw.publisher.deleteTopic({ topic: raw.topic("flights") }, NO_RETRY)],
  [
    "it pushes now",
    "conflict",
    async ({ raw }) =>
      raw.subscriber.modifyPushConfig({ subscription, pushConfig: { pushEndpoint: "https://example.com/push" } }, NO_RETRY),
  ],
])(
  "a member of a subscription that delivers nothing any more because %s ends when its stream is replaced: %s",
  { timeout: 30_000 },
  async (_, code, change) => {
    const { values, running, end } = pulling();
    await under.raw.publish("flights", ["0"], "k");
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(["0"]);
    await change(under);
    await expect(running).rejects.toMatchObject({ code });
    await end();
  },
);
