import type { StoredRecord } from "../driver/record.ts";
import type { Place } from "../position/place.ts";
import type { MessageSource } from "../position/position.ts";

/** What a handler of records knows of one call. */
export interface RecordContext {
  /** The ownership of the partition: another object for each. */
  readonly source: MessageSource;
  /** Where delivery began under this ownership; `null` where the service does not report it. */
  readonly start: Place | null;
  /** As `HandlerContext.signal`. */
  readonly signal: AbortSignal;
  /** May this member still count on the ownership? To be asked before each step that cannot be taken back. */
  isCurrent(): boolean;
}

/** Handles stored records as they are, in batches of one partition. */
export interface RecordHandler {
  /** The records are handled when it resolves. Of one partition there is one call at a time, in log order. */
  handle(records: readonly StoredRecord[], context: RecordContext): Promise<void>;
  /** All that was stored at some moment of this ownership has been handled. Called for the first such moment at least. */
  caughtUp?(source: MessageSource): void;
  /** The shard has been handled to its end, and that is stored. */
  ended?(source: MessageSource): void;
}
