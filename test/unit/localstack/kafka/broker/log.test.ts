import { describe, expect, test } from "vitest";
import { clean } from "../../../../../localstack/kafka/broker/log/cleaner.ts";
import { compact } from "../../../../../localstack/kafka/broker/log/compaction.ts";
import { compress } from "../../../../../localstack/kafka/broker/log/compression.ts";
import { PartitionLog } from "../../../../../localstack/kafka/broker/log/partition-log.ts";
import { RecordBatch } from "../../../../../localstack/kafka/broker/log/record-batch.ts";
import { applyRetention } from "../../../../../localstack/kafka/broker/log/retention.ts";
import { firstRecordAt, recordWithMaxTimestamp } from "../../../../../localstack/kafka/broker/log/time-lookup.ts";
import { controlBatch } from "../../../../../localstack/kafka/broker/transactions/control-batch.ts";
import { type RecordContent, batch, valuesIn } from "../../../../kafka/comparison/batches.ts";

const LIMITS = { segmentBytes: 200, segmentMs: Infinity };
const NOW_MS = 1_000_000;

function append(log: PartitionLog, contents: readonly RecordContent[], timeMs = NOW_MS, codec = 0): void {
  const bytes = batch(contents, { attributes: codec, baseTimestamp: BigInt(timeMs) }, (payload) => compress(codec, payload));
  log.append(new RecordBatch(bytes), 0, LIMITS, timeMs);
}

/** All records that a reader gets, from an offset on. */
function read(log: PartitionLog, offset = log.startOffset): readonly string[] {
  return valuesIn(Buffer.concat(log.read(offset, log.endOffset, 1_000_000, true).pieces));
}

describe("retention", () => {
  test("by time: whole segments, the active one too", () => {
    const log = new PartitionLog(NOW_MS);
    for (let second = 0; second < 6; second += 1) append(log, [{ value: `v${second}` }], NOW_MS + second * 1_000);
    expect(log.segments.length).toBeGreaterThan(1);
    applyRetention(log, { retentionMs: 4_000, retentionBytes: -1 }, NOW_MS + 7_500);
    expect(log.startOffset).toBe(log.segments[0]!.baseOffset);
    expect(read(log).at(-1)).toBe("5 v5");
    expect(read(log)).not.toContain("0 v0");
    applyRetention(log, { retentionMs: 4_000, retentionBytes: -1 }, NOW_MS + 60_000);
    expect([log.startOffset, log.endOffset, log.byteLength]).toEqual([6n, 6n, 0]);
    append(log, [{ value: "next" }], NOW_MS + 60_000);
    expect(read(log)).toEqual(["6 next"]);
  });

  test("by time: one young record keeps its segment", () => {
    const log = new PartitionLog(NOW_MS);
    append(log, [{ value: "old" }], NOW_MS);
    append(log, [{ value: "young" }], NOW_MS + 10_000);
    applyRetention(log, { retentionMs: 4_000, retentionBytes: -1 }, NOW_MS + 11_000);
    expect(read(log)).toEqual(["0 old", "1 young"]);
  });

  test("by size: never less than the size to keep", () => {
    const log = new PartitionLog(NOW_MS);
    for (let index = 0; index < 20; index += 1) append(log, [{ value: `v${index}` }]);
    const { byteLength } = log;
    applyRetention(log, { retentionMs: -1, retentionBytes: byteLength / 2 }, NOW_MS);
    expect(log.byteLength).toBeGreaterThanOrEqual(byteLength / 2);
    expect(log.byteLength).toBeLessThan(byteLength / 2 + LIMITS.segmentBytes);
    expect(read(log)[0]).toBe(`${log.startOffset} v${log.startOffset}`);
  });
});

describe("reading", () => {
  test("in one piece if the batches lie together, from the batch with the offset, up to the limits", () => {
    const log = new PartitionLog(NOW_MS);
    for (let index = 0; index < 5; index += 1) append(log, [{ value: `a${index}` }, { value: `b${index}` }]);
    expect(read(log, 3n)[0]).toBe("2 a1");
    expect(log.read(0n, 4n, 1_000_000, true).pieces).toHaveLength(1);
    const { byteLength } = log.read(0n, 2n, 1_000_000, true);
    expect(log.read(0n, 10n, 1, true).byteLength).toBe(byteLength);
    expect(log.read(0n, 10n, 1, false).byteLength).toBe(0);
    expect(log.read(0n, 10n, byteLength * 2 + 1, true).byteLength).toBe(byteLength * 2);
    expect(log.read(10n, 10n, 1_000_000, true).byteLength).toBe(0);
  });

  test("records before a deletion are gone, and their memory with the segment", () => {
    const log = new PartitionLog(NOW_MS);
    for (let index = 0; index < 9; index += 1) append(log, [{ value: `v${index}` }]);
    const segments = log.segments.length;
    log.deleteBefore(7n);
    expect(log.startOffset).toBe(7n);
    expect(log.segments.length).toBeLessThan(segments);
    expect(firstRecordAt(log, 0, log.endOffset)?.offset).toBe(7n);
  });
});

describe("compaction", () => {
  const everything = (log: PartitionLog) => ({ upTo: log.endOffset, removesTombstone: () => true });

  test.each([0, 1, 2, 3, 4])("the newest of each key stays where it was, codec %i", (codec) => {
    const log = new PartitionLog(NOW_MS);
    append(
      log,
      [
        { key: "a", value: "1" },
        { key: "b", value: "1" },
        { key: "a", value: "2" },
      ],
      NOW_MS,
      codec,
    );
    append(
      log,
      [
        { key: "b", value: "2" },
        { key: "c", value: "1" },
      ],
      NOW_MS + 1,
      codec,
    );
    compact(log, everything(log));
    const kept = [...log.batchesFrom(0n)].map((stored) => [stored.baseOffset, stored.lastOffset]);
    expect(kept).toEqual([
      [0n, 2n],
      [3n, 4n],
    ]);
    expect(firstRecordAt(log, 0, log.endOffset)?.offset).toBe(2n);
    if (codec === 0) expect(read(log, 0n)).toEqual(["2 2", "3 2", "4 1"]);
    for (const { chunk, at } of log.batchesFrom(0n)) expect(new RecordBatch(chunk, at).isIntact).toBe(true);
  });

  test("tombstones go, and the end of the log stays reachable", () => {
    const log = new PartitionLog(NOW_MS);
    append(log, [{ key: "a", value: "1" }]);
    append(log, [{ key: "b", value: "1" }]);
    append(log, [{ key: "a", value: null }]);
    append(log, [{ key: "b", value: null }]);
    compact(log, everything(log));
    expect([log.startOffset, log.endOffset]).toEqual([0n, 4n]);
    expect(read(log, 0n)).toEqual([]);
    // An empty batch moves readers on to its offset.
    expect([...log.batchesFrom(0n)].map(({ lastOffset }) => lastOffset)).toEqual([3n]);
    expect([firstRecordAt(log, 0, log.endOffset), recordWithMaxTimestamp(log)]).toEqual([null, null]);
    append(log, [{ key: "a", value: "again" }]);
    expect(read(log, 0n)).toEqual(["4 again"]);
    compact(log, everything(log));
    expect(read(log, 0n)).toEqual(["4 again"]);
  });

  test("records of open transactions stay as they are, and supersede nothing", () => {
    const log = new PartitionLog(NOW_MS);
    append(log, [{ key: "a", value: "1" }]);
    append(log, [{ key: "a", value: "2" }]);
    append(log, [{ key: "a", value: "3" }]);
    compact(log, { upTo: 2n, removesTombstone: () => true });
    expect(read(log, 0n)).toEqual(["1 2", "2 3"]);
  });

  test("by itself: full segments only, when enough can be cleaned", () => {
    const log = new PartitionLog(NOW_MS);
    for (let index = 0; index < 12; index += 1) append(log, [{ key: "a", value: String(index) }], NOW_MS);
    const rules = { minCleanableDirtyRatio: 0.5, minCompactionLagMs: 1_000, deleteRetentionMs: 0 };
    clean(log, rules, NOW_MS + 500);
    expect(read(log, 0n)).toHaveLength(12);
    clean(log, rules, NOW_MS + 2_000);
    const active = log.segments.at(-1)!.batches.length;
    expect(read(log, 0n)).toHaveLength(active + 1);
    expect(read(log, 0n).at(-1)).toBe("11 11");
  });
});

describe("truncation", () => {
  const batchOf = (value: string, over: Parameters<typeof batch>[1]) =>
    new RecordBatch(batch([{ value }], { baseTimestamp: BigInt(NOW_MS), ...over }));

  test("removes the batch with the offset and all later ones; the next batches have their offsets", () => {
    const log = new PartitionLog(NOW_MS);
    append(log, [{ value: "a" }, { value: "b" }]);
    append(log, [{ value: "c" }, { value: "d" }]);
    for (const value of ["e", "f", "g"]) append(log, [{ value }]);
    expect(log.segments.length).toBeGreaterThan(1);
    log.truncate(9n);
    expect(log.endOffset).toBe(7n);
    const sentMeanwhile = Buffer.concat(log.read(0n, 7n, 1_000, true).pieces);
    log.truncate(3n);
    expect([log.endOffset, read(log), log.segments.length]).toEqual([2n, ["0 a", "1 b"], 1]);
    append(log, [{ value: "C" }]);
    expect(read(log)).toEqual(["0 a", "1 b", "2 C"]);
    log.truncate(0n);
    append(log, [{ value: "A" }]);
    expect(read(log)).toEqual(["0 A"]);
    expect(valuesIn(sentMeanwhile)).toEqual(["0 a", "1 b", "2 c", "3 d", "4 e", "5 f", "6 g"]);
  });

  test("leaves only the epochs of the remaining batches", () => {
    const log = new PartitionLog(NOW_MS);
    log.epochs.begin(0, 0n);
    append(log, [{ value: "a" }]);
    log.epochs.begin(2, 1n);
    log.append(batchOf("b", {}), 2, LIMITS, NOW_MS);
    log.append(batchOf("c", {}), 2, LIMITS, NOW_MS);
    log.epochs.begin(3, 3n);
    log.append(batchOf("d", {}), 3, LIMITS, NOW_MS);
    expect([0, 1, 2, 3, 4].map((epoch) => log.epochs.endOf(epoch, log.endOffset))).toEqual([
      { leaderEpoch: 0, endOffset: 1n },
      { leaderEpoch: 0, endOffset: 1n },
      { leaderEpoch: 2, endOffset: 3n },
      { leaderEpoch: 3, endOffset: 4n },
      null,
    ]);
    log.truncate(2n);
    log.epochs.begin(4, log.endOffset);
    expect([2, 3, 4].map((epoch) => log.epochs.endOf(epoch, log.endOffset))).toEqual([
      { leaderEpoch: 2, endOffset: 2n },
      { leaderEpoch: 2, endOffset: 2n },
      { leaderEpoch: 4, endOffset: 2n },
    ]);
    log.deleteBefore(2n);
    expect(log.epochs.endOf(0, log.endOffset)).toEqual({ leaderEpoch: 0, endOffset: 2n });
  });

  test("removes the state of sequences and transactions", () => {
    const log = new PartitionLog(NOW_MS);
    const producer = { producerId: 7n, producerEpoch: 0 };
    const store = (stored: RecordBatch): void => {
      log.append(stored, 0, LIMITS, NOW_MS);
      log.producers.wrote(stored);
      if (stored.isTransactional) log.transactions.wrote(stored.producerId, stored.baseOffset);
    };
    const mark = (isCommitted: boolean): void => {
      const { baseOffset } = log.append(controlBatch(7n, 0, isCommitted, NOW_MS), 0, LIMITS, NOW_MS);
      log.transactions.ended(7n, isCommitted, baseOffset);
      log.producers.marked(7n, 0);
    };
    const transactional = (value: string, baseSequence: number) => batchOf(value, { ...producer, baseSequence, attributes: 0x10 });
    store(transactional("a", 0));
    mark(false);
    store(transactional("b", 1));
    mark(true);
    store(transactional("c", 2));
    expect(log.lastStableOffset).toBe(4n);
    log.truncate(4n);
    expect([log.lastStableOffset, log.transactions.abortedBetween(0n, 4n).length]).toEqual([4n, 1]);
    expect(() => log.producers.check(transactional("d", 3))).toThrow(/does not follow/);
    expect(log.producers.check(transactional("c", 2))).toBe(null);
    log.truncate(3n);
    expect([log.lastStableOffset, log.producers.check(transactional("b", 1))]).toMatchObject([2n, { baseOffset: 2n }]);
    log.truncate(1n);
    expect([log.lastStableOffset, log.transactions.abortedBetween(0n, 4n)]).toEqual([0n, []]);
  });
});
