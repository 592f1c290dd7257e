import type { Decoded } from "../codec/decode-record.ts";
import type { StoredRecord } from "../driver/record.ts";
import type { StreamError } from "../errors.ts";
import { type Message, ReceivedMessage } from "../message.ts";
import type { PartitionBuffer } from "./partition-buffer.ts";
import type { RecordDecoder } from "./record-decoder.ts";

interface SettledBatch<T> {
  readonly messages: Message<T>[];
  /** How many records these are, those that were left out included. */
  readonly records: number;
  /** What ends the reading behind them. */
  readonly failure: StreamError | null;
}

/** Records on their way to the application. Their places move when the batch is handed out, all at once. */
export class MessageBatch<T> {
  readonly #buffers: PartitionBuffer[] = [];
  readonly #records: StoredRecord[] = [];
  readonly #decoded: (Decoded<T> | Promise<Decoded<T>>)[] = [];
  /** Is every record a message already? Then nothing has to be awaited. */
  #plain = true;
  #bytes = 0;

  get size(): number {
    return this.#records.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get plain(): boolean {
    return this.#plain;
  }

  add(buffer: PartitionBuffer, record: StoredRecord, decoded: Decoded<T> | Promise<Decoded<T>>): void {
    this.#buffers.push(buffer);
    this.#records.push(record);
    this.#decoded.push(decoded);
    this.#bytes += record.bytes;
    if (!(decoded instanceof ReceivedMessage)) this.#plain = false;
  }

  /** The messages up to the first that ends the reading, without those that `onCorrupt` has taken. */
  async settle(decoder: RecordDecoder<T>): Promise<SettledBatch<T>> {
    const messages: Message<T>[] = [];
    for (const [index, decoded] of this.#decoded.entries()) {
      const outcome = await decoded;
      if (outcome instanceof ReceivedMessage) {
        messages.push(outcome);
        continue;
      }
      const failure = await decoder.leaveOut(this.#buffers[index]!.source, this.#records[index]!, outcome);
      if (failure !== null) return { messages, records: index, failure };
    }
    return { messages, records: this.size, failure: null };
  }

  /** All messages of a plain batch. */
  messages(): Message<T>[] {
    return this.#decoded as Message<T>[];
  }

  /** The first so many records are with the application. */
  handOut(records: number): void {
    for (let index = 0; index < records; index++) this.#buffers[index]!.handOut(this.#records[index]!);
  }
}
