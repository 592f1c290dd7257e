import { unpackRecord } from "../../../src/envelope/index.ts";
import { ServiceError } from "../service-error.ts";
import type { RefusedPart } from "./fault-effect.ts";
import type { EntryError, InvalidEntry } from "./request-faults.ts";

interface Entry {
  readonly Data: string;
  readonly PartitionKey?: string | null;
}

/**
 * Messages that were made invalid. They are recognised by their bytes, because a retry sends them in other calls. A fault is about one
 * message, and a record may pack several in a frame (`src/envelope/README.md`): then it is one of those.
 */
export class InvalidRecords {
  readonly #invalid = new Map<string, RefusedPart>();

  /** Makes all messages valid again. */
  clear(): void {
    this.#invalid.clear();
  }

  /**
   * @param chosen the entry whose middle message becomes invalid
   * @returns the errors of entries that are refused by themselves
   * @throws ServiceError if the call is refused as a whole
   */
  check(stream: string, entries: readonly Entry[], chosen: InvalidEntry | null): ReadonlyMap<number, EntryError> {
    const errors = new Map<number, EntryError>();
    if (chosen !== null) {
      const messages = messagesOf(stream, entries[chosen.index]!);
      this.#invalid.set(messages[messages.length >> 1]!, chosen.refused);
    }
    if (this.#invalid.size === 0) return errors;
    for (const [index, entry] of entries.entries()) {
      const messages = messagesOf(stream, entry);
      const culprit = messages.find((message) => this.#invalid.has(message));
      if (culprit === undefined) continue;
      const isCall = this.#invalid.get(culprit) === "the call";
      // The fault is over when the message is alone, because the client then knows it and does not retry it.
      if (messages.length === 1 && (!isCall || entries.length === 1)) this.#invalid.delete(culprit);
      const message = `The record at 'records.${index + 1}.member' is invalid: a fault of the emulator.`;
      if (isCall) throw new ServiceError("InvalidArgumentException", message);
      errors.set(index, { ErrorCode: "InvalidArgumentException", ErrorMessage: message });
    }
    return errors;
  }
}

function messagesOf(stream: string, { Data, PartitionKey }: Entry): readonly string[] {
  const partitionKey = Buffer.from(PartitionKey ?? "");
  const data = Buffer.from(Data, "base64");
  const unpacked = unpackRecord({ partitionKey, data, position: "0", timestampMs: 0, native: null });
  const messages = unpacked.kind === "frame" ? unpacked.records : [{ key: partitionKey, value: data }];
  return messages.map(({ key, value }) => `${stream} ${text(key)} ${text(value)}`);
}

function text(bytes: Uint8Array | null): string {
  return bytes === null ? "-" : Buffer.from(bytes).toString("base64");
}
