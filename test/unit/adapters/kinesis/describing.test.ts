import { PutRecordsCommand, UpdateStreamModeCommand, UpdateStreamRecordDistributionStrategyCommand } from "@aws-sdk/client-kinesis";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { performance } from "node:perf_hooks";
import { afterEach, expect, test, vi } from "vitest";
import type { CallEvent } from "../../../../src/index.ts";
import { aggregateOf } from "./aggregate-of.ts";
import { WAIT, keyed, member, stored } from "../members.ts";
import { KinesisWorld } from "./kinesis-world.ts";

// An account may describe its streams twenty times a second, with all its processes.

afterEach(() => void vi.restoreAllMocks());

/** Counts the requests of one operation. */
class Requests implements Disposable {
  count = 0;
  readonly #startedMs = performance.now();
  readonly #note: (event: unknown) => void;

  constructor(operation: string) {
    this.#note = (event) => {
      if ((event as CallEvent).operation === operation) this.count += 1;
    };
    subscribe("streamport:call", this.#note);
  }

  /** How many seconds have begun. */
  get seconds(): number {
    return Math.ceil((performance.now() - this.#startedMs) / 1_000);
  }

  [Symbol.dispose](): void {
    unsubscribe("streamport:call", this.#note);
  }
}

test("a stream is described about once a second, however many shards, readers and members there are", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 40 } } });
  const connection = await world.connect({ pollMs: 1_000 });
  using described = new Requests("DescribeStreamSummary");
  const members = [member(connection, "orders"), member(connection, "orders", { group: "others" })];
  const values = Array.from({ length: 80 }, (_, key) => `key-${key} 0`);
  await keyed(connection, "orders")
    .producer()
    .sendBatch(values.map((value) => ({ value })));
  const read = await Promise.all(Array.from({ length: 4 }, async () => stored(connection, "orders")));
  for (const found of read) expect(found.toSorted()).toEqual(values.toSorted());
  for (const { values: handled } of members) await expect.poll(() => handled.toSorted(), WAIT).toEqual(values.toSorted());
  expect(described.count).toBeGreaterThan(0);
  expect(described.count).toBeLessThanOrEqual(described.seconds + 2);
});

test("a stream that ignores keys is described about once a second, however much is sent to it", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} } });
  const connection = await world.connect({ pollMs: 1_000 });
  const producer = keyed(connection, "orders").producer();
  await producer.send({ value: "a 0" });
  const { kinesis } = world.raw;
  const StreamARN = `arn:aws:kinesis:us-east-1:${world.emulator.accountId}:stream/orders`;
  const done = async (send: () => Promise<unknown>): Promise<boolean> =>
    send().then(
      () => true,
      () => false,
    );
  const mode = new UpdateStreamModeCommand({ StreamARN, StreamModeDetails: { StreamMode: "ON_DEMAND" } });
  await expect.poll(async () => done(() => kinesis.send(mode)), WAIT).toBe(true);
  const strategy = new UpdateStreamRecordDistributionStrategyCommand({ StreamARN, RecordDistributionStrategy: "AUTO" });
  await expect.poll(async () => done(() => kinesis.send(strategy)), WAIT).toBe(true);
  const now = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => now() + 31_000);
  const send = async (): Promise<boolean> => done(() => producer.send({ value: "a 1" }));
  await expect.poll(send, WAIT).toBe(false);
  using described = new Requests("DescribeStreamSummary");
  for (let round = 0; round < 50; round += 1) expect(await send()).toBe(false);
  expect(described.count).toBeLessThanOrEqual(described.seconds);
});

test("the range of a shard is asked for once, however many pages with aggregates come", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: {} }, pageRecords: 1 });
  const connection = await world.connect();
  const Records = Array.from({ length: 10 }, (_, number) => ({
    PartitionKey: "a",
    Data: aggregateOf([
      ["a", `a ${2 * number}`],
      ["a", `a ${2 * number + 1}`],
    ]),
  }));
  await world.raw.kinesis.send(new PutRecordsCommand({ StreamName: "orders", Records }));
  using listed = new Requests("ListShards");
  expect(await stored(connection, "orders")).toEqual(Array.from({ length: 20 }, (_, number) => `a ${number}`));
  // One more tells the reader which shards there are.
  expect(listed.count).toBeLessThanOrEqual(3);
});
