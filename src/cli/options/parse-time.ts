import { durationMs } from "./parse-duration.ts";

const DATE_AND_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|[+-](\d\d):(\d\d)))?$/i;
/** The epoch itself, or from 1973 to 2286. Fewer digits are seconds (10), a date without its dashes (8) or a slip; more are micro- or nanoseconds. */
const MILLISECONDS = /^(?:0|[1-9]\d{11,12})$/;

/** How times are written, for messages about them. */
export const TIME_FORMS =
  "a date that there is (2026-11-21, UTC), a time with its zone (2026-11-21T15:00:00Z), milliseconds since the epoch (12 or 13 digits), or a duration such as 15m: so long ago";

/** @returns milliseconds since the epoch; `null` where it is none of `TIME_FORMS` */
export function timeMs(text: string, nowMs: number = Date.now()): number | null {
  const agoMs = durationMs(text);
  if (agoMs !== null) return Math.max(0, nowMs - agoMs);
  if (MILLISECONDS.test(text)) return Number(text);
  const fields = DATE_AND_TIME.exec(text)?.slice(1).map(Number);
  if (fields === undefined || !exists(fields)) return null;
  // Nothing was stored before the epoch.
  return Math.max(0, Date.parse(text));
}

/** `Date.parse` takes 31 November for 1 December, and 24:00 for the next day. Fields that were left out are NaN, which nothing is above. */
function exists(fields: readonly number[]): boolean {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, zoneHour = 0, zoneMinute = 0] = fields;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return isDate && !(hour > 23 || minute > 59 || second > 59 || zoneHour > 14 || zoneMinute > 59);
}
