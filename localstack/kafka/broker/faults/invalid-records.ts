import { ErrorCode, Refusal } from "../error-code.ts";
import { decompress } from "../log/compression.ts";
import type { RecordBatch } from "../log/record-batch.ts";
import { RecordCursor } from "../log/record-cursor.ts";

/** Records that were made invalid. They are recognised by key and value, because a retry may send them in another batch. */
export class InvalidRecords {
  readonly #invalid = new Set<string>();

  /** Makes the middle record of the batch invalid. */
  choose(batch: RecordBatch): void {
    this.#invalid.add(identitiesOf(batch)[batch.count >> 1]!);
  }

  /** Makes all records valid again. */
  clear(): void {
    this.#invalid.clear();
  }

  /** @throws `Refusal` that names the record, if one of the batch is invalid */
  check(batch: RecordBatch): void {
    if (this.#invalid.size === 0) return;
    const identities = identitiesOf(batch);
    const batchIndex = identities.findIndex((identity) => this.#invalid.has(identity));
    if (batchIndex < 0) return;
    // The fault is over when the record is alone in its batch, because the client then knows it and does not retry it.
    if (identities.length === 1) this.#invalid.delete(identities[0]!);
    const batchIndexErrorMessage = "a fault of the emulator refuses this record";
    throw new Refusal(ErrorCode.invalidRecord, "a record is invalid", [{ batchIndex, batchIndexErrorMessage }]);
  }
}

function identitiesOf(batch: RecordBatch): readonly string[] {
  const cursor = new RecordCursor(decompress(batch.codec, batch.payload));
  const text = (bytes: Buffer | null): string => bytes?.toString("base64") ?? "-";
  return Array.from({ length: batch.count }, () => {
    cursor.next();
    return `${text(cursor.key)} ${text(cursor.value)}`;
  });
}
