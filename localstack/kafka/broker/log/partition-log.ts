import { Damage } from "./damage.ts";
import { LeaderEpochs } from "./leader-epochs.ts";
import { PartitionTransactions } from "./partition-transactions.ts";
import { ProducerStates } from "./producer-states.ts";
import { RecordBatch } from "./record-batch.ts";
import { RecordCursor } from "./record-cursor.ts";
import { Segment, type StoredBatch } from "./segment.ts";

/** The bounds of a segment. */
export interface SegmentLimits {
  readonly segmentBytes: number;
  readonly segmentMs: number;
}

/** The part of a partition that a fetch gets. */
export interface LogSlice {
  readonly pieces: readonly Buffer[];
  readonly byteLength: number;
}

const COMMIT = 1;
export const NOTHING: LogSlice = { pieces: [], byteLength: 0 };

/** The log of one partition, in memory. All replicas share it, so a record that is stored is stored on all of them. */
export class PartitionLog {
  #producers = new ProducerStates();
  #transactions = new PartitionTransactions();
  readonly epochs = new LeaderEpochs();
  readonly damage = new Damage();
  #segments: Segment[];
  #startOffset = 0n;
  #endOffset = 0n;
  /** Records before this offset have been compacted. */
  cleanedUpTo = 0n;

  constructor(nowMs: number) {
    this.#segments = [new Segment(0n, nowMs)];
  }

  get producers(): ProducerStates {
    return this.#producers;
  }

  get transactions(): PartitionTransactions {
    return this.#transactions;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get startOffset(): bigint {
    return this.#startOffset;
  }

  /** Offset of the next record. It is also the high watermark. */
  get endOffset(): bigint {
    return this.#endOffset;
  }

  /**
   * The last stable offset: no record before it belongs to an open transaction. If the first record of an open transaction is deleted,
   * it is the base offset of the first batch that is left.
   */
  get lastStableOffset(): bigint {
    const undecided = this.transactions.firstUndecided ?? this.#endOffset;
    if (undecided >= this.#startOffset) return undecided;
    const [first] = this.batchesFrom(this.#startOffset);
    return first?.baseOffset ?? this.#endOffset;
  }

  get byteLength(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.byteLength, 0);
  }

  /** Gives the batch its offsets, in place, and stores a copy of it. */
  append(batch: RecordBatch, leaderEpoch: number, limits: SegmentLimits, nowMs: number): StoredBatch {
    batch.baseOffset = this.#endOffset;
    batch.leaderEpoch = leaderEpoch;
    this.epochs.begin(leaderEpoch, this.#endOffset);
    let active = this.#segments.at(-1)!;
    const isFull = active.byteLength + batch.byteLength > limits.segmentBytes || active.ageMs(batch.maxTimestampMs) > limits.segmentMs;
    if (isFull && active.batches.length > 0) active = this.roll(nowMs);
    const stored = active.append(batch);
    this.#endOffset = stored.lastOffset + 1n;
    return stored;
  }

  /** Begins a new segment. */
  roll(nowMs: number): Segment {
    const segment = new Segment(this.#endOffset, nowMs);
    this.#segments.push(segment);
    return segment;
  }

  /**
   * Whole batches from the one that holds the offset on, before `limit`.
   * @param atLeastOne includes the first batch even if it is larger than `maxBytes`
   */
  read(offset: bigint, limit: bigint, maxBytes: number, atLeastOne: boolean): LogSlice {
    if (offset >= limit) return NOTHING;
    const pieces: Buffer[] = [];
    let byteLength = 0;
    let run: { readonly chunk: Buffer; readonly begin: number; end: number } | null = null;
    for (const batch of this.batchesFrom(offset)) {
      if (batch.baseOffset >= limit) break;
      if (byteLength + batch.byteLength > maxBytes && (byteLength > 0 || !atLeastOne)) break;
      byteLength += batch.byteLength;
      const damaged = this.damage.isEmpty ? null : this.damage.take(batch);
      if (damaged !== null) {
        if (run !== null) pieces.push(run.chunk.subarray(run.begin, run.end));
        run = null;
        pieces.push(damaged);
      } else if (run !== null && run.chunk === batch.chunk && run.end === batch.at) run.end += batch.byteLength;
      else {
        if (run !== null) pieces.push(run.chunk.subarray(run.begin, run.end));
        run = { chunk: batch.chunk, begin: batch.at, end: batch.at + batch.byteLength };
      }
    }
    if (run !== null) pieces.push(run.chunk.subarray(run.begin, run.end));
    return { pieces, byteLength };
  }

  /** The batch that holds the offset, and the later ones. */
  *batchesFrom(offset: bigint): Generator<StoredBatch> {
    let first = this.#segments.length - 1;
    while (first > 0 && this.#segments[first]!.baseOffset > offset) first -= 1;
    for (let index = first; index < this.#segments.length; index += 1) {
      const { batches } = this.#segments[index]!;
      for (let at = index === first ? this.#segments[index]!.indexOf(offset) : 0; at < batches.length; at += 1) yield batches[at]!;
    }
  }

  /** Deletes the records before the offset. The memory of a segment is released when all its records are deleted. */
  deleteBefore(offset: bigint): void {
    if (offset <= this.#startOffset) return;
    this.#startOffset = offset;
    while (this.#segments.length > 1 && this.#segments[1]!.baseOffset <= offset) this.#segments.shift();
    this.transactions.forgetBefore(offset);
    this.epochs.deleteBefore(offset);
  }

  /**
   * Removes the batch that holds the offset and all later ones, as when a replica that lagged becomes the leader. The state of
   * producers and transactions is rebuilt from the batches that are left.
   */
  truncate(offset: bigint): void {
    const lost = this.#segments.flatMap(({ batches }) => batches).find(({ lastOffset }) => lastOffset >= offset);
    if (lost === undefined) return;
    this.#endOffset = lost.baseOffset;
    if (this.#startOffset > this.#endOffset) this.#startOffset = this.#endOffset;
    this.#segments = this.#segments.filter(({ baseOffset }, index) => index === 0 || baseOffset <= this.#endOffset);
    this.#segments.at(-1)!.truncate(this.#endOffset);
    this.cleanedUpTo = this.cleanedUpTo < this.#endOffset ? this.cleanedUpTo : this.#endOffset;
    this.epochs.truncate(this.#endOffset);
    this.damage.forgetFrom(this.#endOffset);
    this.#producers = new ProducerStates();
    this.#transactions = new PartitionTransactions();
    for (const stored of this.batchesFrom(this.#startOffset)) this.#remember(batchOf(stored));
  }

  #remember(batch: RecordBatch): void {
    const { producerId, producerEpoch, baseOffset } = batch;
    if (producerId < 0n) return;
    if (batch.isControl) {
      this.#transactions.ended(producerId, isCommitMarker(batch), baseOffset);
      this.#producers.marked(producerId, producerEpoch);
      return;
    }
    this.#producers.wrote(batch);
    if (batch.isTransactional) this.#transactions.wrote(producerId, baseOffset);
  }

  /** Replaces segments by their compacted form. */
  replaceSegments(segments: readonly Segment[]): void {
    this.#segments = [...segments];
  }
}

/** The type is the last byte of the key of the marker's only record. */
function isCommitMarker({ payload }: RecordBatch): boolean {
  const marker = new RecordCursor(payload);
  marker.next();
  return marker.key?.at(-1) === COMMIT;
}

export function batchOf({ chunk, at }: StoredBatch): RecordBatch {
  return new RecordBatch(chunk, at);
}
