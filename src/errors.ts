import type { Capabilities } from "./capabilities.ts";
import type { Receipt } from "./receipt.ts";
import type { Position } from "./tokens.ts";

/**
 * The kind of an error, the same for all providers. Act on the code, not on the message.
 *
 * - `invalid-argument`: the caller's input can never work as it is.
 * - `configuration`: unknown scheme, setting or driver, or an SDK that is not installed.
 * - `unauthenticated`: the credentials are not accepted. `permission-denied`: they do not permit this.
 * - `not-found`, `already-exists`, `conflict`: the state of a topic or group does not allow it.
 * - `throttled`, `unavailable`, `timeout`: try again later; nothing was stored.
 * - `too-large`: over a declared limit.
 * - `unsupported`: a capability is missing; `capability` names it.
 * - `position-out-of-range`: retention has passed the position. `position-mismatch`: it belongs to another topic.
 * - `key-blocked`: an earlier message of the key failed; this one was never handed to the provider.
 * - `ownership-lost`: the partition belongs to another member now.
 * - `outcome-unknown`: the message may be stored or not, the change may be made or not.
 * - `handler-failed`: the application's handler threw. `corrupt`: stored bytes cannot be decoded, or not be read at all.
 * - `closed`: used after, or cut short by, `close`. `internal`: a defect of streamport or of an adapter.
 */
export type StreamErrorCode =
  | "invalid-argument"
  | "configuration"
  | "unauthenticated"
  | "permission-denied"
  | "not-found"
  | "already-exists"
  | "conflict"
  | "throttled"
  | "unavailable"
  | "timeout"
  | "too-large"
  | "unsupported"
  | "position-out-of-range"
  | "position-mismatch"
  | "key-blocked"
  | "ownership-lost"
  | "outcome-unknown"
  | "handler-failed"
  | "corrupt"
  | "closed"
  | "internal";

/** The result of each message of a `sendBatch` that failed. */
export interface BatchOutcome {
  /** In input order; `null` where it failed. */
  readonly receipts: readonly (Receipt | null)[];
  readonly failures: readonly { readonly index: number; readonly error: StreamError }[];
}

/** `cause`: the vendor's error. */
export type StreamErrorDetails = { cause?: unknown } & Partial<
  Pick<StreamError, "retryable" | "provider" | "operation" | "topic" | "partition" | "position" | "capability" | "batch" | "stored">
>;

/** Codes that are retryable unless the details say otherwise. An unknown code is not. */
const RETRYABLE: ReadonlySet<StreamErrorCode> = new Set(["throttled", "unavailable", "timeout"]);

/** The same symbol in every copy of the package: an error is recognised by it, never by the class. */
const MARKER = Symbol.for("streamport.error");

/** The only error class. The message names what was received and what is allowed, never a payload, key or credential. */
export class StreamError extends Error {
  readonly code: StreamErrorCode;
  /** The same call may succeed later. */
  readonly retryable: boolean;
  readonly provider: string | undefined;
  /** `"send"`, `"consume"`, `"read"`, `"admin.createTopic"`, … */
  readonly operation: string | undefined;
  readonly topic: string | undefined;
  readonly partition: string | undefined;
  /** The message it is about. */
  readonly position: Position | undefined;
  /** Of `unsupported`. */
  readonly capability: keyof Capabilities | undefined;
  /** Of `sendBatch`. */
  readonly batch: BatchOutcome | undefined;
  /** Of `sendStream`: how many messages from the start are certainly stored. */
  readonly stored: number | undefined;

  constructor(code: StreamErrorCode, message: string, details: StreamErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? RETRYABLE.has(code);
    this.provider = details.provider;
    this.operation = details.operation;
    this.topic = details.topic;
    this.partition = details.partition;
    this.position = details.position;
    this.capability = details.capability;
    this.batch = details.batch;
    this.stored = details.stored;
  }

  /** Also true for an error of another copy of this package. */
  static override [Symbol.hasInstance](value: unknown): value is StreamError {
    return typeof value === "object" && value !== null && MARKER in value;
  }
}

Object.defineProperty(StreamError.prototype, "name", { value: "StreamError", configurable: true, writable: true });
Object.defineProperty(StreamError.prototype, MARKER, { value: true });

/** `isStreamError(error)`, or `isStreamError(error, "throttled", "unavailable")`. */
export function isStreamError<Code extends StreamErrorCode = StreamErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is StreamError & { readonly code: Code } {
  return error instanceof StreamError && (codes.length === 0 || (codes as readonly StreamErrorCode[]).includes(error.code));
}

/** The same error, with the details that only the outer layer knows filled in: provider, topic, operation. */
export function withContext(error: StreamError, context: StreamErrorDetails): StreamError {
  const missing = (Object.keys(context) as (keyof StreamErrorDetails)[]).some(
    (name) => error[name] === undefined && context[name] !== undefined,
  );
  if (!missing) return error;
  return new StreamError(error.code, error.message, {
    cause: error.cause ?? context.cause,
    retryable: error.retryable,
    provider: error.provider ?? context.provider,
    operation: error.operation ?? context.operation,
    topic: error.topic ?? context.topic,
    partition: error.partition ?? context.partition,
    position: error.position ?? context.position,
    capability: error.capability ?? context.capability,
    batch: error.batch ?? context.batch,
    stored: error.stored ?? context.stored,
  });
}
