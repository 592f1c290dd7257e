import { describe, expect, test } from "vitest";
import { ErrorNumber } from "../../../../../adapters/kafka/client/error-codes.ts";
import { EARLIEST, type FetchedPartition, type KafkaClient } from "../../../../../adapters/kafka/client/kafka-client.ts";
import { OffsetLookup } from "../../../../../adapters/kafka/fetch/offset-lookup.ts";
import type { Place } from "../../../../../src/driver/index.ts";
import { batchHeader, fetchedBatches } from "../batch-headers.ts";

const { signal } = new AbortController();
const NONE = -1n;
const FIRST_TIME = 1_000n;

/** The offsets 0 to 9, one record in each batch. The record at offset n was stored at 1,000 + 10 n. */
class Log {
  readonly fetches: bigint[] = [];
  readonly asked: bigint[] = [];
  first = 0n;
  end = 10n;
  /** The server does not find a time after this. */
  searchedUntil = 2_000n;
  /** What a fetch from this offset on answers instead of the batches. */
  unreadableFrom = 100n;
  unreadable: FetchedPartition = fetchedBatches(0, Buffer.alloc(0));

  async resolve(timestampMs: number): Promise<bigint> {
    return this.resolvePlace({ kind: "timestamp", timestampMs });
  }

  async resolvePlace(place: Place): Promise<bigint> {
    const topic = {
      topic: "orders",
      topicId: null,
      identity: { cluster: "c", topic: "orders", incarnation: "i" },
      partitions: [0],
      clusterId: "c",
      leaderOf: () => 1,
    };
    return (await new OffsetLookup(this.#client).resolve(topic, new Map([[0, place]]), signal)).get(0)!;
  }

  get #client(): KafkaClient {
    const calls: Partial<KafkaClient> = {
      listOffsets: async (_broker, { partitions }) =>
        partitions.map(({ partition, timestamp }) => {
          if (timestamp >= 0n) this.asked.push(timestamp);
          const offset = timestamp === EARLIEST ? this.first : timestamp < 0n ? this.end : this.#offsetOf(timestamp);
          return { partition, errorCode: 0, offset, timestamp: -1n, leaderEpoch: -1 };
        }),
      fetch: async (_broker, { partitions: [asked] }) => {
        const { fetchOffset } = asked!;
        this.fetches.push(fetchOffset);
        if (fetchOffset >= this.unreadableFrom) return [this.unreadable];
        const batches: Buffer[] = [];
        for (let offset = fetchOffset; offset < this.end && offset < this.unreadableFrom; offset += 1n)
          batches.push(batchHeader(offset, FIRST_TIME + 10n * offset));
        return [fetchedBatches(0, Buffer.concat(batches))];
      },
    };
    return calls as KafkaClient;
  }

  #offsetOf(time: bigint): bigint {
    if (time > this.searchedUntil) return NONE;
    const offset = time <= FIRST_TIME ? 0n : (time - FIRST_TIME + 9n) / 10n;
    return offset < this.end ? offset : NONE;
  }
}

describe("the offset of a time", () => {
  test("that the server finds: nothing else is asked", async () => {
    const log = new Log();
    expect(await log.resolve(1_025)).toBe(3n);
    expect([log.asked, log.fetches]).toEqual([[1_025n], []]);
  });

  test("after the last record: the end, and one request checks the last batch", async () => {
    const log = new Log();
    expect(await log.resolve(1_091)).toBe(10n);
    expect([log.asked, log.fetches]).toEqual([[1_091n], [9n]]);
  });

  test("in an empty log: the end, without a request", async () => {
    const log = new Log();
    log.first = log.end;
    expect(await log.resolve(1_091)).toBe(10n);
    expect(log.fetches).toEqual([]);
  });

  test("that the server does not find, although the last batch is later: it is found by the headers", async () => {
    const log = new Log();
    log.searchedUntil = 1_020n;
    expect(await log.resolve(1_065)).toBe(7n);
    expect(log.fetches[0]).toBe(9n);
  });

  test.each<[string, FetchedPartition]>([
    ["sends nothing", fetchedBatches(0, Buffer.alloc(0))],
    ["answers CORRUPT_MESSAGE", fetchedBatches(0, Buffer.alloc(0), ErrorNumber.CORRUPT_MESSAGE)],
  ])("that the server does not find, and it %s for the end of the log: what is unreadable is reported", async (_, unreadable) => {
    const log = new Log();
    log.searchedUntil = 1_020n;
    Object.assign(log, { unreadable, unreadableFrom: 3n });
    expect(await log.resolve(1_065)).toBe(3n);
  });

  test("in a log that became shorter meanwhile: the look-up is retried", async () => {
    const log = new Log();
    Object.assign(log, { unreadableFrom: 9n, unreadable: fetchedBatches(0, Buffer.alloc(0), ErrorNumber.OFFSET_OUT_OF_RANGE) });
    await expect(log.resolve(1_091)).rejects.toMatchObject({ code: "position-out-of-range", retryable: true });
  });
});

test("a mark, which only another provider makes, is refused before any request", async () => {
  const log = new Log();
  await expect(log.resolvePlace({ kind: "mark", name: "snapshot" })).rejects.toMatchObject({ code: "invalid-argument", provider: "kafka" });
  expect(log.asked).toEqual([]);
});
