import type { HeaderList, OutgoingRecord } from "../driver/record.ts";
import type { StreamError } from "../errors.ts";
import type { StoredTime } from "../stored-time.ts";
import type { Lane } from "./lane.ts";
import type { StoredSlice } from "./receipt.ts";
import type { FlushScope } from "./unsettled-messages.ts";

/** One call of `send`, `sendBatch` or `sendStream`: what its messages report to. Each message reports exactly once. */
export interface SendGroup {
  stored(message: PendingMessage, slice: StoredSlice, at: number): void;
  failed(message: PendingMessage, error: unknown): void;
  /** Taken back by the caller's signal before it left. */
  withdrawn(message: PendingMessage, reason: unknown): void;
  /** Message number `index` of the call was not accepted at all. */
  refused(index: number, error: StreamError): void;
  /** Those that have not settled. */
  openMessages(): Iterable<PendingMessage>;
  /** The caller's signal was aborted; its messages have been told. */
  aborted(reason: unknown): void;
}

/** A message whose size is not known yet counts as this much. */
export const UNENCODED_BYTES = 1024;

export const NO_HEADERS: HeaderList = Object.freeze([]);

/**
 * Where a message stands. `encoding`: holds its slot only. `waiting`: for room. `admitted`: may go into a call.
 * `sent`: in an unresolved call. `settled`: its caller knows what became of it, though a call may still carry it.
 */
export type MessageState = "encoding" | "waiting" | "admitted" | "sent" | "settled";

/** What the core remembers of one message, which is also the record that the driver reads: one object, no closures. */
export class PendingMessage implements OutgoingRecord {
  readonly key: Uint8Array | null;
  value: Uint8Array | null = null;
  headers: HeaderList = NO_HEADERS;
  readonly timestampMs: StoredTime | null;
  readonly toPartition: string | undefined;
  /** The key as text: what tells the messages of one key. */
  readonly keyText: string | null;
  /** The call of `send`, `sendBatch` or `sendStream` that it belongs to, and its place there. */
  readonly group: SendGroup;
  readonly index: number;
  /** On the clock of `nowMs`. */
  readonly deadlineMs: number;
  readonly flushScope: FlushScope;
  /** As the provider counts them. */
  bytes: number = UNENCODED_BYTES;
  state: MessageState = "encoding";
  /** It was in a call of unknown outcome. */
  maybeStored = false;
  lane: Lane | null = null;

  constructor(
    key: Uint8Array | null,
    keyText: string | null,
    timestampMs: StoredTime | null,
    toPartition: string | undefined,
    group: SendGroup,
    index: number,
    deadlineMs: number,
    flushScope: FlushScope,
  ) {
    this.key = key;
    this.keyText = keyText;
    this.timestampMs = timestampMs;
    this.toPartition = toPartition;
    this.group = group;
    this.index = index;
    this.deadlineMs = deadlineMs;
    this.flushScope = flushScope;
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

  /** Taken back by its caller before it left. */
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
