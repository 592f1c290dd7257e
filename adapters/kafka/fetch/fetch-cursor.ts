import type { DriverGap, UnreadableRange } from "../../../src/driver/index.ts";
import type { RetryBackoff } from "../client/retry-backoff.ts";
import type { FetchedBatches } from "../log/record-batch-reader.ts";
import type { KafkaRecord } from "../records.ts";
import { type LogPlace, ReadEpochs, UNKNOWN_EPOCH, placeFrom } from "./read-epochs.ts";
import type { UnreadableOffsets } from "./unreadable-offsets.ts";

/** Who is given what a partition has. `false` ends it. Nothing of it may throw, but for `gap`. */
export interface FetchHandler {
  /** Resolves when there is room for more. */
  deliver(records: readonly KafkaRecord[]): Promise<boolean>;
  /** What comes next cannot be read, also not when it is fetched again. Resolves when there is room for more. */
  unreadable(range: UnreadableRange): Promise<boolean>;
  /** There is nothing to deliver up to and including this position. */
  advanced(through: string): boolean;
  caughtUp(): boolean;
  /** Retention has overtaken. `true`: go on at `resumesAt`. */
  gap(gap: DriverGap): Promise<boolean>;
}

/** What one answer holds for one partition. */
interface Portion {
  readonly records: readonly KafkaRecord[];
  /** Up to here there is nothing more than the records; `null`: the last record is the last. */
  readonly through: string | null;
  readonly isAtEnd: boolean;
}

/**
 * Where the reading of one partition stands. One portion is being delivered, one more may wait: it is fetched while the first is
 * handled.
 */
export class FetchCursor {
  readonly partition: number;
  readonly handler: FetchHandler;
  /** Of the next record to fetch. */
  offset: bigint;
  epochs: ReadEpochs;
  /** What is left of the last answer; nothing is asked for while there is some. */
  unread: FetchedBatches | null = null;
  /** What could not be read when it was fetched first; if it can be read no better the next time, it is told. */
  suspect: UnreadableOffsets | null = null;
  /** So often in a row the server has had what follows, and has not handed it out. */
  withheld = 0;
  /** Has the server answered for it at all? The first answer is not waited for. */
  wasAnswered = false;
  /** It waits for something else than room. */
  isBusy = false;
  isDone = false;
  /** Of its failures one after the other. */
  backoff: RetryBackoff | undefined;
  readonly #foreignOffset: bigint | null;
  #waiting: Portion | null = null;
  #delivering: Promise<void> | null = null;

  constructor(partition: number, place: LogPlace, handler: FetchHandler) {
    this.partition = partition;
    this.offset = place.offset;
    this.epochs = new ReadEpochs(place);
    this.handler = handler;
    this.#foreignOffset = place.isForeign === true ? place.offset : null;
  }

  /** It stands where another client put the group: the log need never have reached that place. */
  get isForeign(): boolean {
    return this.offset === this.#foreignOffset;
  }

  /** Goes on behind what cannot be read. What was read before can still be committed. */
  pass({ last }: UnreadableOffsets): void {
    this.suspect = null;
    this.unread = null;
    this.offset = last + 1n;
    this.epochs.read([{ leaderEpoch: UNKNOWN_EPOCH, endOffset: this.offset }]);
  }

  /** Goes on from here; nothing is known of the record before. */
  skipTo(offset: bigint): void {
    this.offset = offset;
    this.epochs = new ReadEpochs(placeFrom(offset));
  }

  get hasRoom(): boolean {
    return this.#waiting === null && !this.isBusy && !this.isDone;
  }

  /** `settled` is told after each portion whether the handler is done with the partition. */
  push(portion: Portion, settled: (isDone: boolean) => void): void {
    this.#waiting = portion;
    this.#delivering ??= this.#deliver(settled);
  }

  async #deliver(settled: (isDone: boolean) => void): Promise<void> {
    try {
      while (this.#waiting !== null && !this.isDone) {
        const portion = this.#waiting;
        this.#waiting = null;
        settled(!(await this.#hand(portion)));
      }
    } finally {
      // In the same step in which nothing was waiting any more: a portion that comes a moment later finds nobody at work.
      this.#delivering = null;
    }
  }

  async #hand({ records, through, isAtEnd }: Portion): Promise<boolean> {
    const { handler } = this;
    if (records.length > 0 && !(await handler.deliver(records))) return false;
    if (this.isDone) return false;
    if (through !== null && !handler.advanced(through)) return false;
    return !isAtEnd || this.#waiting !== null || handler.caughtUp();
  }

  /** Nothing new, and nothing on its way. @returns whether the reading goes on */
  reportCaughtUp(): boolean {
    return this.#delivering !== null || this.handler.caughtUp();
  }

  /** Resolves when everything fetched so far has been delivered. */
  get delivered(): Promise<void> {
    return this.#delivering ?? Promise.resolve();
  }
}
