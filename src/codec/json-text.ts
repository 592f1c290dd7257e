import { isNumberObject } from "node:util/types";
import { StreamError } from "../errors.ts";

/**
 * The JSON of a value, as `JSON.stringify` writes it, but never with a value changed on the way: `undefined` properties and
 * methods are dropped as everyone expects; NaN, infinities, bigints, invalid dates and holes in arrays are refused.
 * @throws `invalid-argument` naming the path
 */
export function toJsonText(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    requireHoldable(value);
    throw new StreamError("invalid-argument", "JSON cannot hold this value: it is circular or too deep, or its toJSON threw", { cause });
  }
  if (text === undefined) throw refusal("", value === undefined ? "undefined" : `a ${typeof value}`);
  // Whatever JSON would change becomes `null`: only a text with one has to be looked through, which costs several times more.
  if (text.includes("null")) requireHoldable(value);
  return text;
}

/** Walks as `JSON.stringify` does, so that `toJSON` and property order mean the same, and refuses what it would change. */
function requireHoldable(root: unknown): void {
  const paths = new Map<object, string>();
  function check(this: object, name: string, value: unknown): unknown {
    const parent = paths.get(this);
    const inArray = Array.isArray(this);
    const path = parent === undefined ? "" : inArray ? `${parent}[${name}]` : `${parent}.${name}`;
    const problem = problemOf(value, (this as Record<string, unknown>)[name], inArray);
    if (problem !== null) throw refusal(path, problem);
    if (typeof value === "object" && value !== null) paths.set(value, path);
    return value;
  }
  try {
    JSON.stringify(root, check);
  } catch (error) {
    // Anything else, such as a circle, is the caller's to report: it has the first error at hand.
    if (error instanceof StreamError) throw error;
  }
}

/** @param given what stood there before `toJSON` */
function problemOf(value: unknown, given: unknown, inArray: boolean): string | null {
  const plain = isNumberObject(value) ? Number(value) : value;
  if (typeof plain === "number" && !Number.isFinite(plain)) return String(plain);
  if (typeof plain === "bigint") return "a bigint";
  if (plain === null && given instanceof Date) return "an invalid Date";
  if (inArray && (plain === undefined || typeof plain === "function" || typeof plain === "symbol")) return `${typeof plain} in an array`;
  return null;
}

function refusal(path: string, what: string): StreamError {
  return new StreamError(
    "invalid-argument",
    `JSON cannot hold ${what}${path === "" ? "" : ` (at ${path.replace(/^\./, "").slice(0, 200)})`}`,
  );
}
