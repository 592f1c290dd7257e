import type { HeaderList, OutgoingRecord } from "../driver/record.ts";
import type { StreamError } from "../errors.ts";
import type { StoredTime } from "../stored-time.ts";
import type { Lane } from "./lane.ts";
import type { StoredSlice } from "./receipt.ts";
import type { FlushScope } from "./unsettled-messages.ts";

/** One call of `send`, `sendBatch` or `sendStream`, to which its messages report. Each message reports exactly once. */
export interface SendGroup {
  stored(message: PendingMessage, slice: StoredSlice, at: number): void;
  failed(message: PendingMessage, error: unknown): void;
  /** The caller's signal was aborted before the message was sent. */
  withdrawn(message: PendingMessage, reason: unknown): void;
  /** Message number `index` of the call was not accepted at all. */
  refused(index: number, error: StreamError): void;
  /** The messages that have not settled. */
  openMessages(): Iterable<PendingMessage>;
  /** The caller's signal was aborted; each open message has reported before. */
  aborted(reason: unknown): void;
}

/** A message whose size is not known yet counts as this much. */
export const UNENCODED_BYTES = 1024;

export const NO_HEADERS: HeaderList = Object.freeze([]);

/**
 * The state of a message. `encoding`: it holds its slot only. `waiting`: it waits for room. `admitted`: it may go into a call.
 * `sent`: it is in an unresolved call. `settled`: its caller knows the outcome, though a call may still carry it.
 */
export type MessageState = "encoding" | "waiting" | "admitted" | "sent" | "settled";

/** A key in both of its forms. */
export interface MessageKey {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** What all messages of one call share. */
export interface MessageOrigin {
  readonly group: SendGroup;
  /** On the clock of `nowMs`. */
  readonly deadlineMs: number;
}

/** What the core remembers of one message, which is also the record that the driver reads: one object, no closures. */
export class PendingMessage implements OutgoingRecord {
  readonly key: Uint8Array | null;
  value: Uint8Array | null = null;
  headers: HeaderList = NO_HEADERS;
  readonly timestampMs: StoredTime | null;
  readonly toPartition: string | undefined;
  /** Messages with the same text have the same key. */
  readonly keyText: string | null;
  /** The call of `send`, `sendBatch` or `sendStream` that the message belongs to, and its number there. */
  readonly group: SendGroup;
  readonly index: number;
  readonly deadlineMs: number;
  readonly flushScope: FlushScope;
  /** As the provider counts them. */
  bytes: number = UNENCODED_BYTES;
  state: MessageState = "encoding";
  /** The message was in a call of unknown outcome. */
  maybeStored = false;
  lane: Lane | null = null;

  /** Takes no object of its own for these: one made for each message was measured to slow down `sendBatch` by some per cent. */
  constructor(
    key: MessageKey | null,
    timestampMs: StoredTime | null,
    toPartition: string | undefined,
    origin: MessageOrigin,
    index: number,
    flushScope: FlushScope,
  ) {
    this.key = key === null ? null : key.bytes;
    this.keyText = key === null ? null : key.text;
    this.timestampMs = timestampMs;
    this.toPartition = toPartition;
    this.group = origin.group;
    this.index = index;
    this.deadlineMs = origin.deadlineMs;
    this.flushScope = flushScope;
  }

  enterLane(lane: Lane): void {
    this.lane = lane;
  }

  /** The codec has encoded the value; `bytes` is the size of the whole message as the provider counts it. */
  encoded(value: Uint8Array | null, headers: HeaderList, bytes: number): void {
    this.value = value;
    this.headers = headers;
    this.bytes = bytes;
    this.state = "waiting";
  }

  markAdmitted(): void {
    this.state = "admitted";
  }

  markSent(): void {
    this.state = "sent";
  }

  /** A call that carried the message has an unknown outcome. */
  markMaybeStored(): void {
    this.maybeStored = true;
  }

  /** The queue no longer counts the message; its caller is informed next. */
  discarded(): void {
    this.state = "settled";
  }

  /** Durably stored, as number `at` of a slice. */
  resolve(slice: StoredSlice, at: number): void {
    this.state = "settled";
    this.group.stored(this, slice, at);
    this.flushScope.leave();
  }

  reject(error: unknown): void {
    this.state = "settled";
    this.group.failed(this, error);
    this.flushScope.leave();
  }

  /** Its caller aborted it before it was sent. */
  withdraw(reason: unknown): void {
    this.state = "settled";
    this.group.withdrawn(this, reason);
    this.flushScope.leave();
  }
}

export function bytesOf(messages: readonly PendingMessage[]): number {
  let bytes = 0;
  for (const message of messages) bytes += message.bytes;
  return bytes;
}
