import { type StreamError, isStreamError } from "../../errors.ts";
import type { Producer } from "../../publish/producer-types.ts";
import type { OutgoingBytes } from "./outgoing-line.ts";

/** A message with the line of the input that it came from. */
export interface NumberedMessage {
  readonly line: number;
  readonly message: OutgoingBytes;
}

export interface FailedLine {
  readonly line: number;
  readonly error: StreamError;
}

/** The number of batches in flight: enough to keep a provider busy, with only a few chunks of input in memory. */
const MAX_OPEN_BATCHES = 8;

/**
 * Sends messages batch by batch, in order, a few batches at once, and records the outcome of every line: after a failure it is known
 * which lines are stored and which are not. `sendStream` does not report that.
 */
export class LineSender {
  readonly #producer: Pick<Producer<Uint8Array | null>, "sendBatch">;
  readonly #open = new Set<Promise<void>>();
  readonly #failed: FailedLine[] = [];
  readonly #failure = new AbortController();
  #storedCount = 0;

  constructor(producer: Pick<Producer<Uint8Array | null>, "sendBatch">) {
    this.#producer = producer;
  }

  /** Aborts at the first failure, with it as the reason. */
  get failure(): AbortSignal {
    return this.#failure.signal;
  }

  get storedCount(): number {
    return this.#storedCount;
  }

  /** Lines that are not stored, or perhaps (`outcome-unknown`), in the order of the input. */
  get failed(): readonly FailedLine[] {
    return this.#failed.toSorted((a, b) => a.line - b.line);
  }

  /** Begins to send, in the order of the calls. Resolves when there is room for more, so the provider sets the pace. Never rejects. */
  async send(messages: readonly NumberedMessage[]): Promise<void> {
    const sent: Promise<void> = this.#sendBatch(messages).finally(() => this.#open.delete(sent));
    this.#open.add(sent);
    while (this.#open.size >= MAX_OPEN_BATCHES) await Promise.race(this.#open);
  }

  /** Resolves when the outcome of every message is known. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#open);
  }

  async #sendBatch(messages: readonly NumberedMessage[]): Promise<void> {
    try {
      const receipts = await this.#producer.sendBatch(messages.map(({ message }) => message));
      this.#storedCount += receipts.length;
    } catch (error) {
      if (!isStreamError(error) || error.batch === undefined) throw error;
      const { failures } = error.batch;
      this.#storedCount += messages.length - failures.length;
      for (const failure of failures) this.#failed.push({ line: messages[failure.index]!.line, error: failure.error });
      this.#failure.abort(error);
    }
  }
}
