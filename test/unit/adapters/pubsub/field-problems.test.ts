import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import type { ConsumerOptions } from "../../../../src/consume/consumer-types.ts";
import { text } from "../../../../src/codec/text.ts";
import { type Handled, type Harness, consume, flights, harness, numbers, sendTo, valuesOf } from "./harness.ts";

// What users of the service and of its clients have run into.

interface World extends Harness {
  /** Closed with the world. */
  readonly member: (group: string, handle?: (value: string) => Promise<void> | void, options?: Partial<ConsumerOptions>) => Handled;
  readonly send: (values: readonly string[], key: string) => Promise<void>;
  /** Time passes for the service, until this is so. */
  readonly asTimePasses: (isSo: () => boolean) => Promise<void>;
}

/** A service of the test's own, as most of them run at the same time. */
async function world(): Promise<World> {
  const under = await harness();
  const members: Handled[] = [];
  return {
    ...under,
    member(group, handle, options) {
      const made = consume(under.connection, group, handle, options);
      members.push(made);
      return made;
    },
    send: (values, key) => sendTo(under.connection, values, key),
    async asTimePasses(isSo) {
      await vi.waitUntil(
        () => {
          if (!isSo()) under.emulator.advance(11_000);
          return isSo();
        },
        { timeout: 40_000, interval: 1_500 },
      );
    },
    async [Symbol.asyncDispose]() {
      for (const { run, close } of members) {
        await close();
        await run.catch(() => undefined);
      }
      await under[Symbol.asyncDispose]();
    },
  };
}

test.concurrent(
  "a stream that the service ends in any way is renewed, and nothing is lost, handled twice or out of order",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const { member, send } = under;
    const { values } = member("endings");
    for (const [round, code] of [4, 14, 13, 0].entries()) {
      await send(numbers(10, round * 10), "k");
      await expect.poll(() => values.length, { timeout: 10_000 }).toBe((round + 1) * 10);
      await under.emulator.endStreams("flights", code);
    }
    await send(["40"], "k");
    await expect.poll(() => values.length, { timeout: 10_000 }).toBe(41);
    expect(values).toEqual(numbers(41));
  },
);

test.concurrent(
  "a stream that is cut while handlers run gives no message of theirs to a second handler",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const { member, send } = under;
    await send(numbers(5), "k");
    let running = 0;
    let most = 0;
    let cuts = 0;
    const { values } = member("cut", async () => {
      most = Math.max(most, (running += 1));
      if (cuts === 0) {
        cuts += 1;
        await under.emulator.endStreams("flights", 14);
        await delay(300);
      }
      running -= 1;
    });
    await expect.poll(() => values.length, { timeout: 10_000 }).toBe(5);
    await delay(300);
    expect(values).toEqual(numbers(5));
    expect(most).toBe(1);
  },
);

test.concurrent("an exactly-once subscription is acknowledged in the order of each key", { timeout: 30_000 }, async ({ expect }) => {
  await using under = await world();
  const { member, send } = under;
  await under.raw.subscribe("flights", "flights.once", { enableMessageOrdering: true, enableExactlyOnceDelivery: true });
  const { values } = member("once");
  await send(numbers(300), "k");
  await send(numbers(300, 300), "l");
  await expect.poll(() => values.length, { timeout: 20_000 }).toBe(600);
  await delay(300);
  expect(values.filter((value) => Number(value) < 300)).toEqual(numbers(300));
  expect(await under.raw.pull(under.raw.subscription("flights.once"))).toEqual([]);
});

test.concurrent(
  "an id that cannot be acknowledged spoils no other, and what fails for a while is tried again",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const { member, send } = under;
    await under.raw.subscribe("flights", "flights.ids", { enableMessageOrdering: true, enableExactlyOnceDelivery: true });
    under.emulator.answerWith({ method: "Acknowledge", ackFailure: "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE", times: 2, topic: "flights" });
    const { values } = member("ids");
    await send(numbers(20), "k");
    await expect.poll(() => values.length, { timeout: 10_000 }).toBe(20);
    await delay(500);
    expect(values).toEqual(numbers(20));
    expect(await under.raw.pull(under.raw.subscription("flights.ids"))).toEqual([]);
  },
);

test.concurrent.for<readonly [string, object, string]>([
  ["without order", { enableMessageOrdering: false }, "conflict"],
  ["with a filter", { enableMessageOrdering: true, filter: 'attributes.a = "1"' }, "conflict"],
  ["with push", { enableMessageOrdering: true, pushConfig: { pushEndpoint: "https://example.com/push" } }, "conflict"],
  ["with an export", { enableMessageOrdering: true, bigqueryConfig: { table: "p.d.t", writeMetadata: true } }, "conflict"],
])("a subscription %s ends the member with a code", async ([_, settings, code], { expect }) => {
  await using under = await world();
  const { member } = under;
  await under.raw.subscribe("flights", "flights.unfit", settings);
  await expect(member("unfit").run).rejects.toMatchObject({ code, provider: "pubsub" });
});

test.concurrent(
  "a subscription of another topic, or one that was detached, ends the member with a code",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const { member } = under;
    await under.emulator.createTopic("other");
    await under.raw.subscribe("other", "flights.foreign");
    await expect(member("foreign").run).rejects.toMatchObject({ code: "conflict" });
    const subscription = await under.raw.subscribe("flights", "flights.detached");
    await under.raw.publisher.detachSubscription({ subscription }, { retry: null });
    await expect(member("detached").run).rejects.toMatchObject({ code: "conflict" });
  },
);

test.concurrent("a subscription of a deleted topic is no silent wait", { timeout: 30_000 }, async ({ expect }) => {
  await using under = await world();
  const { member } = under;
  await under.raw.subscribe("flights", "flights.orphan");
  await under.raw.publisher.deleteTopic({ topic: under.raw.topic("flights") }, { retry: null });
  await under.emulator.createTopic("flights");
  await expect(member("orphan").run).rejects.toMatchObject({ code: "not-found" });
});

test.concurrent("a deleted subscription ends its members with not-found", { timeout: 30_000 }, async ({ expect }) => {
  await using under = await world();
  const { member, send } = under;
  await send(["0"], "k");
  const { values, run } = member("deleted");
  await expect.poll(() => values.length, { timeout: 10_000 }).toBe(1);
  await under.raw.subscriber.deleteSubscription({ subscription: under.raw.subscription("flights.deleted") }, { retry: null });
  await expect(run).rejects.toMatchObject({ code: "not-found" });
});

test.concurrent("a start that a dead member has begun is carried out as that member meant it", { timeout: 30_000 }, async ({ expect }) => {
  await using under = await world();
  const { member, send } = under;
  await send(numbers(3), "k");
  const labels = { "streamport-start": "t0" };
  await under.raw.subscribe("flights", "flights.begun", { enableMessageOrdering: true, labels });
  const { values } = member("begun");
  await expect.poll(() => values.length, { timeout: 25_000 }).toBe(3);
  const [found] = await under.raw.subscriber.getSubscription({ subscription: under.raw.subscription("flights.begun") }, { retry: null });
  expect(found.labels).toEqual({});
});

test.concurrent(
  "a topic without retention can be consumed from latest only, and no subscription is left behind",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const name = under.raw.topic("unkept");
    await under.raw.publisher.createTopic({ name }, { retry: null });
    const unkept = under.connection.topic("unkept", { codec: text() });
    await expect(unkept.consumer({ group: "g" }).run(() => undefined)).rejects.toMatchObject({
      code: "unsupported",
      capability: "startAtTimestamp",
    });
    await expect(valuesOf(unkept.reader({ until: "now" }))).rejects.toMatchObject({ code: "unsupported" });
    const [left] = await under.raw.publisher.listTopicSubscriptions({ topic: name }, { retry: null });
    expect(left).toEqual([]);
  },
);

test.concurrent(
  "a bookmark that is too old is out of range, and closing leaves no subscription",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const { send } = under;
    await send(numbers(3), "k");
    const reader = flights(under.connection).reader({ until: "now" });
    const read = reader[Symbol.asyncIterator]();
    await read.next();
    const bookmark = await reader.bookmark();
    await reader.close();
    const rest = await valuesOf(flights(under.connection).reader({ from: { bookmark }, until: "now" }));
    expect(rest).toEqual(["1", "2"]);
    under.emulator.advance(8 * 86_400_000);
    await expect(valuesOf(flights(under.connection).reader({ from: { bookmark }, until: "now" }))).rejects.toMatchObject({
      code: "position-out-of-range",
    });
    const [left] = await under.raw.publisher.listTopicSubscriptions({ topic: under.raw.topic("flights") }, { retry: null });
    expect(left).toEqual([]);
  },
);

test.concurrent(
  "a topic that is missing, exists already or cannot be kept that short is refused with a code",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    await expect(under.connection.topic("missing", { codec: text() }).producer().send({ key: "k", value: "x" })).rejects.toMatchObject({
      code: "not-found",
    });
    await expect(under.connection.admin.createTopic("flights")).rejects.toMatchObject({ code: "already-exists" });
    await expect(under.connection.admin.createTopic("short", { retentionMs: 1_000 })).rejects.toMatchObject({ code: "unsupported" });
  },
);

test.concurrent("readers that are closed at any moment of their opening leave no subscription", { timeout: 30_000 }, async ({ expect }) => {
  await using under = await world();
  const { send } = under;
  await send(numbers(3), "k");
  const opened = Array.from({ length: 60 }, async (_, index) => {
    const reader = flights(under.connection).reader({ until: "now" });
    const first = reader[Symbol.asyncIterator]().next();
    first.catch(() => undefined);
    await delay(index);
    await reader.close();
  });
  await Promise.all(opened);
  const [left] = await under.raw.publisher.listTopicSubscriptions({ topic: under.raw.topic("flights") }, { retry: null });
  expect(left).toEqual([]);
});

test.concurrent(
  "on an exactly-once subscription only what is leased for certain is handled: what is not comes again, before what is behind it",
  { timeout: 60_000 },
  async ({ expect }) => {
    await using under = await world();
    const { member, send, asTimePasses } = under;
    await under.raw.subscribe("flights", "flights.leased", { enableMessageOrdering: true, enableExactlyOnceDelivery: true });
    await send(numbers(5), "k");
    under.emulator.answerWith({ method: "ModifyAckDeadline", ackFailure: "PERMANENT_FAILURE_INVALID_ACK_ID", times: 1, topic: "flights" });
    const { values } = member("leased");
    await delay(500);
    // All five came in one response, and none of them is this member's.
    expect(values).toEqual([]);
    await asTimePasses(() => values.length === 5);
    expect(values).toEqual(numbers(5));
  },
);

test.concurrent("more acknowledgements that come too late than the window has room for hold nothing up", { timeout: 60_000 }, async () => {
  await using under = await world();
  const { member, send, asTimePasses } = under;
  await under.raw.subscribe("flights", "flights.late", { enableMessageOrdering: true, enableExactlyOnceDelivery: true });
  const keys = 30;
  await Promise.all(Array.from({ length: keys }, async (_, key) => send(numbers(100, key * 100), `key-${key}`)));
  // The window of a stream is 2,000 messages: all of these are refused once.
  under.emulator.answerWith({ method: "Acknowledge", ackFailure: "PERMANENT_FAILURE_INVALID_ACK_ID", times: 30, topic: "flights" });
  const { values } = member("late");
  await asTimePasses(() => new Set(values).size === keys * 100);
});

test.concurrent(
  "a connection that has more streams than the service allows on one of its own reads with all of them",
  { timeout: 60_000 },
  async ({ expect }) => {
    await using under = await world();
    const { member, send } = under;
    const readers = Array.from({ length: 120 }, () => flights(under.connection).reader({ from: "latest" }));
    const firsts = readers.map((reader) => {
      const first = reader[Symbol.asyncIterator]().next();
      first.catch(() => undefined);
      return first;
    });
    const { values } = member("beside");
    await Promise.all(readers.map((reader) => reader.bookmark()));
    const startedMs = performance.now();
    await send(["0"], "k");
    expect(new Set((await Promise.all(firsts)).map(({ value }) => (value as { readonly value: string }).value))).toEqual(new Set(["0"]));
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(["0"]);
    // Acknowledgements do not queue behind streams.
    await Promise.all(readers.map((reader) => reader.close()));
    expect(performance.now() - startedMs).toBeLessThan(15_000);
  },
);

test.concurrent(
  "a key goes on behind a message that the service has forwarded to its own dead-letter topic",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const { member, send } = under;
    await under.emulator.createTopic("failed");
    const deadLetterPolicy = { deadLetterTopic: under.raw.topic("failed"), maxDeliveryAttempts: 5 };
    await under.raw.subscribe("flights", "flights.dead", { enableMessageOrdering: true, deadLetterPolicy });
    await send(numbers(3), "k");
    let failures = 0;
    const handle = (value: string): void => {
      if (value !== "0") return;
      failures += 1;
      throw new Error("never");
    };
    for (let round = 0; round < 5; round += 1) {
      const { run } = member("dead", handle, { retry: { maxAttempts: 1 }, onFailure: "stop" });
      await expect(run).rejects.toMatchObject({ code: "handler-failed" });
    }
    const { values } = member("dead", handle, { retry: { maxAttempts: 1 }, onFailure: "stop" });
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(["1", "2"]);
    expect(failures).toBe(5);
  },
);

test.concurrent(
  "credentials that are refused once on a stream are tried once more; refused twice, they end the member",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const { member, send } = under;
    const { values, run } = member("refused");
    await send(["0"], "k");
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(["0"]);
    await under.emulator.endStreams("flights", 16);
    await send(["1"], "k");
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(["0", "1"]);
    under.emulator.answerWith({ method: "StreamingPull", code: 16, times: 2, topic: "flights" });
    await under.emulator.endStreams("flights", 14);
    await expect(run).rejects.toMatchObject({ code: "unauthenticated" });
  },
);

test.concurrent(
  "a bookmark on a backlog that is too old for one is refused with the reason, and closing succeeds",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const { send } = under;
    await send(numbers(3), "k");
    under.emulator.advance((7 * 24 - 0.5) * 3_600_000);
    const reader = flights(under.connection).reader();
    await reader[Symbol.asyncIterator]().next();
    await expect(reader.bookmark()).rejects.toMatchObject({
      code: "position-out-of-range",
      message: expect.stringContaining("older than 6 days and 23 hours") as string,
    });
    await reader.close();
    const [left] = await under.raw.publisher.listTopicSubscriptions({ topic: under.raw.topic("flights") }, { retry: null });
    expect(left).toEqual([]);
  },
);

test.concurrent("a snapshot that fails for a moment is taken again", { timeout: 30_000 }, async ({ expect }) => {
  await using under = await world();
  const { send } = under;
  await send(numbers(3), "k");
  const reader = flights(under.connection).reader();
  await reader[Symbol.asyncIterator]().next();
  under.emulator.answerWith({ method: "CreateSnapshot", code: 13, times: 2 });
  const bookmark = await reader.bookmark();
  await reader.close();
  expect(await valuesOf(flights(under.connection).reader({ from: { bookmark }, until: "now" }))).toEqual(["1", "2"]);
});

test.concurrent(
  "a handler that outlasts the ack deadline is not run twice at once, and what it handled comes once",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const { member, send } = under;
    await send(numbers(3), "k");
    let running = 0;
    let most = 0;
    const { values } = member("long", async (value) => {
      most = Math.max(most, (running += 1));
      if (value === "0") {
        for (let count = 0; count < 5; count += 1) {
          under.emulator.advance(70_000);
          await delay(100);
        }
      }
      running -= 1;
    });
    await expect.poll(() => values.length, { timeout: 10_000 }).toBe(3);
    await delay(300);
    expect(values).toEqual(numbers(3));
    expect(most).toBe(1);
  },
);

test.concurrent("a stream that is cut again and again loses nothing and keeps the order", { timeout: 60_000 }, async ({ expect }) => {
  await using under = await world();
  const { member, send, asTimePasses } = under;
  const { values } = member("cut-often");
  for (let round = 0; round < 8; round += 1) {
    await send(numbers(50, round * 50), "k");
    await delay(200);
    await under.emulator.endStreams("flights", 14);
  }
  await asTimePasses(() => new Set(values).size === 400);
  const first = [...new Set(values)];
  expect(first).toEqual(numbers(400));
});

test.concurrent(
  "on an exactly-once subscription the late result of a former holder does not count",
  { timeout: 30_000 },
  async ({ expect }) => {
    await using under = await world();
    const { member, send } = under;
    await under.raw.subscribe("flights", "flights.fenced", { enableMessageOrdering: true, enableExactlyOnceDelivery: true });
    await send(["0"], "k");
    const started = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const former = member("fenced", () => {
      started.resolve();
      return released.promise;
    });
    await started.promise;
    await under.emulator.endStreams("flights", 14);
    // Another one gets it while the former still works.
    under.emulator.answerWith({ method: "StreamingPull", code: 14, times: 20, topic: "flights" });
    under.emulator.advance(61_000);
    const [taken] = await under.raw.pull(under.raw.subscription("flights.fenced"));
    expect(taken?.value).toBe("0");
    released.resolve();
    await expect.poll(() => former.values, { timeout: 10_000 }).toEqual(["0"]);
    await delay(300);
    await former.close();
    under.emulator.advance(61_000);
    // The holder has not acknowledged it.
    await expect
      .poll(async () => (await under.raw.pull(under.raw.subscription("flights.fenced"))).map(({ value }) => value))
      .toEqual(["0"]);
  },
);

test.concurrent(
  "a reader whose application is slow reads to the end, and not only what the window of its stream holds",
  { timeout: 60_000 },
  async ({ expect }) => {
    await using under = await world();
    const { send } = under;
    await send(numbers(6_000), "k");
    const values: string[] = [];
    for await (const { value } of flights(under.connection).reader({ until: "now" })) {
      values.push(value);
      if (values.length === 1) await delay(1_000);
    }
    expect(values).toEqual(numbers(6_000));
  },
);

// These listen on a channel of the whole process: one after the other, when the others have ended.

test(
  "a member that may not look at its subscription consumes, says so, and is told by the stream whether keys keep their order",
  { timeout: 30_000 },
  async () => {
    await using under = await world();
    const { member, send } = under;
    const warnings: string[] = [];
    const heard = ({ text: said }: { readonly text: string }): void => void warnings.push(said);
    subscribe("streamport:warning", heard as never);
    under.emulator.answerWith({ method: "GetSubscription", code: 7, times: 1_000 });
    await under.raw.subscribe("flights", "flights.ordered");
    await under.raw.subscribe("flights", "flights.disordered", { enableMessageOrdering: false });
    await send(numbers(5), "k");
    const { values } = member("ordered");
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(numbers(5));
    const disordered = member("disordered");
    await expect(disordered.run).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("order of keys") as string });
    expect(disordered.values).toEqual([]);
    unsubscribe("streamport:warning", heard as never);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain("pubsub.subscriptions.get is not permitted");
  },
);

test(
  "on an exactly-once subscription what comes behind a message that is not leased for certain waits for it, and another key does not",
  { timeout: 60_000 },
  async () => {
    await using under = await world();
    const { member, send, asTimePasses } = under;
    await under.raw.subscribe("flights", "flights.behind", { enableMessageOrdering: true, enableExactlyOnceDelivery: true });
    under.emulator.answerWith({ method: "ModifyAckDeadline", ackFailure: "PERMANENT_FAILURE_INVALID_ACK_ID", times: 1, topic: "flights" });
    let confirmed = 0;
    const heard = ({ operation }: { readonly operation: string }): void => void (confirmed += operation === "ModifyAckDeadline" ? 1 : 0);
    subscribe("streamport:call", heard as never);
    const { values } = member("behind");
    await send(["0"], "k");
    await expect.poll(() => confirmed, { timeout: 10_000 }).toBe(1);
    unsubscribe("streamport:call", heard as never);
    await send(["1", "2"], "k");
    await send(["other"], "another");
    await expect.poll(() => values, { timeout: 10_000 }).toContain("other");
    await delay(300);
    expect(values).toEqual(["other"]);
    await asTimePasses(() => values.length === 4);
    expect(values).toEqual(["other", "0", "1", "2"]);
  },
);

test(
  "everything that a member has received is leased while it waits for a handler, and for a minute at most",
  { timeout: 60_000 },
  async () => {
    await using under = await world();
    const { member, send } = under;
    const extended: number[] = [];
    const heard = ({ operation, messages = 0 }: { readonly operation: string; readonly messages?: number }): void => {
      if (operation === "ModifyAckDeadline") extended.push(messages);
    };
    subscribe("streamport:call", heard as never);
    await send(numbers(5), "k");
    const released = Promise.withResolvers<void>();
    const { values } = member("waiting", () => released.promise, { sessionTimeoutMs: 300_000, handlerTimeoutMs: 600_000 });
    await expect.poll(() => extended, { timeout: 10_000 }).toEqual([5]);
    unsubscribe("streamport:call", heard as never);
    expect(values).toEqual([]);
    // Its stream is gone: another member gets them when a minute has passed.
    under.emulator.answerWith({ method: "StreamingPull", code: 14, times: 1_000, topic: "flights" });
    await under.emulator.endStreams("flights", 14);
    expect(await under.raw.pull(under.raw.subscription("flights.waiting"))).toEqual([]);
    under.emulator.advance(61_000);
    const taken = await under.raw.pull(under.raw.subscription("flights.waiting"));
    expect(taken.map(({ value }) => value)).toEqual(numbers(5));
    released.resolve();
  },
);

test.each(["earliest", "latest"] as const)(
  "a new subscription that cannot be found everywhere yet is waited for: %s",
  { timeout: 30_000 },
  async (initialPosition) => {
    await using hiding = await harness({ visibilityDelayMs: 900 });
    const requests: string[] = [];
    const heard = ({ operation }: { readonly operation: string }): void => void requests.push(operation);
    subscribe("streamport:call", heard as never);
    if (initialPosition === "earliest") await sendTo(hiding.connection, ["0"], "k");
    const { values, run, close } = consume(hiding.connection, "hidden", undefined, { initialPosition });
    await delay(1_300);
    await sendTo(hiding.connection, ["1"], "k");
    await expect.poll(() => values.at(-1), { timeout: 10_000 }).toBe("1");
    await close();
    await run;
    unsubscribe("streamport:call", heard as never);
    expect(values).toEqual(initialPosition === "earliest" ? ["0", "1"] : ["1"]);
    expect(requests.filter((operation) => operation === "CreateSubscription")).toHaveLength(1);
    expect(await valuesOf(flights(hiding.connection).reader({ until: "now" }))).toContain("1");
  },
);
