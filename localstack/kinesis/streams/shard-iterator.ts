import { ServiceError, invalidArgument } from "../service-error.ts";

/** Where a client reads in a shard. */
export interface ShardIterator {
  readonly streamName: string;
  readonly incarnation: string;
  readonly shardId: string;
  /** Of the next record. */
  readonly ordinal: number;
  /** By the service's clock. */
  readonly issuedAtMs: number;
  /** How many empty answers come first. */
  readonly emptyAnswers: number;
  /** Was the iterator made at the tip, or has its reader been there? Then no empty answers come any more. */
  readonly isCaughtUp: boolean;
}

const LONGEST = 512;

/** As clients get it: opaque to them. */
export function formatIterator(iterator: ShardIterator): string {
  const { streamName, incarnation, shardId, ordinal, issuedAtMs, emptyAnswers, isCaughtUp } = iterator;
  const parts = [streamName, incarnation, shardId, ordinal, issuedAtMs, emptyAnswers, isCaughtUp];
  return Buffer.from(JSON.stringify(parts)).toString("base64");
}

/** @throws ServiceError for a text that no emulator has made, and for an iterator that is older than its lifetime */
export function parseIterator(text: string, lifetimeMs: number, nowMs: number): ShardIterator {
  const iterator = text.length > LONGEST ? null : partsOf(text);
  if (iterator === null) throw invalidArgument("Invalid ShardIterator.");
  if (nowMs - iterator.issuedAtMs > lifetimeMs) {
    const [made, now] = [new Date(iterator.issuedAtMs), new Date(nowMs)].map((time) => time.toUTCString());
    throw expiredIterator(`The iterator was created at time ${made} while right now it is ${now}`, lifetimeMs);
  }
  return iterator;
}

export function expiredIterator(why: string, lifetimeMs: number): ServiceError {
  const message = `Iterator expired. ${why} which is further in the future than the tolerated delay of ${lifetimeMs} milliseconds.`;
  return new ServiceError("ExpiredIteratorException", message);
}

function partsOf(text: string): ShardIterator | null {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, "base64").toString());
  } catch {
    return null;
  }
  if (!Array.isArray(parts) || parts.length !== 7) return null;
  const [streamName, incarnation, shardId, ordinal, issuedAtMs, emptyAnswers, isCaughtUp] = parts as [
    ...[string, string, string],
    ...[number, number, number],
    boolean,
  ];
  return { streamName, incarnation, shardId, ordinal, issuedAtMs, emptyAnswers, isCaughtUp };
}
