import { type PartitionHandler, RetryBackoff } from "../../../src/adapter-kit/index.ts";
import type { Report } from "../../../src/driver/index.ts";
import { classify } from "../errors.ts";
import type { FetchedBatches } from "../log/record-batch-reader.ts";
import { type KafkaRecord, toPosition } from "../records.ts";
import type { HandledEpochs } from "./handled-epochs.ts";
import { type EpochEnd, type EpochSpan, type LogPlace, ReadEpochs, UNKNOWN_EPOCH, addEpoch, placeFrom } from "./read-epochs.ts";
import type { RetentionGap } from "./retention-gap.ts";
import type { UnreadableOffsets } from "./unreadable-offsets.ts";

/** Receives the content of one partition; gaps by offsets, and partitions never end. Only `gap` may reject. */
export interface FetchHandler extends Omit<PartitionHandler, "gap" | "ended"> {
  gap(gap: RetentionGap): Promise<boolean>;
}

export function fetchHandler(handler: PartitionHandler): FetchHandler {
  return {
    ...handler,
    gap: ({ resumesAt, missing }) => handler.gap({ resumesAt: { kind: "at", position: toPosition(resumesAt) }, missing }),
  };
}

/** The content of one answer for one partition. */
interface Portion {
  readonly records: readonly KafkaRecord[];
  /** The records are complete up to this position; `null`: up to the last record. */
  readonly through: string | null;
  readonly isAtEnd: boolean;
}

/**
 * The state of the reading of one partition. One portion is being delivered, and one more may wait: it is fetched while the first
 * one is handled. Other files only read the fields.
 */
export class FetchCursor {
  readonly partition: number;
  readonly handler: FetchHandler;
  /** The next offset to fetch. */
  offset: bigint;
  epochs: ReadEpochs;
  /** The rest of the last answer. The partition is not fetched while there is a rest. */
  unread: FetchedBatches | null = null;
  /** The offsets that could not be read at the first attempt. If the second attempt fails too, the handler receives them. */
  suspect: UnreadableOffsets | null = null;
  /** The number of answers in a row without the records that the server has stored. */
  withheldAnswers = 0;
  /** The server has answered for this partition. Before that, a request must not long-poll. */
  wasAnswered = false;
  /** A recovery is in progress, so the partition is not fetched. */
  isSuspended = false;
  isDone = false;
  /** Exists from the first failure until the next readable answer. */
  #backoff: RetryBackoff | undefined;
  readonly #foreignOffset: bigint | null;
  readonly #handled: HandledEpochs | null;
  #waiting: Portion | null = null;
  #delivering: Promise<void> | null = null;

  /** @param handled what must still be in the log, because it was handled before */
  constructor(partition: number, place: LogPlace, handler: FetchHandler, handled: HandledEpochs | null = null) {
    this.partition = partition;
    this.offset = place.offset;
    this.epochs = new ReadEpochs(place);
    this.handler = handler;
    this.#handled = handled;
    this.#foreignOffset = place.isForeign === true ? place.offset : null;
  }

  /** The offset is one that another client committed. The log may never have reached it. */
  get isForeign(): boolean {
    return this.offset === this.#foreignOffset;
  }

  /** The server has answered. @param isWithheld the server has more, but the answer is empty */
  answered(isWithheld: boolean): void {
    this.wasAnswered = true;
    this.withheldAnswers = isWithheld ? this.withheldAnswers + 1 : 0;
  }

  /** A usable answer came: the next failure is a first one. */
  succeeded(): void {
    this.#backoff = undefined;
  }

  get hasFailed(): boolean {
    return this.#backoff !== undefined;
  }

  /** The back-off of consecutive failures. */
  backoff(report: Report, topic: string): RetryBackoff {
    this.#backoff ??= new RetryBackoff({ report, topic, classify });
    return this.#backoff;
  }

  /** Keeps the rest of an answer, if there is one. */
  keepUnread(batches: FetchedBatches): void {
    this.unread = batches.hasMore ? batches : null;
  }

  /** Everything before the offset was read. */
  advanceTo(offset: bigint, spans: readonly EpochSpan[]): void {
    this.suspect = null;
    this.offset = offset;
    this.epochs.read(spans);
    this.#handled?.compare(spans);
  }

  /** The leader epochs of the log after the offset: as they were read and, after that, as they were when the records were handled before. */
  epochsAfter(offset: bigint): readonly EpochEnd[] {
    const next = this.offset > offset ? this.offset : offset;
    return [...this.epochs.endsAfter(offset), ...(this.#handled?.endsAfter(next) ?? [])];
  }

  /** Notes that these offsets cannot be read. @returns whether the same offsets could not be read the time before either */
  failedToRead(unreadable: UnreadableOffsets): boolean {
    this.unread = null;
    if (this.suspect?.first === unreadable.first) return true;
    this.suspect = unreadable;
    return false;
  }

  suspend(): void {
    this.isSuspended = true;
  }

  resume(): void {
    this.isSuspended = false;
  }

  /** Ends the reading. No more records are delivered. */
  finish(): void {
    this.isDone = true;
  }

  /** The leader epochs from an offset to an end, as far as they are known without a gap. */
  knownEpochs(offset: bigint, end: bigint): readonly EpochEnd[] {
    const known: EpochEnd[] = [];
    for (const { leaderEpoch, endOffset } of this.epochsAfter(offset)) {
      if (leaderEpoch === UNKNOWN_EPOCH) break;
      addEpoch(known, { leaderEpoch, endOffset: endOffset < end ? endOffset : end });
      if (endOffset >= end) break;
    }
    return known;
  }

  /** These offsets cannot be read. Whether they hold what was handled before is not known. */
  cannotCompare({ first }: UnreadableOffsets): void {
    this.#handled?.forgetFrom(first);
  }

  /** Continues after the offsets that cannot be read. Positions that were read before can still be committed. */
  skipUnreadable({ last }: UnreadableOffsets): void {
    this.suspect = null;
    this.unread = null;
    this.offset = last + 1n;
    this.epochs.read([{ leaderEpoch: UNKNOWN_EPOCH, endOffset: this.offset }]);
  }

  /** Continues at this offset. The leader epoch of the record before it is not known. */
  restartAt(offset: bigint): void {
    this.offset = offset;
    this.epochs = new ReadEpochs(placeFrom(offset));
  }

  get hasRoom(): boolean {
    return this.#waiting === null && !this.isSuspended && !this.isDone;
  }

  /** @param settled called after each portion; `isDone`: the handler wants no more of the partition */
  push(portion: Portion, settled: (isDone: boolean) => void): void {
    this.#waiting = portion;
    this.#delivering ??= this.#deliver(settled);
  }

  async #deliver(settled: (isDone: boolean) => void): Promise<void> {
    try {
      while (this.#waiting !== null && !this.isDone) {
        const portion = this.#waiting;
        this.#waiting = null;
        settled(!(await this.#deliverPortion(portion)));
      }
    } finally {
      // This runs in the same step in which the loop ended, so that the next `push` starts a new loop.
      this.#delivering = null;
    }
  }

  async #deliverPortion({ records, through, isAtEnd }: Portion): Promise<boolean> {
    const { handler } = this;
    if (records.length > 0 && !(await handler.deliver(records))) return false;
    if (this.isDone) return false;
    if (through !== null && !handler.advanced(through)) return false;
    return !isAtEnd || this.#waiting !== null || handler.caughtUp(null);
  }

  /** There are no new records. Skips the call while a portion is being delivered. @returns whether the reading continues */
  reportCaughtUp(): boolean {
    return this.#delivering !== null || this.handler.caughtUp(null);
  }

  /** Resolves when all fetched portions have been delivered. */
  get delivered(): Promise<void> {
    return this.#delivering ?? Promise.resolve();
  }
}
