import type { StreamError } from "../errors.ts";
import type { TopicContext } from "../topic-context.ts";
import type { Lane } from "./lane.ts";
import type { PendingMessage } from "./pending-message.ts";
import { sendError } from "./send-error.ts";
import type { RefusedMessage } from "./settle-slice.ts";

/** The messages of a key fail from the place `from` of their lane on, because of `cause`. */
interface BlockedKey {
  readonly cause: StreamError;
  readonly from: number;
}

/** Fails messages for good, and in the same step the later messages of the same keys in the lane. */
export class KeyFailures {
  readonly #context: TopicContext;
  readonly #holds: boolean;
  readonly #discard: (message: PendingMessage) => void;
  /** Keys that stay blocked until they are released, with the error that blocked them. */
  readonly #held = new Map<string, StreamError>();

  /** @param discard removes a message from its queue; not called for a message in an unresolved call */
  constructor(context: TopicContext, holds: boolean, discard: (message: PendingMessage) => void) {
    this.#context = context;
    this.#holds = holds;
    this.#discard = discard;
  }

  /** @throws `key-blocked` for a key that is held */
  requireNotHeld(keyText: string | null): void {
    if (this.#held.size === 0 || keyText === null) return;
    const cause = this.#held.get(keyText);
    if (cause !== undefined) {
      const text = 'an earlier message of this key failed, and with onKeyFailure "hold" the key waits for releaseKey(key)';
      throw sendError(this.#context, "key-blocked", text, { cause });
    }
  }

  release(keyText: string): void {
    this.#held.delete(keyText);
  }

  /**
   * A definite answer has taken `failures` out of the lane. The lane's other messages of their keys come after them, except those that
   * stood before them in the same call and were put back at the head of the lane.
   */
  failAnswered(lane: Lane, failures: readonly RefusedMessage[]): void {
    const blocked = new Map<string, BlockedKey>();
    for (const { message, error, retriedBefore } of failures) {
      const final = message.maybeStored ? this.unknown(`was given up (${error.message})`, error) : error;
      this.#block(message, final, retriedBefore, blocked);
      message.reject(final);
    }
    if (blocked.size > 0) this.failInOrder(lane, () => null, blocked);
  }

  /**
   * Fails the messages for which `errorOf` has an error, and the later messages of their keys. A later message fails because of the earlier
   * one even where it has an error of its own: its outcome does not depend on how late a timer fires.
   */
  failInOrder(lane: Lane, errorOf: (message: PendingMessage) => StreamError | null, blocked = new Map<string, BlockedKey>()): void {
    let at = 0;
    for (const message of lane.messages()) {
      const place = at;
      at += 1;
      const key = message.keyText === null ? undefined : blocked.get(message.keyText);
      if (key !== undefined && place >= key.from) {
        this.#reject(message, this.#followerError(message, key.cause));
        continue;
      }
      const error = errorOf(message);
      if (error === null) continue;
      this.#block(message, error, place, blocked);
      this.#reject(message, error);
    }
  }

  /** Fails all messages of the lane for a reason that they share: none fails because of another. */
  failAll(lane: Lane, errorOf: (message: PendingMessage) => StreamError): void {
    for (const message of lane.messages()) {
      const error = errorOf(message);
      this.#hold(message, error);
      this.#reject(message, error);
    }
  }

  unknown(what: string, cause: unknown): StreamError {
    return sendError(this.#context, "outcome-unknown", `the message ${what}; it may be stored or not`, { cause });
  }

  #block(message: PendingMessage, error: StreamError, from: number, blocked: Map<string, BlockedKey>): void {
    if (message.keyText === null) return;
    if (!blocked.has(message.keyText)) blocked.set(message.keyText, { cause: error, from });
    this.#hold(message, error);
  }

  #hold({ keyText }: PendingMessage, error: StreamError): void {
    if (this.#holds && keyText !== null && !this.#held.has(keyText)) this.#held.set(keyText, error);
  }

  #followerError(message: PendingMessage, cause: StreamError): StreamError {
    return message.maybeStored || message.state === "sent"
      ? this.unknown("was given up because an earlier message of its key failed", cause)
      : sendError(this.#context, "key-blocked", "an earlier message of this key failed; this one was not stored", { cause });
  }

  #reject(message: PendingMessage, error: StreamError): void {
    if (message.state === "sent") message.lane?.call?.callerGaveUp();
    else this.#discard(message);
    message.reject(error);
  }
}
