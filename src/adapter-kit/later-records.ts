import type { StoredRecord } from "../driver/index.ts";
import type { Fetched } from "./partition-source.ts";

/** As many as are handled in a turn of the event loop. */
const MOST_AT_ONCE = 1_000;

/** An answer of `fetch`, or what makes it. */
export type FetchedLater = Fetched | (() => Fetched);

/** A page whose records need no look before they are handed out. */
export interface RecordPage {
  readonly length: number;
  bytesOf(index: number): number;
  /** Makes the records from one index to before another. */
  recordsOf(from: number, to: number): readonly StoredRecord[];
}

/**
 * Cuts a page into answers of about so many bytes, each of at least one record, in order. Their records are made when it is their turn, so that few of a page
 * live at a time.
 * @param from index of the first record that is handed out
 */
export function* laterRecords(page: RecordPage, from: number, portionBytes: number): Generator<() => Fetched> {
  for (let begin = from; begin < page.length;) {
    const first = begin;
    let end = begin;
    let bytes = 0;
    do {
      bytes += page.bytesOf(end);
      end += 1;
    } while (end < page.length && end - first < MOST_AT_ONCE && bytes + page.bytesOf(end) <= portionBytes);
    yield () => ({ kind: "records", records: page.recordsOf(first, end) });
    begin = end;
  }
}

/** The answer, whose records are made now where they have not been. */
export function madeNow(found: FetchedLater): Fetched {
  return typeof found === "function" ? found() : found;
}
