import type { ReaderDriver } from "../driver/reader-driver.ts";
import type { StoredRecord } from "../driver/record.ts";
import type { PartitionPlace } from "../position/place.ts";

type Places = ReadonlyMap<string, PartitionPlace>;

/** A reader driver whose provider itself keeps what was read. */
export type MarkingReader = ReaderDriver & Required<Pick<ReaderDriver, "handedOut" | "mark">>;

export function makesMarks(reader: ReaderDriver): reader is MarkingReader {
  return reader.mark !== undefined && reader.handedOut !== undefined;
}

interface Mark {
  /** How many records had been handed out when it was asked for. */
  readonly upTo: number;
  readonly places: Promise<Places>;
  hasFailed: boolean;
}

/**
 * Reports to the driver what the application has, and asks it for marks. A mark is of the moment in which it was asked for: what is handed
 * out while it is made is reported afterwards, so that no mark is ahead of the application.
 */
export class HandedOut {
  readonly #reader: MarkingReader;
  /** Makes one mark, retries included. */
  readonly #makeMark: () => Promise<Places>;
  #count = 0;
  #reported = 0;
  /** Handed out while a mark is made; the first of them is number `#reported`. */
  #held: { readonly partition: string; readonly record: StoredRecord }[] = [];
  #marksInProgress = 0;
  #last: Mark | undefined;

  constructor(reader: MarkingReader, makeMark: () => Promise<Places>) {
    this.#reader = reader;
    this.#makeMark = makeMark;
  }

  /** The reader still stands where it began. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  add(partition: string, record: StoredRecord): void {
    this.#count += 1;
    if (this.#marksInProgress > 0) {
      this.#held.push({ partition, record });
      return;
    }
    this.#reported += 1;
    this.#reader.handedOut(partition, record);
  }

  /** The last mark, if nothing has been handed out since it was asked for. It may have failed. */
  get lastMark(): Promise<Places> | undefined {
    return this.#last?.upTo === this.#count ? this.#last.places : undefined;
  }

  /** A mark of this moment. Where nothing has been handed out since the last one, that one. */
  mark(): Promise<Places> {
    const last = this.#last;
    if (last?.upTo === this.#count && !last.hasFailed) return last.places;
    const upTo = this.#count;
    this.#marksInProgress += 1;
    const mark: Mark = { upTo, places: this.#make(upTo, last?.places), hasFailed: false };
    mark.places.catch(() => (mark.hasFailed = true));
    this.#last = mark;
    return mark.places;
  }

  async #make(upTo: number, earlier: Promise<Places> | undefined): Promise<Places> {
    // Whatever became of the earlier one, its caller has the outcome.
    await earlier?.catch(() => undefined);
    this.#reportTo(upTo);
    try {
      return await this.#makeMark();
    } finally {
      this.#marksInProgress -= 1;
      if (this.#marksInProgress === 0) this.#reportTo(this.#count);
    }
  }

  #reportTo(count: number): void {
    const reported = this.#held.splice(0, count - this.#reported);
    this.#reported += reported.length;
    for (const { partition, record } of reported) this.#reader.handedOut(partition, record);
  }
}
