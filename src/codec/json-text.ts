import { isMap, isNativeError, isNumberObject, isPromise, isRegExp, isSet } from "node:util/types";
import { StreamError } from "../errors.ts";
import { pathText } from "./path-text.ts";

/**
 * The JSON of a value, as `JSON.stringify` writes it, but never with a value changed on the way: `undefined` properties and
 * methods are dropped as everyone expects; NaN, infinities, bigints, invalid dates, holes in arrays, and objects whose content
 * JSON does not see (Map, Set, Error, RegExp, Promise) are refused.
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
  if (text === undefined) throw refusal([], value === undefined ? "undefined" : `a ${typeof value}`);
  // JSON turns everything that it cannot hold into `null` or `{}`: only a text with one of them needs the walk, which costs several times more.
  if (text.includes("null") || text.includes("{}")) requireHoldable(value);
  return text;
}

/** Walks as `JSON.stringify` does, so that `toJSON` and property order mean the same, and refuses what it would change. */
function requireHoldable(root: unknown): void {
  const paths = new Map<object, readonly unknown[]>();
  function check(this: object, name: string, value: unknown): unknown {
    const parent = paths.get(this);
    const inArray = Array.isArray(this);
    const path = parent === undefined ? [] : [...parent, inArray ? Number(name) : name];
    const problem = problemOf(value, (this as Record<string, unknown>)[name], inArray);
    if (problem !== null) throw refusal(path, problem);
    if (typeof value === "object" && value !== null) paths.set(value, path);
    return value;
  }
  try {
    JSON.stringify(root, check);
  } catch (error) {
    // The caller reports anything else, such as a circle: it has the first error.
    if (error instanceof StreamError) throw error;
  }
}

/** @param given what stood there before `toJSON` */
function problemOf(value: unknown, given: unknown, inArray: boolean): string | null {
  const plain = isNumberObject(value) ? Number(value) : value;
  if (typeof plain === "number" && !Number.isFinite(plain)) return String(plain);
  if (typeof plain === "bigint") return "a bigint";
  if (plain === null && given instanceof Date) return "an invalid Date";
  if (hidesItsContent(plain)) return `a ${plain.constructor.name}`;
  if (inArray && (plain === undefined || typeof plain === "function" || typeof plain === "symbol")) return `${typeof plain} in an array`;
  return null;
}

/** JSON writes such an object as `{}`, or with only the properties that were added to it. */
function hidesItsContent(value: unknown): value is object {
  return isMap(value) || isSet(value) || isNativeError(value) || isRegExp(value) || isPromise(value);
}

function refusal(path: readonly unknown[], what: string): StreamError {
  const where = path.length === 0 ? "" : ` (at ${pathText(path)})`;
  const allowed = "allowed are strings, finite numbers, booleans, null, arrays without holes, and objects of these";
  return new StreamError("invalid-argument", `JSON cannot hold ${what}${where}; ${allowed}`);
}
