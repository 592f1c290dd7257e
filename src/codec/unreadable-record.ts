import type { HeaderList, StoredRecord, UnreadableRange } from "../driver/record.ts";

const NO_HEADERS: HeaderList = Object.freeze([]);

/**
 * Takes the place of what cannot be read, so that it goes the way of every failing message. Nothing is known of it but where it
 * is: no key, no headers, an empty value (`null` would be a tombstone, which deletes), and the beginning of the epoch as its time.
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

  /** Whoever goes on behind it is behind all of it. */
  get position(): string {
    return this.range.last;
  }
}
