import { hasEscapedBytes, textToBytes } from "../text-bytes.ts";
import type { Lane } from "./lane.ts";

/** Keys remembered, each of at most so many characters: enough for busy keys, nothing for a million idle ones. */
const MAX_KEYS = 4_096;
const MAX_CHARACTERS = 256;

/** What is worth remembering of a key. */
export class KeyEntry {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** It is empty, or has bytes that are not UTF-8: where keys are texts, an empty one is none. */
  readonly needsBinaryKeys: boolean;
  /** The answer of `laneOf` in this generation of the driver; `undefined`: not asked yet. */
  laneName: string | null | undefined = undefined;
  generation = -1;
  /** The lane of that name, unless it has been retired. */
  lane: Lane | null = null;

  constructor(text: string, bytes: Uint8Array, needsBinaryKeys: boolean) {
    this.text = text;
    this.bytes = bytes;
    this.needsBinaryKeys = needsBinaryKeys;
  }
}

/** A bounded memory of keys, emptied when it is full. */
export class KeyCache {
  readonly #entries = new Map<string, KeyEntry>();

  get size(): number {
    return this.#entries.size;
  }

  /** @throws `invalid-argument` for text that stands for no bytes */
  entry(key: string): KeyEntry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry = new KeyEntry(key, textToBytes(key, "the key"), key === "" || hasEscapedBytes(key));
    if (key.length <= MAX_CHARACTERS) {
      if (this.#entries.size >= MAX_KEYS) this.#entries.clear();
      this.#entries.set(key, entry);
    }
    return entry;
  }
}
