/**
 * Milliseconds since the epoch as a provider stores them, also where no `Date` can hold them: other clients write nanoseconds into
 * the same field. A `bigint` only where a number would not be exact.
 */
export type StoredTime = number | bigint;

/** What a `Date` can hold, either way, ECMA-262 "Time Values and Time Range". */
export const LATEST_TIME_MS = 8.64e15;

/** The time itself, or the nearest one that a `Date` can hold. */
export function toDate(time: StoredTime): Date {
  return new Date(Math.max(-LATEST_TIME_MS, Math.min(LATEST_TIME_MS, Number(time))));
}

/** Whole milliseconds, exactly. */
export function toExactTime(time: StoredTime): bigint {
  return typeof time === "bigint" ? time : BigInt(Math.trunc(time));
}

/** As a number where that is exact. */
export function toStoredTime(exact: bigint): StoredTime {
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}
