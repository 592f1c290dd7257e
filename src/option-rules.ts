import { StreamError, type StreamErrorCode } from "./errors.ts";
import { LATEST_TIME_MS } from "./stored-time.ts";

/** Which values an option may have: the text for the message, and the test. */
export interface OptionRule {
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

const integer = (allowed: string, least: number): OptionRule => ({
  allowed,
  accepts: (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= least,
});

/** The longest time that a timer of Node takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const rules = {
  positiveInteger: integer("a positive integer", 1),
  nonNegativeInteger: integer("an integer of 0 or more", 0),
  durationMs: {
    allowed: `milliseconds from 0 to ${LONGEST_TIMER_MS}`,
    accepts: (value) => typeof value === "number" && value >= 0 && value <= LONGEST_TIMER_MS,
  },
  boolean: { allowed: "true or false", accepts: (value) => typeof value === "boolean" },
  function: { allowed: "a function", accepts: (value) => typeof value === "function" },
  nonEmptyString: { allowed: "a non-empty string", accepts: (value) => typeof value === "string" && value !== "" },
  stringArray: {
    allowed: "an array of non-empty strings",
    accepts: (value) => Array.isArray(value) && value.every((item) => typeof item === "string" && item !== ""),
  },
  object: { allowed: "an object", accepts: (value) => typeof value === "object" && value !== null && !Array.isArray(value) },
  abortSignal: { allowed: "an AbortSignal", accepts: (value) => value instanceof AbortSignal },
  time: { allowed: "a valid Date or milliseconds since the epoch", accepts: isTime },
  storedTime: {
    allowed: "a valid Date, milliseconds since the epoch, or a bigint of 64 bits",
    accepts: (value) => (typeof value === "bigint" ? BigInt.asIntN(64, value) === value : isTime(value)),
  },
} as const satisfies Record<string, OptionRule>;

function isTime(value: unknown): boolean {
  return value instanceof Date ? Number.isFinite(value.getTime()) : typeof value === "number" && Math.abs(value) <= LATEST_TIME_MS;
}

export function oneOf(...values: readonly string[]): OptionRule {
  return { allowed: values.map((value) => JSON.stringify(value)).join(", "), accepts: (value) => values.includes(value as string) };
}

/** How a message names a received value: by its type, and by the value only where that cannot be a payload or a credential. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined || typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "bigint") return `the bigint ${value}`;
  if (typeof value === "string") return value === "" ? "an empty string" : `a string of ${value.length} characters`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object") return `an object (${value.constructor?.name ?? "no prototype"})`;
  return `a ${typeof value}`;
}

/** A name, cut to a length that fits a message. Unlike a payload, a name may be shown. */
export function showName(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

/**
 * Checks an options object: known names only, each value by its rule; `undefined` counts as absent.
 * @param where the name that the caller knows: `consumer options`
 * @throws `invalid-argument` (or the code given) naming what was received and what is allowed
 */
export function checkOptions(
  where: string,
  options: unknown,
  allowed: Readonly<Record<string, OptionRule>>,
  code: StreamErrorCode = "invalid-argument",
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new StreamError(code, `${where}: an object is needed; received ${describeValue(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
    if (rule === undefined) {
      throw new StreamError(code, `${where}: there is no ${showName(name)}; allowed are ${Object.keys(allowed).join(", ")}`);
    }
    if (value !== undefined && !rule.accepts(value)) {
      throw new StreamError(code, `${where}: ${name} must be ${rule.allowed}; received ${describeValue(value)}`);
    }
  }
}

/** Options over defaults, where `undefined` means absent. */
export function withDefaults<Options extends object, Defaults extends object>(
  options: Options,
  defaults: Defaults,
): Omit<Options, keyof Defaults> & {
  [Name in keyof Defaults]: Name extends keyof Options ? Exclude<Options[Name], undefined> | Defaults[Name] : Defaults[Name];
} {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...defaults, ...given } as never;
}

/** `Date` or milliseconds, as milliseconds. */
export function toMilliseconds(time: Date | number): number {
  return typeof time === "number" ? time : time.getTime();
}
