import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import { abortable } from "../abortable.ts";
import type { StreamError } from "../errors.ts";
import { type Message, ReceivedMessage } from "../message.ts";
import { MessageBatch } from "./message-batch.ts";
import type { RangeBuffer } from "./range-buffer.ts";
import type { ResolvedReaderOptions } from "./reader-options.ts";
import type { RecordDecoder } from "./record-decoder.ts";

type Pulled<Item> = Item | undefined | Promise<Item | undefined>;

/**
 * Takes records out of a range buffer and makes messages of them, at once where nothing has to be awaited. `undefined`: the range
 * has been read, or the application closed the reader. What was taken and not handed out when it closes counts as not read.
 */
export class MessagePuller<T> {
  readonly #buffer: RangeBuffer;
  readonly #decoder: RecordDecoder<T>;
  readonly #batch: ResolvedReaderOptions["batch"];
  readonly #maxBatchBytes: number;
  readonly #closed: AbortSignal;
  /** Came up behind messages that were handed out first. */
  #failure: StreamError | null = null;

  /** @param closed aborts when the reader closes, which also ends the wait for a codec that never answers */
  constructor(
    buffer: RangeBuffer,
    decoder: RecordDecoder<T>,
    { batch, maxBufferedBytes }: Pick<ResolvedReaderOptions, "batch" | "maxBufferedBytes">,
    closed: AbortSignal,
  ) {
    this.#closed = closed;
    this.#buffer = buffer;
    this.#decoder = decoder;
    this.#batch = batch;
    this.#maxBatchBytes = maxBufferedBytes;
  }

  message(): Pulled<Message<T>> {
    const buffer = this.#buffer.nextReady();
    if (buffer === undefined) return this.#oneMessage(undefined);
    const record = this.#buffer.take(buffer);
    const decoded = this.#decoder.decode(buffer.source, record);
    if (decoded instanceof ReceivedMessage) {
      buffer.handOut(record);
      return decoded;
    }
    const batch = new MessageBatch<T>();
    batch.add(buffer, record, decoded);
    return this.#oneMessage(batch);
  }

  /** Of one message: awaits what has to be. */
  async #oneMessage(taken: MessageBatch<T> | undefined): Promise<Message<T> | undefined> {
    for (let batch = taken; ; batch = undefined) {
      batch ??= await this.#fill(1, 0);
      const messages = await this.#settle(batch);
      if (messages === undefined || messages.length > 0) return messages?.[0];
    }
  }

  batch(): Pulled<readonly Message<T>[]> {
    const { maxMessages, maxWaitMs } = this.#batch;
    const batch = new MessageBatch<T>();
    if (this.#failure === null && this.#takeInto(batch, maxMessages) >= (maxWaitMs === 0 ? 1 : maxMessages) && batch.plain) {
      batch.handOut(batch.size);
      return batch.messages();
    }
    return this.#oneBatch(batch);
  }

  async #oneBatch(taken: MessageBatch<T>): Promise<readonly Message<T>[] | undefined> {
    const { maxMessages, maxWaitMs } = this.#batch;
    for (let batch = taken; ; batch = new MessageBatch<T>()) {
      const messages = await this.#settle(await this.#fill(maxMessages, maxWaitMs, batch));
      if (messages === undefined || messages.length > 0) return messages;
    }
  }

  /** Waits for the first record, then up to `maxWaitMs` for more. Empty: the range is over. */
  async #fill(maxMessages: number, maxWaitMs: number, batch: MessageBatch<T> = new MessageBatch<T>()): Promise<MessageBatch<T>> {
    if (this.#failure !== null) return batch;
    let deadline: number | undefined;
    for (;;) {
      this.#takeInto(batch, maxMessages);
      if (batch.size >= maxMessages || batch.bytes >= this.#maxBatchBytes || this.#buffer.over) return batch;
      if (batch.size === 0) {
        await this.#buffer.changed();
        continue;
      }
      deadline ??= performance.now() + maxWaitMs;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return batch;
      const timer = setTimeout(() => this.#buffer.wake(), leftMs);
      await this.#buffer.changed();
      clearTimeout(timer);
    }
  }

  #takeInto(batch: MessageBatch<T>, maxMessages: number): number {
    while (batch.size < maxMessages && batch.bytes < this.#maxBatchBytes) {
      const buffer = this.#buffer.nextReady();
      if (buffer === undefined) break;
      const record = this.#buffer.take(buffer);
      batch.add(buffer, record, this.#decoder.decode(buffer.source, record));
    }
    return batch.size;
  }

  /** `undefined`: over. Empty: everything was left out. @throws what ended the reading */
  async #settle(batch: MessageBatch<T>): Promise<readonly Message<T>[] | undefined> {
    if (batch.size === 0) {
      const failure = this.#failure ?? this.#buffer.error;
      if (failure !== undefined) throw failure;
      return undefined;
    }
    // It never rejects, so a rejection is the abort.
    const settled = await abortable(batch.settle(this.#decoder), this.#closed).catch(() => undefined);
    if (settled === undefined) return undefined;
    const { messages, records, failure } = settled;
    batch.handOut(records);
    this.#failure = failure;
    if (messages.length === 0 && failure !== null) throw failure;
    return messages;
  }
}
