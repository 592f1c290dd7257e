import { Damage } from "./damage.ts";
import { LeaderEpochs } from "./leader-epochs.ts";
import { PartitionTransactions } from "./partition-transactions.ts";
import { ProducerStates } from "./producer-states.ts";
import { RecordBatch } from "./record-batch.ts";
import { RecordCursor } from "./record-cursor.ts";
import { Segment, type StoredBatch } from "./segment.ts";

/** When a segment is full. */
export interface SegmentLimits {
  readonly segmentBytes: number;
  readonly segmentMs: number;
}

/** What a fetch gets of a partition. */
export interface LogSlice {
  readonly pieces: readonly Buffer[];
  readonly byteLength: number;
}

const COMMIT = 1;
export const NOTHING: LogSlice = { pieces: [], byteLength: 0 };

/** The log of one partition, in memory. All replicas share it: what is stored is stored on all of them. */
export class PartitionLog {
  #producers = new ProducerStates();
  #transactions = new PartitionTransactions();
  readonly epochs = new LeaderEpochs();
  readonly damage = new Damage();
  #segments: Segment[];
  #startOffset = 0n;
  #endOffset = 0n;
  /** What lies before it has been compacted. */
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

  /** Of the next record. It is the high watermark, too. */
  get endOffset(): bigint {
    return this.#endOffset;
  }

  /**
   * What lies before it is decided: it was no transaction, or the transaction has ended, or it is there no more. Of what is not
   * there any more only whole batches count.
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
   * Whole batches from the one with the offset on, before `limit`.
   * @param atLeastOne the first batch also where it is larger than `maxBytes`
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

  /** The batch with the offset, and those behind it. */
  *batchesFrom(offset: bigint): Generator<StoredBatch> {
    let first = this.#segments.length - 1;
    while (first > 0 && this.#segments[first]!.baseOffset > offset) first -= 1;
    for (let index = first; index < this.#segments.length; index += 1) {
      const { batches } = this.#segments[index]!;
      for (let at = index === first ? this.#segments[index]!.indexOf(offset) : 0; at < batches.length; at += 1) yield batches[at]!;
    }
  }

  /** Records before the offset are gone; the memory of a segment is given back when all of it is. */
  deleteBefore(offset: bigint): void {
    if (offset <= this.#startOffset) return;
    this.#startOffset = offset;
    while (this.#segments.length > 1 && this.#segments[1]!.baseOffset <= offset) this.#segments.shift();
    this.transactions.forgetBefore(offset);
    this.epochs.deleteBefore(offset);
  }

  /**
   * The batch with the offset and all behind it are gone: what a replica did not have that lagged behind and leads now. What the
   * log knows of producers and transactions is what is left of them in it.
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

  /** Puts others in their place: what compaction has made of them. */
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
