/** What every engine has that the package runs on, and the types of the language do not know yet. */
const exact = JSON as unknown as {
  parse(text: string, reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
};

/**
 * JSON whose numbers are written again by `JSON.stringify` as they stood there: 1.0, or more digits than a number of JavaScript holds.
 * @throws `SyntaxError`
 */
export function parseExactJson(text: string): unknown {
  return exact.parse(text, (_name, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? exact.rawJSON(source) : value,
  );
}

/** Is it a number of `parseExactJson` that JavaScript would write differently? */
export function isExactNumber(value: unknown): boolean {
  return exact.isRawJSON(value);
}
