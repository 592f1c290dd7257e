import { InvalidArgumentError } from "commander";
import type { ConsumerOptions } from "../../consume/consumer-types.ts";
import type { From, Until } from "../../position/range-types.ts";
import { durationMs } from "./parse-values.ts";

const DATE_AND_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|[+-](\d\d):(\d\d)))?$/i;

/** The epoch itself, or from 1973 to 2286. Fewer digits are seconds (10), a date without its dashes (8) or a mistake; more digits are micro- or nanoseconds. */
const MILLISECONDS = /^(?:0|[1-9]\d{11,12})$/;

/** How times are written, for messages about them. */
const TIME_FORMS =
  "a valid date (2026-11-21, UTC), a time with its zone (2026-11-21T15:00:00Z), milliseconds since the epoch (12 or 13 digits), or a duration such as 15m: so long ago";

type InitialPosition = Exclude<ConsumerOptions["initialPosition"], undefined>;

/** The provider's own name for a place in one partition: an offset of Kafka, a sequence number. */
export interface OffsetPlace {
  readonly offset: string;
}

export type GivenFrom = From | OffsetPlace;
export type GivenUntil = Until | OffsetPlace;

const OFFSET = /^offset:(\d+)$/;

/** A token shows its own kind; `at:` and `after:` choose the side of the message. */
const TOKEN = /^(?:(at|after|through|bookmark):)?([pb])1\./;

/** Where a range begins: `--from`, `groups reset --to`. @throws `InvalidArgumentError` */
export function parseFrom(text: string): GivenFrom {
  if (text === "earliest" || text === "latest") return text;
  const offset = offsetOf(text);
  if (offset !== null) return { offset };
  const token = tokenOf(text);
  if (token?.kind === "position" && (token.prefix === "at" || token.prefix === undefined)) return { at: token.token };
  if (token?.kind === "position" && token.prefix === "after") return { after: token.token };
  if (token?.kind === "bookmark") return { bookmark: token.token };
  const timestamp = timeMs(text);
  if (timestamp !== null) return { timestamp };
  throw new InvalidArgumentError(
    `Allowed are earliest, latest, at:POSITION, after:POSITION, bookmark:BOOKMARK, offset:NUMBER, ${TIME_FORMS}.`,
  );
}

/** Where a range ends: `--until`. @throws `InvalidArgumentError` */
export function parseUntil(text: string): GivenUntil {
  if (text === "now") return text;
  const offset = offsetOf(text);
  if (offset !== null) return { offset };
  const token = tokenOf(text);
  if (token?.kind === "position" && token.prefix === "through") return { through: token.token };
  if (token?.kind === "bookmark") return { bookmark: token.token };
  const timestamp = timeMs(text);
  if (timestamp !== null) return { timestamp };
  throw new InvalidArgumentError(`Allowed are now, through:POSITION, bookmark:BOOKMARK, offset:NUMBER, ${TIME_FORMS}.`);
}

/** Where a new group begins: `--initial-position`. @throws `InvalidArgumentError` */
export function parseInitialPosition(text: string): InitialPosition {
  if (text === "earliest" || text === "latest" || text === "fail") return text;
  const token = tokenOf(text);
  if (token?.kind === "bookmark") return { bookmark: token.token };
  const timestamp = timeMs(text);
  if (timestamp !== null) return { timestamp };
  throw new InvalidArgumentError(`Allowed are earliest, latest, fail, bookmark:BOOKMARK, ${TIME_FORMS}.`);
}

/** @returns milliseconds since the epoch. @throws `InvalidArgumentError` */
export function parseTime(text: string): number {
  const timestamp = timeMs(text);
  if (timestamp !== null) return timestamp;
  throw new InvalidArgumentError(`Allowed is ${TIME_FORMS}.`);
}

/** Leading zeros are removed. */
function offsetOf(text: string): string | null {
  const digits = OFFSET.exec(text)?.[1];
  return digits === undefined ? null : BigInt(digits).toString();
}

interface Token {
  readonly prefix: string | undefined;
  readonly kind: "position" | "bookmark";
  readonly token: string;
}

function tokenOf(text: string): Token | null {
  const match = TOKEN.exec(text);
  if (match === null) return null;
  const [, prefix, mark] = match;
  const kind = mark === "p" ? "position" : "bookmark";
  // The prefix and the token contradict each other.
  if ((prefix === "bookmark") !== (kind === "bookmark") && prefix !== undefined) return null;
  return { prefix, kind, token: prefix === undefined ? text : text.slice(prefix.length + 1) };
}

/** @returns milliseconds since the epoch; `null` if it has none of these forms (`TIME_FORMS`) */
export function timeMs(text: string, nowMs: number = Date.now()): number | null {
  const agoMs = durationMs(text);
  if (agoMs !== null) return Math.max(0, nowMs - agoMs);
  if (MILLISECONDS.test(text)) return Number(text);
  const fields = DATE_AND_TIME.exec(text)?.slice(1).map(Number);
  if (fields === undefined || !exists(fields)) return null;
  // Nothing was stored before the epoch.
  return Math.max(0, Date.parse(text));
}

/** `Date.parse` takes 31 November for 1 December, and 24:00 for the next day. Fields that were left out are NaN, and no comparison with NaN is true. */
function exists(fields: readonly number[]): boolean {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, zoneHour = 0, zoneMinute = 0] = fields;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return isDate && !(hour > 23 || minute > 59 || second > 59 || zoneHour > 14 || zoneMinute > 59);
}
