import { Code, Refusal } from "../refusal.ts";
import type { Seconds } from "./messages.ts";

/** @param ms since the epoch, or a length; the fraction of a millisecond is dropped */
export function secondsOf(ms: number): Seconds {
  const seconds = Math.floor(ms / 1_000);
  return { seconds, nanos: Math.floor(ms - seconds * 1_000) * 1_000_000 };
}

/** In milliseconds, with a fraction. */
export function msOf({ seconds, nanos }: Seconds): number {
  return seconds * 1_000 + nanos / 1_000_000;
}

/** The first whole millisecond that is not before this time: what was stored before it was stored before the time. */
export function firstMsFrom({ seconds, nanos }: Seconds): number {
  return seconds * 1_000 + Math.ceil(nanos / 1_000_000);
}

/** @throws `Refusal` for a length outside these bounds. @param field as the proto names it */
export function checkDuration(field: string, value: Seconds, leastMs: number, mostMs: number): void {
  const ms = msOf(value);
  if (ms >= leastMs && ms <= mostMs) return;
  const text = `Invalid ${field}: ${ms / 1_000}s. It must be between ${leastMs / 1_000}s and ${mostMs / 1_000}s.`;
  throw new Refusal(Code.invalidArgument, text);
}
