import { afterEach, describe, expect, test } from "vitest";
import type { FetchCursor, FetchHandler } from "../../../../../adapters/kafka/fetch/fetch-cursor.ts";
import { MetadataBound } from "../../../../../adapters/kafka/group/metadata-bound.ts";
import { PartitionFetcher } from "../../../../../adapters/kafka/fetch/partition-fetcher.ts";
import { placeFrom } from "../../../../../adapters/kafka/fetch/read-epochs.ts";
import { TopicDirectory } from "../../../../../adapters/kafka/topic-directory.ts";
import type { Report } from "../../../../../src/driver/index.ts";
import { FetchedLog } from "../fetched-log.ts";
import { sealed } from "../sealed.ts";

const silent: Report = Object.assign(() => undefined, { wants: () => false });

/** A fetcher on a log, and the calls of its handlers, by partition. */
class Fetching {
  readonly log: FetchedLog;
  readonly received: string[][];
  /** Deliveries wait for this promise, if it is set. */
  room: Promise<void> = Promise.resolve();
  /** Does a handler continue after unreadable offsets? */
  goesOn = true;
  readonly reasons: string[] = [];
  failure: unknown;
  #fetcher: PartitionFetcher | undefined;
  readonly #cursors = new Map<number, FetchCursor>();
  readonly #closing = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(log: FetchedLog) {
    this.log = log;
    this.received = log.leaders.map(() => []);
  }

  async start(): Promise<void> {
    const { client } = this.log;
    const directory = new TopicDirectory(client);
    const service = {
      client,
      directory,
      report: silent,
      metadataBound: new MetadataBound(),
      compression: "none",
      idempotent: false,
    } as const;
    const { signal } = this.#closing;
    const fetcher = new PartitionFetcher(service, client, await directory.fetch("orders", signal));
    this.#fetcher = fetcher;
    for (const partition of this.log.leaders.keys()) this.add(partition, 0n);
    this.#running = fetcher.run(signal, false).catch((error: unknown) => {
      this.failure = error;
    });
  }

  add(partition: number, offset: bigint): void {
    this.#cursors.set(partition, this.#fetcher!.add(partition, placeFrom(offset), this.#handler(partition)));
  }

  remove(partition: number): void {
    this.#fetcher!.remove(this.#cursors.get(partition)!);
  }

  #handler(partition: number): FetchHandler {
    const received = this.received[partition]!;
    return {
      deliver: async (records) => {
        received.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
        await this.room;
        return true;
      },
      advanced: (through) => received.push(`through ${through}`) > 0,
      caughtUp: () => true,
      gap: async ({ resumesAt }) => received.push(`gap to ${resumesAt}`) > 0,
      unreadable: async ({ first, last, reason }) => {
        received.push(`unreadable ${first} to ${last}`);
        this.reasons.push(reason);
        return this.goesOn;
      },
    };
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("closed"));
    await this.#running;
  }
}

/** Waits longer than usual, because the machine may be busy. Comparisons use counts instead of times. */
const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 20_000, interval: 5 });

const CONTROL = 0x20;
const control = (batch: Buffer): void => {
  batch.writeInt16BE(CONTROL, 21);
  sealed(batch);
};
/** Changes a stored batch, so that its checksum does not match. */
const damage = (batch: Buffer): void => void (batch[batch.length - 3]! ^= 0x10);

describe("a fetcher", () => {
  let fetching: Fetching;

  afterEach(() => fetching.close());

  test("reports unreadable offsets after all earlier records, which may wait for room", async () => {
    const log = new FetchedLog([1, 1]);
    fetching = new Fetching(log);
    await log.store(0, ["a", "b"]);
    await log.store(0, ["marker"], control);
    await log.store(0, ["bad"], damage);
    const { promise: room, resolve } = Promise.withResolvers<void>();
    fetching.room = room;
    await fetching.start();
    await eventually(() => log.asked[0]).toBe(1);
    // Only the delivery delays the report.
    await eventually(() => log.asked[1]).toBeGreaterThan(10);
    expect(fetching.received[0]).toEqual(["a", "b"]);
    resolve();
    await eventually(() => fetching.received[0]).toEqual(["a", "b", "through 2", "unreadable 3 to 3"]);
    expect(fetching.reasons).toEqual([expect.stringMatching(/offset 3 of partition "0".*checksum/)]);
    expect(fetching.failure).toBeUndefined();
  });

  test("fetches an unreadable batch once more: if it was damaged on its way, it is sound then", async () => {
    const log = new FetchedLog([1]);
    fetching = new Fetching(log);
    await log.store(0, ["a"]);
    await log.store(0, ["b"], damage, 1);
    await log.store(0, ["c"]);
    await fetching.start();
    await eventually(() => fetching.received[0]).toEqual(["a", "b", "c"]);
    expect(log.asked[0]).toBeGreaterThan(1);
  });

  test("reports an unreadable batch once, with its first and last offset, and continues after it", async () => {
    const log = new FetchedLog([1, 1]);
    fetching = new Fetching(log);
    await log.store(0, ["a"]);
    await log.store(0, ["b", "c", "d"], damage);
    await log.store(0, ["e"]);
    await log.store(1, ["other"]);
    await fetching.start();
    await eventually(() => fetching.received).toEqual([["a", "unreadable 1 to 3", "e"], ["other"]]);
    expect(fetching.reasons).toEqual([expect.stringMatching(/offsets 1 to 3 of partition "0"/)]);
    await log.store(0, ["f"]);
    await eventually(() => fetching.received[0]).toEqual(["a", "unreadable 1 to 3", "e", "f"]);
    expect(fetching.failure).toBeUndefined();
  });

  test("ends only the partition whose handler wants no more", async () => {
    const log = new FetchedLog([1, 1]);
    fetching = new Fetching(log);
    fetching.goesOn = false;
    await log.store(0, ["bad"], damage);
    await fetching.start();
    await eventually(() => fetching.received[0]).toEqual(["unreadable 0 to 0"]);
    await Promise.all([log.store(0, ["behind"]), log.store(1, ["later"])]);
    await eventually(() => fetching.received[1]).toEqual(["later"]);
    expect(fetching.received[0]).toEqual(["unreadable 0 to 0"]);
    expect(log.asked[0]).toBe(2);
    expect(fetching.failure).toBeUndefined();
  });

  test.each([
    ["reports that it cannot read its own log", true],
    ["returns none of the records that it has", false],
  ])("asks offset after offset where the server %s, and gives up none that it can read", async (_what, says) => {
    const log = new FetchedLog([1, 1]);
    fetching = new Fetching(log);
    await log.store(0, ["a"]);
    await log.store(0, ["b", "c", "d"]);
    await log.store(0, ["e"]);
    log.corruptOffsets = [1n, 3n];
    log.saysCorrupt = says;
    await log.store(1, ["other"]);
    await fetching.start();
    await eventually(() => fetching.received).toEqual([["a", "unreadable 1 to 3", "e"], ["other"]]);
    expect(fetching.failure).toBeUndefined();
  });

  test("leaves what retention deletes during the search for the end of the damage to the gap that it reports next", async () => {
    const log = new FetchedLog([1]);
    fetching = new Fetching(log);
    await log.store(0, ["a"]);
    await log.store(0, ["b", "c", "d"]);
    await log.store(0, ["e"]);
    log.corruptOffsets = [1n, 3n];
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    log.offsetsGate = gate;
    await fetching.start();
    await eventually(() => log.asked[0]).toBeGreaterThan(2);
    log.corruptOffsets = null;
    log.firstOffsets[0] = 4n;
    resolve();
    await eventually(() => fetching.received[0]).toEqual(["a", "unreadable 1 to 1", "gap to 4", "e"]);
    expect(fetching.failure).toBeUndefined();
  });

  test("searches for the end of the damage at the leader of the moment", async () => {
    const log = new FetchedLog([1]);
    fetching = new Fetching(log);
    await log.store(0, ["a"]);
    await log.store(0, ["b", "c", "d"]);
    await log.store(0, ["e"]);
    log.corruptOffsets = [1n, 3n];
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    log.offsetsGate = gate;
    await fetching.start();
    await eventually(() => log.asked[0]).toBeGreaterThan(2);
    log.leaders = [2];
    resolve();
    await eventually(() => fetching.received[0]).toEqual(["a", "unreadable 1 to 3", "e"]);
    expect(fetching.failure).toBeUndefined();
  });

  test("waits while a server returns none of its records for a short time", async () => {
    const log = new FetchedLog([1]);
    fetching = new Fetching(log);
    await log.store(0, ["a"]);
    await log.store(0, ["b"]);
    log.corruptOffsets = [0n, 0n];
    log.saysCorrupt = false;
    await fetching.start();
    await eventually(() => log.asked[0]).toBe(4);
    log.corruptOffsets = null;
    await eventually(() => fetching.received[0]).toEqual(["a", "b"]);
  });

  test("continues if the server has the offset but no longer knows the epochs of its leaders", async () => {
    const log = new FetchedLog([1]);
    fetching = new Fetching(log);
    await log.store(0, ["a"], (batch) => void batch.writeInt32BE(3, 12));
    await fetching.start();
    await eventually(() => fetching.received[0]).toEqual(["a"]);
    log.knowsNoEpochs = true;
    await log.store(0, ["b"]);
    await eventually(() => fetching.received[0]).toEqual(["a", "b"]);
    expect(fetching.failure).toBeUndefined();
  });

  test.each([
    ["that is not available", 78],
    ["with a bad disk", 56],
    ["of which the broker does not know", 3],
  ])("waits with a partition %s, and continues with the others of the same broker", async (_what, code) => {
    const log = new FetchedLog([1, 1]);
    fetching = new Fetching(log);
    log.codes[0] = code;
    await fetching.start();
    await eventually(() => log.asked[0]).toBe(5);
    // By now the partition is fetched about once a second, and the other one every 50 ms.
    const before = log.asked[1]!;
    await eventually(() => log.asked[1]).toBeGreaterThan(before + 9);
    expect(log.asked[0]).toBeLessThan(10);
    await Promise.all([log.store(0, ["a"]), log.store(1, ["b"])]);
    await eventually(() => fetching.received[1]).toEqual(["b"]);
    log.codes[0] = 0;
    await eventually(() => fetching.received[0]).toEqual(["a"]);
    expect(fetching.failure).toBeUndefined();
  });

  test("fetches a moved partition from its new leader, and the others from the old one", async () => {
    const log = new FetchedLog([1, 1, 1]);
    fetching = new Fetching(log);
    await fetching.start();
    log.leaders = [2, 1, 2];
    await Promise.all([log.store(0, ["a"]), log.store(1, ["b"]), log.store(2, ["c"])]);
    await eventually(() => fetching.received).toEqual([["a"], ["b"], ["c"]]);
    // One or two look-ups found both leaders.
    expect(log.looks).toBeLessThan(4);
  });

  test("does not delay other partitions while it looks up the retention gap of one", async () => {
    const log = new FetchedLog([1, 1]);
    fetching = new Fetching(log);
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    log.offsetsGate = gate;
    await log.store(0, ["gone", "first"]);
    log.firstOffsets[0] = 1n;
    await fetching.start();
    await eventually(() => log.asked[0]).toBe(1);
    await log.store(1, ["b"]);
    await eventually(() => fetching.received[1]).toEqual(["b"]);
    resolve();
    await eventually(() => fetching.received[0]).toEqual(["gap to 1", "first"]);
  });

  test("ends with an error that cannot be retried", async () => {
    const log = new FetchedLog([1, 1]);
    fetching = new Fetching(log);
    await log.store(0, ["a"]);
    await fetching.start();
    await eventually(() => fetching.received[0]).toEqual(["a"]);
    log.codes[0] = 29;
    await eventually(() => fetching.failure).toMatchObject({ code: "permission-denied", topic: "orders", partition: "0" });
  });

  test("ends when the topic was deleted and created again", async () => {
    const log = new FetchedLog([1, 1]);
    fetching = new Fetching(log);
    await fetching.start();
    log.topicId = "b".repeat(32);
    log.codes[0] = 100;
    await eventually(() => fetching.failure).toMatchObject({ code: "not-found" });
  });

  test("reports no unreadable offsets after the partition was removed", async () => {
    const log = new FetchedLog([1, 1]);
    fetching = new Fetching(log);
    await log.store(0, ["a"]);
    await log.store(0, ["bad"], damage);
    const { promise: room, resolve } = Promise.withResolvers<void>();
    fetching.room = room;
    await fetching.start();
    await eventually(() => log.asked[1]).toBeGreaterThan(10);
    fetching.remove(0);
    resolve();
    await log.store(1, ["later"]);
    await eventually(() => fetching.received[1]).toEqual(["later"]);
    expect(fetching.received[0]).toEqual(["a"]);
    expect(fetching.failure).toBeUndefined();
  });
});
