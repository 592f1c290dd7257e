import type { EncodingTarget } from "../codec/codec.ts";
import type { HeaderList } from "../driver/record.ts";
import { StreamError } from "../errors.ts";
import { emptyHeaders } from "../message.ts";
import { describeValue, showName } from "../option-rules.ts";
import { hasEscapedBytes, textToBytes } from "../text-bytes.ts";
import { NO_HEADERS } from "./pending-message.ts";

/**
 * What a codec is told of a message. Most codecs ask for no headers, and an object without a prototype takes three times the memory
 * of one with: none is made before they do.
 */
export class MessageTarget implements EncodingTarget {
  readonly topic: string;
  readonly key: string | null;
  readonly #given: Readonly<Record<string, string>> | undefined;
  #headers: Record<string, string> | undefined;
  /** Of a copy: stored as they are, in front of what the codec adds. */
  readonly #exact: HeaderList | undefined;

  /** @param headers a copy: the application may change its own meanwhile */
  constructor(topic: string, key: string | null, headers: Readonly<Record<string, string>> | undefined, exact: HeaderList | undefined) {
    this.topic = topic;
    this.key = key;
    this.#given = headers;
    this.#exact = exact;
  }

  get headers(): Record<string, string> {
    return (this.#headers ??= Object.assign(emptyHeaders(), this.#given));
  }

  /** As bytes, those that the codec has added included. */
  headerList(requireExact: () => void): HeaderList {
    const headers = this.#headers ?? this.#given;
    const own = headers === undefined ? NO_HEADERS : toHeaderList(headers, requireExact);
    if (this.#exact === undefined) return own;
    requireExact();
    return [...this.#exact, ...own];
  }
}

/** A copy of both; `undefined` for none. @throws `invalid-argument` for anything but an object or `undefined` */
export function copyHeaders(
  headers: unknown,
  more: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | undefined {
  if (headers === undefined) return more === undefined ? undefined : { ...more };
  if (!isPlainObject(headers)) {
    throw new StreamError("invalid-argument", `headers must be a plain object of strings; received ${describeValue(headers)}`);
  }
  return { ...(headers as Record<string, string>), ...more };
}

/** A `Map` or a `Headers` has no properties of its own: what is in it would be dropped without a word. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Headers as bytes.
 * @param requireExact called for an empty name, and for bytes that are not UTF-8; throws where the provider cannot keep them
 * @throws `invalid-argument`
 */
function toHeaderList(headers: Readonly<Record<string, unknown>>, requireExact: () => void): HeaderList {
  const names = Object.keys(headers);
  if (names.length === 0) return NO_HEADERS;
  return names.map((name) => {
    const value = headers[name];
    if (typeof value !== "string") {
      throw new StreamError("invalid-argument", `header ${showName(name)} must be a string; received ${describeValue(value)}`);
    }
    const isEscaped = hasEscapedBytes(value);
    if (hasEscapedBytes(name)) textToBytes(name, "a header name");
    if (name === "" || isEscaped || hasEscapedBytes(name)) requireExact();
    if (!isEscaped) return [name, Buffer.from(value, "utf8")] as const;
    return [name, textToBytes(value, `header ${showName(name)}`)] as const;
  });
}
