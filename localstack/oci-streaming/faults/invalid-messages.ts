import { unpackRecord } from "../../../src/envelope/index.ts";

/** An entry of a publish call, in base64. */
export interface PublishedEntry {
  readonly key: string | null;
  readonly value: string;
}

/**
 * Messages that were chosen to be invalid. The service knows messages only; but a message of it may be a frame with several of streamport,
 * and each retry may pack them anew. So what is chosen is one of those, recognised by its key and value.
 */
export class InvalidMessages {
  readonly #invalid = new Set<string>();

  get isEmpty(): boolean {
    return this.#invalid.size === 0;
  }

  /** Makes the one in the middle of the call invalid. */
  choose(entries: readonly PublishedEntry[]): void {
    const identities = entries.flatMap(identitiesOf);
    const chosen = identities[identities.length >> 1];
    if (chosen !== undefined) this.#invalid.add(chosen);
  }

  /** Makes all messages valid again. */
  clear(): void {
    this.#invalid.clear();
  }

  /**
   * Whether the call has an invalid one. The fault is over when that one is alone in its call, because the client then knows it and does
   * not retry it.
   */
  refuses(entries: readonly PublishedEntry[]): boolean {
    if (this.isEmpty) return false;
    const identities = entries.flatMap(identitiesOf);
    const invalid = identities.find((identity) => this.#invalid.has(identity));
    if (invalid === undefined) return false;
    if (identities.length === 1) this.#invalid.delete(invalid);
    return true;
  }
}

function identitiesOf({ key, value }: PublishedEntry): readonly string[] {
  const data = Buffer.from(value, "base64");
  const partitionKey = key === null ? null : Buffer.from(key, "base64");
  const unpacked = unpackRecord({ partitionKey, data, position: "0", timestampMs: 0, native: null });
  if (unpacked.kind !== "frame") return [`${key ?? "-"} ${value}`];
  const text = (bytes: Uint8Array | null): string => (bytes === null ? "-" : Buffer.from(bytes).toString("base64"));
  return unpacked.records.map((record) => `${text(record.key)} ${text(record.value)}`);
}
