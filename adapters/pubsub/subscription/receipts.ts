import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers";
import type { ReceivedMessage } from "../records.ts";
import type { AckCalls } from "./ack-calls.ts";
import { HeldKeys } from "./held-keys.ts";
import type { Leases } from "./leases.ts";

/** A message whose lease is over comes again by then, if it comes to this member. */
const AGAIN_MS = 2_000;
/** A time that is measured in such steps is not over because this process was busy. */
const STEP_MS = 1_000;

/** On an exactly-once subscription a message is this member's only if its lease could be extended. */
export class Receipts {
  readonly #calls: AckCalls;
  readonly #leases: Leases;
  readonly #deadlineSeconds: number;
  readonly #closing: AbortSignal;
  readonly #arrive: (messages: readonly ReceivedMessage[]) => void;
  readonly #held = new HeldKeys();
  /** One after the other, in the order of the stream. */
  #confirming: Promise<void> = Promise.resolve();
  #givingUp: NodeJS.Timeout | null = null;

  /** @param arrive called with what can be handled now */
  constructor(
    calls: AckCalls,
    leases: Leases,
    deadlineSeconds: number,
    closing: AbortSignal,
    arrive: (messages: readonly ReceivedMessage[]) => void,
  ) {
    this.#calls = calls;
    this.#leases = leases;
    this.#deadlineSeconds = deadlineSeconds;
    this.#closing = closing;
    this.#arrive = arrive;
  }

  confirm(messages: readonly ReceivedMessage[]): void {
    this.#confirming = this.#confirming.then(async () => this.#confirm(messages));
  }

  async #confirm(messages: readonly ReceivedMessage[]): Promise<void> {
    const ackIds = messages.map(({ ackId }) => ackId);
    const refused = await this.#calls.modify(ackIds, this.#deadlineSeconds, this.#closing).catch(() => null);
    const lost = refused ?? new Set(ackIds);
    for (const { ackId, message } of messages) if (lost.has(ackId)) this.#leases.forget(message.messageId ?? "");
    // A call that has failed may have been carried out, so that the lease goes on; what was refused comes again at once, to somebody.
    const againMs = refused === null ? this.#deadlineSeconds * 1_000 : AGAIN_MS;
    this.#arrive(this.#held.take(messages, lost, performance.now() + againMs));
    this.#giveUpInTime();
  }

  /** What is missing may have gone to another member, which must not wait for what is held behind it here. */
  #giveUpInTime(): void {
    if (this.#held.isEmpty || this.#givingUp !== null) return;
    this.#givingUp = setTimeout(() => {
      this.#givingUp = null;
      const given = this.#leases.release(this.#held.giveUp(performance.now()), this.#closing);
      // They come again when their leases have run out.
      given.catch(() => undefined);
      this.#giveUpInTime();
    }, STEP_MS).unref();
  }
}
