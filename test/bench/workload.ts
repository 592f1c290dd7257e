import type { Message, OutgoingMessage } from "../../src/index.ts";

export const KEYS = 512;
export const PARTITIONS = 8;
export const VALUE_BYTES = 100;

/** Messages whose keys take turns; each value begins with its number, by which order and completeness are checked. */
export function workload(messages: number, valueBytes: number = VALUE_BYTES, keys: number = KEYS): readonly OutgoingMessage<Uint8Array>[] {
  return Array.from({ length: messages }, (_, number) => {
    const value = Buffer.alloc(valueBytes, 0x2e);
    value.writeUInt32BE(number, 0);
    return { key: `key-${number % keys}`, value };
  });
}

/** Batches of this size, in order. */
export function batchesOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** Counts what arrives, what came before an earlier message of its key, and what came twice. */
export class ArrivalCheck {
  readonly #latest = new Map<string | null, number>();
  readonly #seen: Uint8Array;
  arrived = 0;
  inversions = 0;

  constructor(messages: number) {
    this.#seen = new Uint8Array(messages);
  }

  add({ key, value }: Message<Uint8Array>): void {
    const number = Buffer.from(value.buffer, value.byteOffset, 4).readUInt32BE(0);
    if (this.#seen[number] !== 0) return;
    this.#seen[number] = 1;
    this.arrived += 1;
    if (number < (this.#latest.get(key) ?? -1)) this.inversions += 1;
    else this.#latest.set(key, number);
  }
}
