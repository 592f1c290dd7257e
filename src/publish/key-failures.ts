import type { StreamError } from "../errors.ts";
import type { Lane } from "./lane.ts";
import type { PendingMessage } from "./pending-message.ts";
import { type PublishContext, sendError } from "./publish-context.ts";

/** Fails messages for good, and in the same step those of their keys that come behind them in the lane. */
export class KeyFailures {
  readonly #context: PublishContext;
  readonly #hold: boolean;
  readonly #discard: (message: PendingMessage) => void;
  /** Keys that stay blocked until they are released, with the error that blocked them. */
  readonly #held = new Map<string, StreamError>();

  /** `discard` takes a message out of the queue that it is in; it is not called for one in an unresolved call. */
  constructor(context: PublishContext, hold: boolean, discard: (message: PendingMessage) => void) {
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

  /** `failures` have left the lane by a definite answer; what the lane still has of their keys comes behind them. */
  failAnswered(lane: Lane, failures: readonly { readonly message: PendingMessage; readonly error: StreamError }[]): void {
    const blocked = new Map<string, StreamError>();
    for (const { message, error } of failures) {
      const final = message.maybeStored ? this.unknown("was refused, but an earlier attempt may have stored it", error) : error;
      this.#block(message, final, blocked);
      message.reject(final);
    }
    if (blocked.size > 0) this.failInOrder(lane, () => null, blocked);
  }

  /** Fails those for which `verdictOf` has an error, and behind each the others of its key. */
  failInOrder(lane: Lane, verdictOf: (message: PendingMessage) => StreamError | null, blocked = new Map<string, StreamError>()): void {
    for (const message of lane.messages()) {
      const verdict = verdictOf(message);
      if (verdict !== null) {
        this.#block(message, verdict, blocked);
        this.#reject(message, verdict);
        continue;
      }
      const cause = message.keyText === null ? undefined : blocked.get(message.keyText);
      if (cause !== undefined) this.#reject(message, this.#followerError(message, cause));
    }
  }

  unknown(what: string, cause: unknown): StreamError {
    return sendError(this.#context, "outcome-unknown", `the message ${what}; it may be stored or not`, { cause });
  }

  #block(message: PendingMessage, error: StreamError, blocked: Map<string, StreamError>): void {
    if (message.keyText === null) return;
    if (!blocked.has(message.keyText)) blocked.set(message.keyText, error);
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
