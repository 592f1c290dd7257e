import { randomUUID } from "node:crypto";
import { types } from "node:util";
import type { EncodingTarget } from "../codec/codec.ts";
import type { HeaderList } from "../driver/record.ts";
import { StreamError, isStreamError } from "../errors.ts";
import { type OutgoingMessage, emptyHeaders } from "../message.ts";
import { describeValue, rules, showName, toMilliseconds } from "../option-rules.ts";
import { isPromiseLike } from "../promise-like.ts";
import { recordBytes } from "../record-limits.ts";
import { type StoredTime, toStoredTime } from "../stored-time.ts";
import { hasEscapedBytes, textToBytes } from "../text-bytes.ts";
import type { TypedTopic } from "../topic-context.ts";
import { EXACT_HEADERS, type WithExactHeaders } from "./exact-headers.ts";
import { KeyCache, type KeyEntry } from "./lane-router.ts";
import { type MessageOrigin, NO_HEADERS, PendingMessage } from "./pending-message.ts";
import type { SendScheduler } from "./send-scheduler.ts";

/**
 * What a codec learns about a message. Most codecs do not read the headers, and an object without a prototype takes three times the
 * memory of one with: it is made only when a codec reads them.
 */
class MessageTarget implements EncodingTarget {
  readonly topic: string;
  readonly key: string | null;
  readonly #given: Readonly<Record<string, string>> | undefined;
  #headers: Record<string, string> | undefined;
  /** The headers of a copied record: stored as they are, before those that the codec adds. */
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

  /** As bytes, with those that the codec has added. */
  headerList(requireExact: () => void): HeaderList {
    const headers = this.#headers ?? this.#given;
    const own = headers === undefined ? NO_HEADERS : toHeaderList(headers, requireExact);
    if (this.#exact === undefined) return own;
    requireExact();
    return [...this.#exact, ...own];
  }
}

const ID_HEADER = "streamport-id";

/** The call that a message belongs to, and what the call adds to each of its messages. */
export interface SendOrigin extends MessageOrigin {
  /** Headers that a subscriber of the diagnostics channel adds. */
  readonly headers: Readonly<Record<string, string>> | undefined;
}

/** Checks the messages of the application, reserves their slots and encodes them. */
export class OutgoingIntake<T, Input> {
  readonly #context: TypedTopic<T, Input>;
  readonly #scheduler: SendScheduler;
  readonly #keys = new KeyCache();
  readonly #idPrefix: string | null;
  readonly #requireExactHeaders = (): void => this.#context.requireCapability("exactHeaders", "send");
  #idCounter = 0;

  constructor(context: TypedTopic<T, Input>, scheduler: SendScheduler, messageIds: boolean) {
    this.#context = context;
    this.#scheduler = scheduler;
    this.#idPrefix = messageIds ? randomUUID() : null;
  }

  /** Accepts message number `index` of a call, or reports to the group what is wrong with it. Its slot is reserved when this returns. */
  accept(message: OutgoingMessage<Input> & WithExactHeaders, index: number, origin: SendOrigin): PendingMessage | null {
    let pending: PendingMessage;
    let target: MessageTarget;
    try {
      const key = this.#checked(message);
      const { toPartition, producedAt } = message;
      const exact = message[EXACT_HEADERS];
      const headers = copyHeaders(exact === undefined ? message.headers : undefined, origin.headers);
      target = new MessageTarget(this.#context.topic, key?.text ?? null, headers, exact);
      if (this.#idPrefix !== null) target.headers[ID_HEADER] = `${this.#idPrefix}-${this.#idCounter++}`;
      const timestampMs = producedAt === undefined ? null : timeToStore(producedAt);
      pending = new PendingMessage(key, timestampMs, toPartition, origin, index, this.#scheduler.unsettled.current);
      this.#scheduler.reserve(pending, key);
    } catch (error) {
      const ours = isStreamError(error) ? error : new StreamError("invalid-argument", "the message could not be read", { cause: error });
      origin.group.refused(index, this.#context.toError(ours, "send"));
      return null;
    }
    this.#encode(pending, message.value, target);
    return pending;
  }

  /** With `onKeyFailure: "hold"`: messages of the key may be sent again. */
  releaseKey(key: string): void {
    this.#scheduler.failures.release(key);
  }

  /** @returns the key of the message, or `null` for none */
  #checked(message: OutgoingMessage<Input>): KeyEntry | null {
    if (typeof message !== "object" || message === null)
      throw invalid(`a message must be an object with a value; received ${describeValue(message)}`);
    const { value, toPartition, producedAt } = message;
    if (value === undefined) throw invalid("a message needs a value; received undefined");
    if (value === null) {
      if (!this.#context.tombstones) throw invalid("value is null; allowed only on a topic with the option tombstones: true");
      this.#context.requireCapability("tombstones", "send");
    }
    if (toPartition !== undefined) {
      if (!rules.nonEmptyString.accepts(toPartition))
        throw invalid(`toPartition must be a non-empty string; received ${describeValue(toPartition)}`);
      this.#context.requireCapability("explicitPartition", "send");
    }
    if (producedAt !== undefined) {
      if (!rules.storedTime.accepts(producedAt)) {
        throw invalid(`producedAt must be ${rules.storedTime.allowed}; received ${describeValue(producedAt)}`);
      }
      this.#context.requireCapability("producerTimestamps", "send");
    }
    const key = this.#keyOf(message);
    if (key === null) return null;
    const entry = this.#keys.entry(key);
    if (entry.needsBinaryKeys) this.#context.requireCapability("binaryKeys", "send");
    return entry;
  }

  #keyOf(message: OutgoingMessage<Input>): string | null {
    let key: unknown = message.key;
    if (key === undefined) {
      const { keyRule } = this.#context;
      if (keyRule === undefined) throw invalid("a message needs a key, of its own or by the topic's key rule; say key: null for none");
      try {
        key = keyRule(message.value);
      } catch (cause) {
        throw new StreamError("invalid-argument", "the topic's key rule threw", { cause });
      }
    }
    if (key === null || typeof key === "string") return key;
    throw invalid(`a key must be a string, or null for none; received ${describeValue(key)}`);
  }

  #encode(pending: PendingMessage, value: Input, target: MessageTarget): void {
    if (value === null) {
      this.#encoded(pending, null, target, true);
      return;
    }
    let encoded: unknown;
    let isLater: boolean;
    try {
      encoded = this.#context.codec.encode(value, target);
      isLater = !(encoded instanceof Uint8Array) && isPromiseLike(encoded);
    } catch (error) {
      this.#encodingFailed(pending, error);
      return;
    }
    if (!isLater) {
      this.#encoded(pending, encoded, target);
      return;
    }
    Promise.resolve(encoded).then(
      (bytes) => this.#encoded(pending, bytes, target),
      (error: unknown) => this.#encodingFailed(pending, error),
    );
  }

  #encoded(pending: PendingMessage, bytes: unknown, target: MessageTarget, isTombstone = false): void {
    try {
      if (!isTombstone) requireBytes(bytes);
      const list = target.headerList(this.#requireExactHeaders);
      const value = bytes as Uint8Array | null;
      this.#scheduler.encoded(pending, value, list, recordBytes(pending.key, value, list, this.#scheduler.driver.shape));
    } catch (error) {
      this.#scheduler.refuse(pending, this.#context.toError(error, "send"));
    }
  }

  #encodingFailed(pending: PendingMessage, error: unknown): void {
    const ours = isStreamError(error, "invalid-argument", "too-large", "unsupported")
      ? error
      : new StreamError("invalid-argument", "the codec could not encode the value", { cause: error });
    this.#scheduler.refuse(pending, this.#context.toError(ours, "send"));
  }
}

function timeToStore(time: Date | number | bigint): StoredTime {
  return typeof time === "bigint" ? toStoredTime(time) : Math.trunc(toMilliseconds(time));
}

function invalid(text: string): StreamError {
  return new StreamError("invalid-argument", text);
}

function requireBytes(value: unknown): void {
  if (value instanceof Uint8Array || types.isUint8Array(value)) {
    if (value.byteLength > 0 || !isDetached(value)) return;
    throw invalid("a codec must encode to a Uint8Array that still has its bytes; received one whose buffer was transferred");
  }
  throw invalid(`a codec must encode to a Uint8Array; received ${describeValue(value)}`);
}

function isDetached({ buffer }: Uint8Array): boolean {
  return buffer instanceof ArrayBuffer && (buffer as ArrayBuffer & { readonly detached: boolean }).detached;
}

/** A copy of both; `undefined` for none. @throws `invalid-argument` for anything but an object or `undefined` */
function copyHeaders(headers: unknown, more: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> | undefined {
  if (headers === undefined) return more === undefined ? undefined : { ...more };
  if (!isPlainObject(headers)) {
    throw new StreamError("invalid-argument", `headers must be a plain object of strings; received ${describeValue(headers)}`);
  }
  return { ...(headers as Record<string, string>), ...more };
}

/** A `Map` or a `Headers` has no properties of its own: its entries would be dropped silently. */
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
