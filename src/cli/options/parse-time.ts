import { durationMs } from "./parse-duration.ts";

const DATE = /^\d{4}-\d\d-\d\d$/;
const DATE_AND_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/i;
const MILLISECONDS = /^\d+$/;
/** Ten digits are seconds since 2001; as milliseconds they would all mean the spring of 1970. */
const SECONDS = /^\d{10}$/;

/** How times are written, for messages about them. */
export const TIME_FORMS =
  "a date (2026-11-21, UTC), a time with its zone (2026-11-21T15:00:00Z), milliseconds since the epoch (13 digits), or a duration such as 15m: so long ago";

/** @returns milliseconds since the epoch; `null` where it is none of `TIME_FORMS` */
export function timeMs(text: string, nowMs: number = Date.now()): number | null {
  const agoMs = durationMs(text);
  if (agoMs !== null) return nowMs - agoMs;
  if (MILLISECONDS.test(text)) return SECONDS.test(text) || !Number.isSafeInteger(Number(text)) ? null : Number(text);
  if (!DATE.test(text) && !DATE_AND_TIME.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}
