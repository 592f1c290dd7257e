import { InvalidArgumentError } from "commander";

/** Names separated by commas. @throws `InvalidArgumentError` */
export function parseNames(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("") || new Set(names).size !== names.length) {
    throw new InvalidArgumentError("Names separated by commas are needed, none of them empty or given twice.");
  }
  return names;
}
