import type { StoredRecord } from "../driver/record.ts";
import { StreamError } from "../errors.ts";
import { ReceivedMessage } from "../message.ts";
import type { MessageSource } from "../position/position.ts";
import { isPromiseLike } from "../promise-like.ts";
import type { Codec } from "./codec.ts";
import { UnreadableRecord } from "./unreadable-record.ts";

/** How stored bytes become values. */
export interface Decoding<T> {
  readonly codec: Pick<Codec<T, never>, "decode">;
  readonly tombstones: boolean;
}

/** A message, or the error of bytes that are not one (`corrupt`). */
export type Decoded<T> = ReceivedMessage<T> | StreamError;

/** Synchronous where the codec is. Never throws. */
export function decodeRecord<T>(
  decoding: Decoding<T>,
  source: MessageSource,
  record: StoredRecord,
  key: string | null,
): Decoded<T> | Promise<Decoded<T>> {
  if (record instanceof UnreadableRecord) return unreadableError(source, record);
  const bytes = record.value;
  if (bytes === null) {
    // The type of the topic says `T | null` exactly when tombstones are allowed.
    if (decoding.tombstones) return new ReceivedMessage(source, record, key, null as T);
    return corrupt(
      source,
      record,
      "a tombstone (null value) where the topic has no tombstones; allow them with tombstones: true",
      undefined,
    );
  }
  const undecoded = new ReceivedMessage<Uint8Array>(source, record, key, bytes);
  try {
    const value = decoding.codec.decode(bytes, undecoded);
    // A codec that hands the bytes through needs no second object.
    if (Object.is(value, bytes)) return undecoded as unknown as ReceivedMessage<T>;
    if (!isPromiseLike(value)) return new ReceivedMessage<T>(source, record, key, value);
    return Promise.resolve(value).then(
      (later) => new ReceivedMessage<T>(source, record, key, later),
      (cause: unknown) => undecodable(source, record, cause),
    );
  } catch (cause) {
    return undecodable(source, record, cause);
  }
}

/** What is wrong with a range that cannot be read. */
export function unreadableError(source: MessageSource, record: UnreadableRecord): StreamError {
  return corrupt(source, record, record.range.reason, record.range.cause);
}

/** The message of a `StreamError` is quoted, since it holds no payload; the message of any other error may hold one, so that error stays the cause only. */
function undecodable(source: MessageSource, record: StoredRecord, cause: unknown): StreamError {
  const why = cause instanceof StreamError && cause.message !== "" ? `: ${cause.message}` : "";
  return corrupt(source, record, `the codec cannot decode the stored bytes${why}`, cause);
}

function corrupt(source: MessageSource, record: StoredRecord, what: string, cause: unknown): StreamError {
  const { provider, topic, partition } = source;
  const { position } = new ReceivedMessage(source, record, null, null);
  return new StreamError("corrupt", what, { cause, provider, operation: "consume", topic, partition, position });
}
