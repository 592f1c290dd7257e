import type { StoredRecord, UnreadableRange } from "../../src/driver/index.ts";
import { type ServiceRecord, comparePackedPositions, unpackRecord } from "../../src/envelope/index.ts";
import { ociError } from "./errors.ts";
import type { MessagePage, ServiceMessage } from "./read/message-page.ts";

/** What a message of the service holds. */
export type MessageContent =
  /** `isUnderOtherKey`: a frame whose keys are not that of the message. */
  | { readonly kind: "messages"; readonly messages: readonly StoredRecord[]; readonly isUnderOtherKey: boolean }
  | { readonly kind: "unreadable"; readonly range: UnreadableRange };

const NO_HEADERS: StoredRecord["headers"] = Object.freeze([]);

/** A message as it is. Its parts are decoded where they are read, so that little of a message that waits lives. */
class PageRecord implements StoredRecord {
  readonly #page: MessagePage;
  readonly #index: number;

  constructor(page: MessagePage, index: number) {
    this.#page = page;
    this.#index = index;
  }

  get key(): Uint8Array | null {
    return this.#page.keyOf(this.#index);
  }

  get value(): Uint8Array {
    return this.#page.valueOf(this.#index);
  }

  get headers(): StoredRecord["headers"] {
    return NO_HEADERS;
  }

  get position(): string {
    return this.#page.offsetOf(this.#index);
  }

  get timestampMs(): number {
    return this.#page.timestampMsOf(this.#index);
  }

  get bytes(): number {
    return this.#page.bytesOf(this.#index);
  }

  get deliveryAttempt(): null {
    return null;
  }

  get native(): ServiceMessage {
    return this.#page.messageOf(this.#index);
  }
}

/** A message that may be a frame. */
class PageFrame implements ServiceRecord {
  readonly partitionKey: Uint8Array | null;
  readonly data: Buffer;
  readonly position: string;
  readonly timestampMs: number;
  readonly #page: MessagePage;
  readonly #index: number;

  constructor(page: MessagePage, index: number) {
    this.partitionKey = page.keyOf(index);
    this.data = page.valueOf(index);
    this.position = page.offsetOf(index);
    this.timestampMs = page.timestampMsOf(index);
    this.#page = page;
    this.#index = index;
  }

  get native(): ServiceMessage {
    return this.#page.messageOf(this.#index);
  }
}

/** The messages of a page as they are, from one index to before another. */
export function plainRecords(page: MessagePage, from: number, to: number): readonly StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let index = from; index < to; index += 1) records.push(new PageRecord(page, index));
  return records;
}

/** What the messages of a page hold, if each may be a frame. */
export function contentsOf(page: MessagePage): readonly MessageContent[] {
  return Array.from({ length: page.length }, (_, index) => contentOf(page, index));
}

function contentOf(page: MessagePage, index: number): MessageContent {
  const unpacked = unpackRecord(new PageFrame(page, index));
  if (unpacked.kind === "unreadable") return unpacked;
  if (unpacked.kind === "frame") return { kind: "messages", messages: unpacked.records, isUnderOtherKey: false };
  return { kind: "messages", messages: [unpacked.record], isUnderOtherKey: unpacked.reason === "partition-key" };
}

const OFFSET = /^(?:0|[1-9]\d{0,29})$/;

function requireOffset(offset: string): void {
  if (typeof offset === "string" && OFFSET.test(offset)) return;
  const received = typeof offset === "string" ? `a string of ${offset.length} characters` : typeof offset;
  throw ociError("invalid-argument", `a position of OCI Streaming is an offset, a decimal number; received ${received}`);
}

/** @throws `invalid-argument` for a malformed one */
export function compareOffsets(a: string, b: string): number {
  requireOffset(a);
  requireOffset(b);
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Compares two positions of one partition: `<offset>` or `<offset>/<index>`. @throws `invalid-argument` for a malformed one */
export function comparePositions(a: string, b: string): number {
  return comparePackedPositions(a, b, compareOffsets);
}
