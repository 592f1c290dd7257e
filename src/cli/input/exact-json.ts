/** What every engine has that the package runs on, and the types of the language do not know yet. */
const exact = JSON as unknown as {
  parse(text: string, reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};

/** Where there is none of these, `JSON.parse` loses nothing, and takes a quarter of the time. */
const MAYBE_INEXACT = /\d[.eE]|-0|\d{16}/;

/**
 * JSON whose numbers are written again by `JSON.stringify` as they stood there: 1.0, or more digits than a number of JavaScript holds.
 * @throws `SyntaxError`
 */
export function parseExactJson(text: string): unknown {
  if (!MAYBE_INEXACT.test(text)) return JSON.parse(text);
  return exact.parse(text, (_name, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? exact.rawJSON(source) : value,
  );
}

/** A number that `JSON.stringify` writes with all of its digits. */
export function exactNumber(value: bigint): unknown {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : exact.rawJSON(String(value));
}
