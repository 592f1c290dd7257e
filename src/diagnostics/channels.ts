import { type Channel, type TracingChannel, channel, tracingChannel } from "node:diagnostics_channel";
import type { StreamError } from "../errors.ts";
import type { Position } from "../tokens.ts";

/**
 * Lifecycle events, on `node:diagnostics_channel`. No event carries a payload, a key or a credential; no event is built
 * without a subscriber (`hasSubscribers`). Names of channels and properties are public: see `diagnostics/README.md`.
 */
export const channels = {
  /** Tracing channel: start when `send` is called (may add headers), asyncEnd when it has settled. */
  send: tracingChannel<"streamport:send", SendEvent>("streamport:send") as TracingChannel<unknown, SendEvent>,
  /** Tracing channel: around each call of a handler; its context is active in the handler. `asyncEnd` only where it returns a promise. */
  handle: tracingChannel<"streamport:handle", HandleEvent>("streamport:handle") as TracingChannel<unknown, HandleEvent>,
  /** A request to the provider. */
  call: channel("streamport:call") as Channel<unknown, CallEvent>,
  retry: channel("streamport:retry") as Channel<unknown, RetryEvent>,
  throttle: channel("streamport:throttle") as Channel<unknown, ThrottleEvent>,
  /** Records have arrived at a consumer or reader. */
  deliver: channel("streamport:deliver") as Channel<unknown, DeliverEvent>,
  commit: channel("streamport:commit") as Channel<unknown, CommitEvent>,
  assign: channel("streamport:assign") as Channel<unknown, OwnershipEvent>,
  revoke: channel("streamport:revoke") as Channel<unknown, OwnershipEvent>,
  gap: channel("streamport:gap") as Channel<unknown, GapEvent>,
  warning: channel("streamport:warning") as Channel<unknown, WarningEvent>,
} as const;

interface TopicEvent {
  readonly provider: string;
  readonly topic: string;
}

export interface SendEvent extends TopicEvent {
  readonly messages: number;
  /** A subscriber of `start` may add headers (trace context); they are sent with every message of the call. */
  readonly headers: Record<string, string>;
  /** Set at the end. */
  error?: unknown;
}

export interface HandleEvent extends TopicEvent {
  readonly group: string;
  readonly partition: string;
  /** Of the first message. */
  readonly position: Position;
  /** Of the first message. */
  readonly timestamp: Date;
  readonly messages: number;
  readonly attempt: number;
  /** Of the first message, for links; never the key or the value. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the handler threw, or rejected with. */
  error?: unknown;
}

export interface CallEvent {
  readonly provider: string;
  readonly topic: string | null;
  readonly operation: string;
  readonly bytes: number;
  readonly messages: number | null;
  readonly durationMs: number | null;
}

export interface RetryEvent {
  readonly provider: string;
  readonly topic: string | null;
  readonly operation: string;
  readonly error: StreamError;
  readonly delayMs: number;
}

export interface ThrottleEvent {
  readonly provider: string;
  readonly topic: string | null;
  readonly operation: string;
  readonly delayMs: number | null;
}

export interface DeliverEvent extends TopicEvent {
  readonly group: string | null;
  readonly partition: string;
  readonly messages: number;
  readonly bytes: number;
}

export interface CommitEvent extends TopicEvent {
  readonly group: string;
  readonly partition: string;
  readonly position: Position | null;
  readonly error: StreamError | null;
}

export interface OwnershipEvent extends TopicEvent {
  readonly group: string;
  readonly partition: string;
  readonly epoch: string | null;
  /** Of `revoke`: whether it was taken without notice. */
  readonly lost: boolean;
}

export interface GapEvent extends TopicEvent {
  readonly group: string | null;
  readonly partition: string;
  readonly missing: number | null;
}

export interface WarningEvent {
  readonly provider: string;
  readonly topic: string | null;
  readonly text: string;
}
