import { isUtf8 } from "node:buffer";
import type { HeaderList } from "../../driver/record.ts";
import { StreamError } from "../../errors.ts";
import type { OutgoingMessage } from "../../message.ts";
import { describeValue } from "../../option-rules.ts";
import { EXACT_HEADERS, type WithExactHeaders } from "../../publish/exact-headers.ts";
import { LATEST_TIME_MS } from "../../stored-time.ts";

/** Every supported engine has these functions, but the types of TypeScript do not know them yet. */
const exact = JSON as unknown as {
  parse(text: string, reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};

/** Stands in a decoded text for bytes that are not UTF-8. A text may also have it of its own. */
const REPLACEMENT_CHARACTER = "\ufffd";

/** For a longer line, an expression may need too much of the stack. */
const LONGEST_PLAIN_LINE = 16_384;

/** If a text has none of these, `JSON.parse` is exact, and takes a quarter of the time. */
const MAYBE_INEXACT = /\d[.eE]|-0|\d{16}/;

export type OutgoingBytes = OutgoingMessage<Uint8Array | null> & WithExactHeaders;

/** The fields of a line that may be kept besides key, value and headers. */
export const KEPT_FIELDS = ["partition", "timestamp"] as const;
export type KeptField = (typeof KEPT_FIELDS)[number];

/** Converts a line to a message, or to `null` if it holds none. @throws `invalid-argument`; the caller adds the number of the line */
export type LineReader = (line: Buffer) => OutgoingBytes | null;

/** Every line is the text of a value; an empty line is an empty value. */
export function plainLines(key: string | null): LineReader {
  return (line) => ({ key, value: line });
}

/** Every line is a value in JSON, stored unchanged; its key is one of its fields. Blank lines hold no message. */
export function valuesWithKeyField(field: string): LineReader {
  const plain = plainObjectWith(field);
  return (line) => {
    const text = utf8Text(line);
    const plainKey = text.length > LONGEST_PLAIN_LINE ? undefined : plain?.exec(text)?.[1];
    if (plainKey !== undefined) return { key: plainKey, value: line };
    const value = jsonObject(text, line.length, `with the field ${JSON.stringify(field)}`);
    if (value === null) return null;
    const key = Object.hasOwn(value, field) ? value[field] : undefined;
    if (typeof key === "string") return { key, value: line };
    // Unchanged, also if JavaScript would round the number.
    if (typeof key === "number") return { key: JSON.stringify(exactFields(line)[field]), value: line };
    if (typeof key === "boolean") return { key: String(key), value: line };
    throw invalid(`the field ${JSON.stringify(field)} must be a text, a number or a boolean; received ${describeValue(key)}`);
  };
}

/**
 * Matches most lines in a third of the time of `JSON.parse`: a whole JSON object without escapes, nested values or line breaks, which
 * has the field exactly once, with a text. The text is the first group. `undefined` for a name that would need escapes.
 */
function plainObjectWith(field: string): RegExp | undefined {
  if (!/^\w+$/.test(field)) return undefined;
  const characters = String.raw`[^"\\\x00-\x1f]*`;
  const number = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?`;
  const name = `"${field}": ?`;
  const other = `(?!${name})"${characters}": ?(?:"${characters}"|${number}|true|false|null)`;
  return new RegExp(`^\\{(?:${other}, ?)*${name}"(${characters})"(?:, ?${other})*\\}$`);
}

/**
 * Every line is a message as `read` prints it: it takes key, value, headers and the fields in `keep`, and ignores the rest. A
 * value that is not a string is stored as JSON without blanks. Blank lines hold no message.
 * @param defaultKey for lines without a key; `undefined`: a line without a key is refused
 */
export function messageLines(defaultKey: string | undefined, keep: readonly KeptField[]): LineReader {
  return (line) => {
    const fields = jsonObject(utf8Text(line), line.length, 'of the form {"key": …, "value": …, "headers": …}');
    if (fields === null) return null;
    const { partition, timestamp } = fields;
    // The value is checked first: a line without a value is most likely meant to be the value itself.
    const value = valueOf(fields, line);
    return {
      value,
      key: keyOf(fields, defaultKey),
      headers: headersOf(fields),
      ...exactHeadersOf(fields),
      toPartition: keep.includes("partition") ? requireText("partition", partition) : undefined,
      producedAt: keep.includes("timestamp") ? requireTime(timestamp, line) : undefined,
    };
  };
}

type Fields = Readonly<Record<string, unknown>>;

function utf8Text(line: Buffer): string {
  const text = line.toString("utf8");
  // The check of the bytes takes as long as the conversion, and only this character can stand for bytes that are not UTF-8.
  if (!text.includes(REPLACEMENT_CHARACTER) || isUtf8(line)) return text;
  throw invalid("the line is not UTF-8, which JSON has to be; --lines takes any bytes");
}

function jsonObject(text: string, bytes: number, form: string): Fields | null {
  if (text.trim() === "") return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own error quotes the text, so it must not become the cause.
    throw invalid(`the line is not JSON (${bytes} bytes); --lines takes lines as they are`);
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed as Fields;
  throw invalid(`a JSON object ${form} is needed; received ${describeValue(parsed)}`);
}

/** The fields of a line that is a JSON object, with unchanged numbers. Slower than `JSON.parse`. */
function exactFields(line: Buffer): Fields {
  return parseExactJson(line.toString("utf8")) as Fields;
}

function keyOf(fields: Fields, defaultKey: string | undefined): string | null {
  const { key } = fields;
  if (key === null || typeof key === "string") return key;
  if (key !== undefined) throw invalid(`key must be a text, or null; received ${describeValue(key)}`);
  if (defaultKey !== undefined) return defaultKey;
  throw invalid(
    'the line has no "key": null says that there is none, --key gives one to all; --key-field NAME takes lines that are the values',
  );
}

function valueOf(fields: Fields, line: Buffer): Uint8Array | null {
  const { value, valueBase64 } = fields;
  if (value !== undefined && valueBase64 !== undefined) throw invalid("the line has both value and valueBase64; one of them is the value");
  if (valueBase64 !== undefined) return requireBase64("valueBase64", valueBase64);
  if (value === undefined) {
    throw invalid('the line has neither "value" nor "valueBase64"; --key-field NAME takes lines that are the values, --lines any lines');
  }
  if (value === null) return null;
  if (typeof value !== "string") return Buffer.from(JSON.stringify(exactFields(line)["value"]), "utf8");
  if (value.isWellFormed()) return Buffer.from(value, "utf8");
  throw invalid("value holds a lone surrogate, which is no text; bytes that are not UTF-8 go into valueBase64");
}

function requireBase64(what: string, text: unknown): Uint8Array {
  const bytes = typeof text === "string" ? Buffer.from(text, "base64") : null;
  if (bytes !== null && bytes.toString("base64") === text) return bytes;
  throw invalid(`${what} must be base64 with its padding; received ${describeValue(text)}`);
}

function headersOf({ headers }: Fields): Readonly<Record<string, string>> {
  if (headers === undefined) return {};
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw invalid(`headers must be an object of texts; received ${describeValue(headers)}`);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== "string") throw invalid(`the header ${JSON.stringify(name)} must be a text; received ${describeValue(value)}`);
  }
  return headers as Readonly<Record<string, string>>;
}

/** All headers exactly as stored. If `rawHeaders` is given, `headers` is ignored. */
function exactHeadersOf({ rawHeaders }: Fields): WithExactHeaders {
  if (rawHeaders === undefined) return {};
  if (!Array.isArray(rawHeaders)) throw invalid(`rawHeaders must be an array of pairs; received ${describeValue(rawHeaders)}`);
  const list: HeaderList = rawHeaders.map((pair: unknown) => {
    const [name, value] = Array.isArray(pair) && pair.length === 2 ? (pair as readonly unknown[]) : [];
    if (typeof name === "string") return [name, value === null ? null : requireBase64("the value of a raw header", value)] as const;
    throw invalid(`rawHeaders must have pairs of a name and a value in base64, or null; received ${describeValue(pair)}`);
  });
  return { [EXACT_HEADERS]: list };
}

function requireText(field: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw invalid(`--keep ${field} needs ${field}, a text that is not empty; received ${describeValue(value)}`);
}

/** A time with all its digits, also if it has more than a number holds. */
function requireTime(value: unknown, line: Buffer): number | bigint {
  if (typeof value === "number" && Math.abs(value) <= LATEST_TIME_MS) return value;
  const digits = typeof value === "number" ? JSON.stringify(exactFields(line)["timestamp"]) : "";
  if (/^-?\d+$/.test(digits)) return BigInt(digits);
  throw invalid(`--keep timestamp needs timestamp in milliseconds since the epoch; received ${describeValue(value)}`);
}

function invalid(text: string): StreamError {
  return new StreamError("invalid-argument", text);
}

/**
 * Parses JSON so that `JSON.stringify` writes its numbers unchanged, such as 1.0, or with more digits than a JavaScript number holds.
 * @throws `SyntaxError`
 */
function parseExactJson(text: string): unknown {
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
