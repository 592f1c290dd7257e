import { InvalidArgumentError } from "commander";

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
