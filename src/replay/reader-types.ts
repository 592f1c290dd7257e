import type { BatchOptions } from "../batch-options.ts";
import type { StreamError } from "../errors.ts";
import type { Message } from "../message.ts";
import type { From, Gap, Until } from "../position/range-types.ts";
import type { Bookmark } from "../tokens.ts";

/**
 * Reads a range, once, without a group. Order per key is kept; partitions are interleaved. Leaving the loop closes it.
 * Resolves and checks the range first; while the provider is away this is tried again for 30 s, and what is read later until closed. `close` ends the iteration as done, and so does the connection's: how far it came says
 * `bookmark`. @throws `position-out-of-range` · `position-mismatch` · `corrupt` (see `onCorrupt`)
 */
export interface Reader<T> extends AsyncIterable<Message<T>>, AsyncDisposable {
  [Symbol.asyncIterator](): AsyncIterator<Message<T>, void, void>;
  batches(): AsyncIterable<readonly Message<T>[]>;
  /**
   * Behind the last message or batch handed out; before the first, the start of the range; after the last, its end. Also when
   * closed; a range that was not known yet when the reader closed is looked up then, which needs an open connection. Where the provider
   * itself makes bookmarks (`capabilities.bookmarkLifetimeMs`), a reader that was asked for one makes that of its end when it closes; one
   * that was never asked has none when it is closed. @throws `closed` then
   */
  bookmark(): Promise<Bookmark>;
  close(): Promise<void>;
}

export interface ReaderOptions {
  /** @default "earliest" */
  from?: From | undefined;
  /** Absent: for ever. */
  until?: Until | undefined;
  /** Only these. @default that of a position in `from` or `until`, else all. @throws `unsupported` without `capabilities.partitions` */
  partitions?: readonly string[] | undefined;
  /** Of `batches`. */
  batch?: BatchOptions | undefined;
  /** @default 33_554_432 */
  maxBufferedBytes?: number | undefined;
  /** As for a consumer. */
  onGap?: ((gap: Gap) => unknown) | undefined;
  /**
   * A message that cannot be decoded, or stored bytes that no client can read: then `message` has no key, an empty value and the beginning
   * of the epoch as its time. Absent: the iteration rejects with `corrupt`; `{ after: error.position }` is behind it. Present: it is called with the error, and the message is left out.
   */
  onCorrupt?: ((error: StreamError, message: Message<Uint8Array | null>) => unknown) | undefined;
}
