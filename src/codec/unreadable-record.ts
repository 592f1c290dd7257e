import type { HeaderList, StoredRecord, UnreadableRange } from "../driver/record.ts";

const NO_HEADERS: HeaderList = Object.freeze([]);

/**
 * Stands for a range that cannot be read, so that it is treated as every failing message. Only its position is known: it has no key,
 * no headers, an empty value (`null` would be a tombstone, which deletes), and the beginning of the epoch as its time.
 */
export class UnreadableRecord implements StoredRecord {
  readonly key = null;
  readonly value = new Uint8Array(0);
  readonly headers = NO_HEADERS;
  readonly timestampMs = 0;
  readonly bytes = 0;
  readonly deliveryAttempt = null;
  readonly native = null;
  readonly range: UnreadableRange;

  constructor(range: UnreadableRange) {
    this.range = range;
  }

  /** The last of the range: a group that continues behind it is behind the whole range. */
  get position(): string {
    return this.range.last;
  }
}
