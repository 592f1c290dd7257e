import { InvalidArgumentError } from "commander";

/** A number of things, at least one. @throws `InvalidArgumentError` */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("A whole number of at least 1 is needed.");
}
