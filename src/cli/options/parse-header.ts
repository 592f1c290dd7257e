import { InvalidArgumentError } from "commander";

/** Adds `name=value` to the headers that were given before. @throws `InvalidArgumentError` */
export function addHeader(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("A header is name=value, with a name that is not empty.");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}
