import type { Backoff } from "../back-off.ts";
import type { BatchOptions } from "../batch-options.ts";
import type { CallOptions, CloseOptions } from "../call-options.ts";
import type { StreamError } from "../errors.ts";
import type { Lag } from "../lag.ts";
import type { Message } from "../message.ts";
import type { Gap } from "../position/range-types.ts";
import type { Bookmark, Position } from "../tokens.ts";

/** One member of a group. It does one of `run`, `runBatches` and iteration, once, and joins the group then. */
export interface Consumer<T> extends AsyncIterable<Message<T>>, AsyncDisposable {
  /**
   * Handles messages until closed. One key is handled one at a time and in order; different keys up to `concurrency` at once.
   * A message counts as handled when the handler returns, or its promise resolves.
   * While the provider is away, also before it has been reached for the first time, it goes on trying until closed (`streamport:retry` reports each attempt).
   * Resolves when closed; rejects on a fatal error (`handler-failed` after `onFailure: "stop"`, authorisation, `position-out-of-range`…).
   */
  run(handler: MessageHandler<T>): Promise<void>;
  /** As `run`, by batches of one partition; no key is in two running batches. If the handler fails, the whole batch is handled again. */
  runBatches(handler: BatchHandler<T>): Promise<void>;
  /**
   * One message after the other: asking for the next says that the last is handled. Leaving the loop (break, throw) closes the
   * consumer, and its message is redelivered. `concurrency`, `retry`, `batch` and `handlerTimeoutMs` are refused here.
   */
  [Symbol.asyncIterator](): AsyncIterator<Message<T>, void, void>;
  /** Partitions this member holds now. */
  readonly assigned: readonly string[];
  /** For health checks and dashboards; no calls. */
  status(): ConsumerStatus;
  /**
   * Of this member's partitions; of all of them until the group has said which are its own. A group that stands nowhere is counted from its initial position.
   * @throws `unsupported` where neither `lagInMessages` nor `lagInTime` holds · `not-found` where it stands nowhere and `initialPosition` is `"fail"`
   */
  lag(options?: CallOptions): Promise<Lag>;
  /** Starts no further handler until `resume`; stays in the group. */
  pause(): void;
  resume(): void;
  /** Finishes running handlers, commits and leaves the group. Do not await it inside a handler. */
  close(options?: CloseOptions): Promise<void>;
}

export interface ConsumerStatus {
  /** `joining`: until the group has said this member's share (which may be none), and again while contact with the group is lost. */
  readonly state: "idle" | "joining" | "running" | "paused" | "draining" | "closed" | "failed";
  readonly running: number;
  readonly buffered: number;
  /** The message that holds its partition back the longest; `null` when all is handled. */
  readonly oldest: { readonly partition: string; readonly position: Position; readonly attempts: number; readonly sinceMs: number } | null;
  readonly lastCommit: Date | null;
}

export type MessageHandler<T> = (message: Message<T>, context: HandlerContext) => unknown;

export type BatchHandler<T> = (messages: readonly Message<T>[], context: BatchContext<T>) => unknown;

export interface HandlerContext {
  /** Aborts when the result no longer counts; the reason is a `StreamError`: `ownership-lost`, `timeout` or `closed`. */
  readonly signal: AbortSignal;
  /** 1 at first; counts on where the provider counts deliveries, else from 1 after a restart or a rebalance. */
  readonly attempt: number;
  /** A fencing token for the handler's own writes: a decimal integer, compare as BigInt; `null` where the provider names no owner; starts again when the group was deleted or expired. */
  readonly epoch: string | null;
}

export interface BatchContext<T> extends HandlerContext {
  /**
   * Fails one message: it and those of its key behind it are handled again, the rest of the batch counts as handled. A message
   * without a key stands alone. With `order: "partition"` everything behind it is handled again.
   */
  fail(message: Message<T>, error: unknown): void;
}

export interface ConsumerOptions {
  /** Scoped to the topic: the same name on two topics is two groups. */
  group: string;
  /** Where a group starts that has no position yet. Else it goes on where it stopped; to move it, `admin.resetGroup`. `fail`: `not-found` then. @default "earliest" */
  initialPosition?: "earliest" | "latest" | "fail" | { timestamp: Date | number } | { bookmark: Bookmark } | undefined;
  /** What is handled in order: each key, each partition, or nothing. @default "key" */
  order?: "key" | "partition" | "none" | undefined;
  /** How far a partition may run ahead of its oldest unfinished message before it pauses. @default 10_000 */
  maxAhead?: number | undefined;
  /** Handlers, or batches, at once. @default 1 */
  concurrency?: number | undefined;
  /** Attempts before `onFailure`. */
  retry?: RetryOptions | undefined;
  /** What is done with a message that failed for good; its key goes on afterwards. @default "stop" */
  onFailure?: FailureAction | ((failure: Failure) => FailureAction | Promise<FailureAction>) | undefined;
  /** After this time the signal aborts and the attempt has failed; the next starts when the handler has settled. If it has not after twice the time, `run` rejects. @default none */
  handlerTimeoutMs?: number | undefined;
  batch?: BatchOptions | undefined;
  /**
   * How often progress is stored, whichever comes first; always on revocation and close. @default 1_000 ms, 10_000 messages of a partition;
   * a count that is given is of all partitions together.
   * `ahead`: also what is handled behind an unfinished message, so that it is not handled again (`capabilities.handledAhead`). @default true
   */
  commit?: { everyMs?: number | undefined; everyMessages?: number | undefined; ahead?: boolean | undefined } | undefined;
  /** Silence after which a member's partitions go to others. @default 30_000 */
  sessionTimeoutMs?: number | undefined;
  /** Drops messages that a migration carried and the group had handled before. `true` is `unsupported` where nothing can be stored with a group: without `startAtPosition`. @default false */
  skipMigrated?: boolean | undefined;
  /** Bound of what is fetched and not yet handled. @default 33_554_432 */
  maxBufferedBytes?: number | undefined;
  /** Retention has passed the group's position. Absent: `position-out-of-range`. Present: it is called, then the group goes on behind the gap. */
  onGap?: ((gap: Gap) => unknown) | undefined;
  onAssigned?: ((partitions: readonly string[]) => unknown) | undefined;
  /** Awaited before the partitions are handed over; running handlers have settled or been aborted. */
  onRevoked?: ((partitions: readonly string[]) => unknown) | undefined;
}

export interface RetryOptions extends Backoff {
  /** Calls of the handler in all. @default 5 */
  maxAttempts?: number | undefined;
  /** `false`: this error is not worth another attempt. Answers at once, with a boolean; anything else ends `run`, as a throw does. */
  retryable?: ((error: unknown) => boolean) | undefined;
}

/**
 * `stop`: `run` rejects and the group stays before the message. `skip`: counts as handled. `deadLetter`: stored in that topic first, same
 * key, bytes and headers, plus the headers `streamport-failure-` `code`, `message`, `attempts`, `topic`, `partition`, `position`, `group`, `time`;
 * what does not fit is truncated, then dropped to the code. A fixed target is checked when `run` starts, one named by a function at its first use: if it fails, `run` rejects
 * and the group stays before the message.
 */
export type FailureAction = "stop" | "skip" | { deadLetter: string };

export interface Failure {
  /**
   * `handler-failed` or `timeout`, with what the handler threw as `cause`; `corrupt` where decoding failed, or where no client can read what
   * is stored: one failure, however many messages it held; its message names the first and the last, its `position` is the last.
   */
  readonly error: StreamError;
  readonly attempts: number;
  /** Undecoded. Of what no client can read: without a key and headers, with an empty value and the beginning of the epoch as its time. */
  readonly message: Message<Uint8Array | null>;
}
