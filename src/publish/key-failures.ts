import type { StreamError } from "../errors.ts";
import type { TopicContext } from "../topic-context.ts";
import type { Lane } from "./lane.ts";
import type { PendingMessage } from "./pending-message.ts";
import { sendError } from "./publish-context.ts";
import type { RefusedMessage } from "./settle-slice.ts";

/** From which place of its lane on the messages of a key fail, and because of what. */
interface BlockedKey {
  readonly cause: StreamError;
  readonly from: number;
}

/** Fails messages for good, and in the same step those of their keys that come behind them in the lane. */
export class KeyFailures {
  readonly #context: TopicContext;
  readonly #hold: boolean;
  readonly #discard: (message: PendingMessage) => void;
  /** Keys that stay blocked until they are released, with the error that blocked them. */
  readonly #held = new Map<string, StreamError>();

  /** `discard` takes a message out of the queue that it is in; it is not called for one in an unresolved call. */
  constructor(context: TopicContext, hold: boolean, discard: (message: PendingMessage) => void) {
    this.#context = context;
    this.#hold = hold;
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
   * `failures` have left the lane by a definite answer; what the lane still has of their keys comes behind them, save those
   * that stood in front of them in the same call and were put back at the lane's head.
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

  /** Fails those for which `verdictOf` has an error, and behind each the others of its key. */
  failInOrder(lane: Lane, verdictOf: (message: PendingMessage) => StreamError | null, blocked = new Map<string, BlockedKey>()): void {
    let at = 0;
    for (const message of lane.messages()) {
      const place = at;
      at += 1;
      const verdict = verdictOf(message);
      if (verdict !== null) {
        this.#block(message, verdict, place, blocked);
        this.#reject(message, verdict);
        continue;
      }
      const key = message.keyText === null ? undefined : blocked.get(message.keyText);
      if (key !== undefined && place >= key.from) this.#reject(message, this.#followerError(message, key.cause));
    }
  }

  unknown(what: string, cause: unknown): StreamError {
    return sendError(this.#context, "outcome-unknown", `the message ${what}; it may be stored or not`, { cause });
  }

  #block(message: PendingMessage, error: StreamError, from: number, blocked: Map<string, BlockedKey>): void {
    if (message.keyText === null) return;
    if (!blocked.has(message.keyText)) blocked.set(message.keyText, { cause: error, from });
    if (this.#hold && !this.#held.has(message.keyText)) this.#held.set(message.keyText, error);
  }

  #followerError(message: PendingMessage, cause: StreamError): StreamError {
    return message.maybeStored || message.state === "sent"
      ? this.unknown("was given up because an earlier one of its key failed", cause)
      : sendError(this.#context, "key-blocked", "an earlier message of this key failed; this one was not stored", { cause });
  }

  #reject(message: PendingMessage, error: StreamError): void {
    if (message.state === "sent") message.lane?.call?.giveUpOne();
    else this.#discard(message);
    message.reject(error);
  }
}
