import { InvalidArgumentError } from "commander";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** A number of things, at least one. @throws `InvalidArgumentError` */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("A whole number of at least 1 is needed.");
}

/** For options that may be given more than once. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Names separated by commas. @throws `InvalidArgumentError` */
export function parseNames(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("") || new Set(names).size !== names.length) {
    throw new InvalidArgumentError("Names separated by commas are needed, none of them empty or given twice.");
  }
  return names;
}

/** Adds `name=value` to the headers that were given before. @throws `InvalidArgumentError` */
export function addHeader(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("A header is name=value, with a name that is not empty.");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

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
