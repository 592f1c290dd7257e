import type { StoredTime } from "../stored-time.ts";
import type { RecordParts } from "./record-parts.ts";

/**
 * Header names with the bytes of their values, in order, repeats included. A value of `null` is not the same as an empty one. A
 * byte of a name that is not UTF-8 is a lone surrogate, as `bytesToText` makes it and `textToBytes` takes it.
 */
export type HeaderList = readonly (readonly [name: string, value: Uint8Array | null])[];

/**
 * A message on its way to the provider. The bytes belong to the application: a driver may read them until `write` has
 * resolved, must not change them, and keeps no reference afterwards (the application may reuse its buffer then).
 */
export interface OutgoingRecord {
  readonly key: Uint8Array | null;
  /** A text that `textToBytes` has made `key` of, where it is known; asking the bytes costs several times as much. */
  readonly keyText?: string | null | undefined;
  /** `null`: a tombstone, which is not the same as empty. */
  readonly value: Uint8Array | null;
  readonly headers: HeaderList;
  /**
   * Milliseconds since the epoch, a `bigint` only where a number would not be exact, and negative where other clients have stored
   * that; `null`: the provider's own clock. Never set without the capability `producerTimestamps`.
   */
  readonly timestampMs: StoredTime | null;
  /** Where the application wants it. Never set without the capability `explicitPartition`. */
  readonly toPartition: string | undefined;
}

/**
 * A message as the provider has it. Key, value and headers are exactly the stored bytes. A driver may hand out objects that
 * compute `key`, `position`, `value` or `native` at each read; every read gives the same. The core does not
 * change the bytes and keeps the record until its assignment or reader is gone.
 */
export interface StoredRecord {
  readonly key: Uint8Array | null;
  /** `key` as text, where the SDK has it as text, in the form that `bytesToText` gives it. Absent: it is made of the bytes. */
  readonly keyText?: string | null | undefined;
  readonly value: Uint8Array | null;
  readonly headers: HeaderList;
  /**
   * Milliseconds since the epoch: when the provider stored it, or when the producer made it, as the provider reports. Exactly what is
   * stored: a `bigint` where a number would not be exact.
   */
  readonly timestampMs: StoredTime;
  /** The driver's own position, comparable within the partition by `ProviderDriver.compare`. */
  readonly position: string;
  /** Stored size as the byte bounds of consumers and readers count it: key, value, headers. */
  readonly bytes: number;
  /** How often this message has been delivered, this delivery included; `null` where the provider does not count. */
  readonly deliveryAttempt: number | null;
  /** The SDK's own object. */
  readonly native: unknown;
  /** Tells key, value and headers, in this order, where that costs less than to ask for them. Absent: it does not. */
  readonly readParts?: (parts: RecordParts) => void;
}

/**
 * What is stored from one position to another and cannot be read: damaged bytes, a checksum that does not match, a compression
 * or format that is not known. It is one failure, however many records it held; nothing that can be read lies in it.
 */
export interface UnreadableRange {
  /** Of its first record. */
  readonly first: string;
  /** Of its last record; the same as `first` where it is one record. Reading goes on behind this position. */
  readonly last: string;
  /** What is wrong, naming both positions in the provider's own words. Never a payload. */
  readonly reason: string;
  /** The error behind it. */
  readonly cause: unknown;
}
