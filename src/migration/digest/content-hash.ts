import type { RecordParts } from "../../driver/record-parts.ts";
import type { StoredTime } from "../../stored-time.ts";

const BLOCK = 16;
/** Odd, so that a product loses nothing. */
const PRIME = 0x9e3779b1;

/**
 * A hash of 128 bits of what a message carries: four lanes of 32 bits, each of which goes into the next one. Every step can be undone. So of two messages with
 * parts of the same lengths that differ within one block of 16 bytes only, the hashes always differ; of others they are the same with a probability of 1 to
 * 2^128. It is no protection against somebody who looks for two such messages.
 */
export class ContentHash implements RecordParts {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;
  #headers = 0;
  /** The hash, behind `finish`. */
  readonly words = new Int32Array(4);

  begin(): void {
    this.#a = 0;
    this.#b = 0;
    this.#c = 0;
    this.#d = 0;
    this.#headers = 0;
  }

  /** Headers since `begin`. */
  get headers(): number {
    return this.#headers;
  }

  key(memory: DataView, at: number, length: number): void {
    this.#add(memory, at, length);
  }

  value(memory: DataView, at: number, length: number): void {
    this.#add(memory, at, length);
  }

  header(memory: DataView, nameAt: number, nameLength: number, valueAt: number, valueLength: number): void {
    this.#headers += 1;
    this.#add(memory, nameAt, nameLength);
    this.#add(memory, valueAt, valueLength);
  }

  /** @param place `placeHash` of the message in the source: the same content elsewhere has another hash */
  finish(place: number, timestampMs: StoredTime): void {
    const isNumber = typeof timestampMs === "number";
    const low = isNumber ? timestampMs | 0 : Number(BigInt.asIntN(32, timestampMs));
    const high = isNumber ? Math.floor(timestampMs / 4_294_967_296) | 0 : Number(BigInt.asIntN(32, timestampMs >> 32n));
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    let a = step(this.#a, this.#headers) + b;
    b = step(b, low) + c;
    c = step(c, high) + d;
    d = step(d, place) + a;
    // As MurmurHash3 by Austin Appleby ends: every bit has an effect on every bit.
    a += b + c + d;
    a = finished(a);
    b = finished(b + a);
    c = finished(c + a);
    d = finished(d + a);
    a += b + c + d;
    const { words } = this;
    words[0] = a;
    words[1] = b + a;
    words[2] = c + a;
    words[3] = d + a;
  }

  /** With the length before it, so that no other sequence of parts looks the same. */
  #add(memory: DataView, begin: number, length: number): void {
    let a = Math.imul(this.#a + length, PRIME);
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    let at = begin;
    const end = begin + length;
    for (; at + BLOCK <= end; at += BLOCK) {
      a = (step(a, memory.getInt32(at, true)) + b) | 0;
      b = (step(b, memory.getInt32(at + 4, true)) + c) | 0;
      c = (step(c, memory.getInt32(at + 8, true)) + d) | 0;
      d = (step(d, memory.getInt32(at + 12, true)) + a) | 0;
    }
    if (at < end) {
      a = (step(a, wordAt(memory, at, end)) + b) | 0;
      b = (step(b, wordAt(memory, at + 4, end)) + c) | 0;
      c = (step(c, wordAt(memory, at + 8, end)) + d) | 0;
      d = (step(d, wordAt(memory, at + 12, end)) + a) | 0;
    }
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }
}

function step(lane: number, word: number): number {
  const product = Math.imul(lane ^ word, PRIME);
  return (product << 13) | (product >>> 19);
}

/** Behind the end are zeros. */
function wordAt(memory: DataView, at: number, end: number): number {
  if (at + 4 <= end) return memory.getInt32(at, true);
  let word = 0;
  for (let index = at; index < end; index += 1) word |= memory.getUint8(index) << ((index - at) * 8);
  return word;
}

/** Every bit of the lane has an effect on every bit of the result. */
export function finished(lane: number): number {
  let result = lane ^ (lane >>> 16);
  result = Math.imul(result, 0x85ebca6b);
  result ^= result >>> 13;
  result = Math.imul(result, 0xc2b2ae35);
  return result ^ (result >>> 16);
}
