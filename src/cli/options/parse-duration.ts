import { InvalidArgumentError } from "commander";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** How durations are written, for messages about them. */
export const DURATION_FORM = "a number with its unit, ms, s, m, h or d, such as 90s or 7d";

/** `90s` in whole milliseconds, at least 1; `null` where it is no duration. */
export function durationMs(text: string): number | null {
  const [, figure, unit] = DURATION.exec(text) ?? [];
  if (figure === undefined || unit === undefined) return null;
  const milliseconds = Math.round(Number(figure) * UNITS_MS[unit]!);
  return Number.isSafeInteger(milliseconds) && milliseconds >= 1 ? milliseconds : null;
}

/** @throws `InvalidArgumentError` */
export function parseDuration(text: string): number {
  const milliseconds = durationMs(text);
  if (milliseconds === null) throw new InvalidArgumentError(`A duration is ${DURATION_FORM}.`);
  return milliseconds;
}
