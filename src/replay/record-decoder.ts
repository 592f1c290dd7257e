import { type Decoded, decodeRecord } from "../codec/decode-record.ts";
import { keyTextOf } from "../codec/key-text.ts";
import type { StoredRecord } from "../driver/record.ts";
import { StreamError } from "../errors.ts";
import { ReceivedMessage } from "../message.ts";
import type { MessageSource } from "../position/position.ts";
import type { TypedTopic } from "../topic-context.ts";
import type { ReaderOptions } from "./reader-types.ts";

/** Turns the records of a reader into messages, and decides what happens to those that cannot be decoded. */
export class RecordDecoder<T> {
  readonly #decoding: Pick<TypedTopic<T, never>, "codec" | "tombstones">;
  readonly #onCorrupt: ReaderOptions["onCorrupt"];

  constructor(decoding: Pick<TypedTopic<T, never>, "codec" | "tombstones">, onCorrupt: ReaderOptions["onCorrupt"]) {
    this.#decoding = decoding;
    this.#onCorrupt = onCorrupt;
  }

  /** Answers at once where the codec does. Never throws, never rejects. */
  decode(source: MessageSource, record: StoredRecord): Decoded<T> | Promise<Decoded<T>> {
    return decodeRecord(this.#decoding, source, record, keyTextOf(record));
  }

  /**
   * Resolves when `onCorrupt` has been called, with `null` where the message may be left out; else with what ends the reading:
   * the error itself where there is no `onCorrupt`, `handler-failed` when that fails. Never rejects.
   */
  async leaveOut(source: MessageSource, record: StoredRecord, error: StreamError): Promise<StreamError | null> {
    const { code, message, cause, provider, topic, partition, position } = error;
    const details = { cause, provider, topic, partition, position, operation: "read" };
    const corrupt = new StreamError(code, message, details);
    if (this.#onCorrupt === undefined) return corrupt;
    try {
      await this.#onCorrupt(corrupt, new ReceivedMessage(source, record, keyTextOf(record), record.value));
      return null;
    } catch (thrown) {
      return new StreamError("handler-failed", "onCorrupt failed", { ...details, cause: thrown });
    }
  }
}
